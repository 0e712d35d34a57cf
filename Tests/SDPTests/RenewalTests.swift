import SDP
import Testing
import Wire

@Suite("RFC 3264 §8 a session that changes")
struct RenewalTests {
    private let here = NetworkAddress(host: .ipv4(0xc633_6401), port: 20_000)
    private let there = NetworkAddress(host: .ipv4(0xc000_0209), port: 4_000)

    private func answer(
        _ media: String, last: SessionDescription? = nil, using: AudioCodec? = .pcmu, holds: Bool = false
    ) throws -> (answer: SessionDescription, audio: TrunkAudio) {
        let standing =
            last ?? TrunkOffer.make(local: here, sessionID: 77, version: 4, codecs: [.pcmu, .pcma])
        return try TrunkAnswer.renew(
            standing, for: try trunkSDP(media), local: here, using: using, codecs: [.pcmu, .pcma], holds: holds)
    }

    @Test(
        "Every way to say hold, and its end",
        arguments: [
            ("a=sendonly", MediaDirection.recvonly), ("a=inactive", .inactive), ("a=recvonly", .sendonly),
            ("c=IN IP4 0.0.0.0", .recvonly), ("c=IN IP4 0.0.0.0\na=sendonly", .recvonly),
            ("c=IN IP4 0.0.0.0\na=inactive", .inactive), ("c=IN IP6 ::", .recvonly), ("", .sendrecv),
            ("a=sendrecv", .sendrecv),
        ])
    func holds(line: String, expected: MediaDirection) throws {
        let (answer, audio) = try answer("m=audio 4000 RTP/AVP 0 8\n\(line)")
        #expect(answer.media[0].direction == expected && audio.direction == expected)
        #expect(answer.origin.sessionID == "77" && answer.origin.version == "5")
        let both = try self.answer("m=audio 4000 RTP/AVP 0 8\n\(line)", holds: true)
        #expect(both.audio.direction == (expected.sends ? .sendonly : .inactive), "both sides hold")
        #expect(both.answer.media[0].direction == both.audio.direction)
    }

    @Test("The codec in use stays where it is still offered, and gives way where it is not")
    func codec() throws {
        #expect(try answer("m=audio 4000 RTP/AVP 8 0").audio.codec == .pcmu)
        #expect(try answer("m=audio 4000 RTP/AVP 8 0", using: nil).audio.codec == .pcma)
        #expect(try answer("m=audio 4000 RTP/AVP 8").audio.codec == .pcma)
        #expect(throws: SDPError.noSharedCodec) { try answer("m=audio 4000 RTP/AVP 18") }
    }

    @Test("Fax instead of voice is refused; fax beside it too, and the voice goes on")
    func fax() throws {
        #expect(throws: SDPError.noAudio) { try self.answer("m=image 4002 udptl t38") }
        #expect(throws: SDPError.noAudio) { try self.answer("m=audio 0 RTP/AVP 0\nm=image 4002 udptl t38") }
        let (answer, _) = try answer("m=audio 4000 RTP/AVP 0\nm=image 4002 udptl t38")
        #expect(answer.media.map(\.port) == [20_000, 0])
    }

    @Test("A session does not lose sections")
    func missing() throws {
        var last = TrunkOffer.make(local: here, sessionID: 77, version: 4, codecs: [.pcmu])
        last.media.append(MediaDescription(kind: "video", port: 0, transport: "RTP/AVP", formats: ["96"]))
        #expect(throws: SDPError.mismatch) { try answer("m=audio 4000 RTP/AVP 0", last: last) }
    }

    @Test("Our own hold and its end: only direction and version differ")
    func ownHold() throws {
        let first = TrunkOffer.make(local: here, sessionID: 77, version: UInt64.max, codecs: [.pcmu, .opus])
        let hold = TrunkOffer.renew(first, direction: .sendonly)
        #expect(hold.origin.version == "0" && hold.media[0].direction == .sendonly)
        #expect(hold.media[0].formats == first.media[0].formats)
        let resumed = TrunkOffer.renew(hold, direction: .sendrecv)
        #expect(resumed.origin.version == "1")
        var same = resumed
        same.origin = first.origin
        #expect(same == first)
    }

    @Test("Two boxes hold and resume in any order: both always see the same directions, versions only go up")
    func walk() throws {
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<300 {
            var mine = TrunkOffer.make(local: here, sessionID: 1, version: 1, codecs: [.pcma, .pcmu])
            var (theirs, audio) = try TrunkAnswer.make(to: mine, local: there, sessionID: 2, codecs: [.pcmu])
            var isHeld = [false, false]
            for _ in 0..<12 {
                let side = Int.random(in: 0...1, using: &generator)
                if Int.random(in: 0..<3, using: &generator) > 0 { isHeld[side].toggle() }
                let wanted: MediaDirection = isHeld[side] ? .sendonly : .sendrecv
                let (before, address) = (side == 0 ? mine : theirs, side == 0 ? there : here)
                let offer = TrunkOffer.renew(before, direction: wanted)
                let other = side == 0 ? theirs : mine
                let renewed = try TrunkAnswer.renew(
                    other, for: try SessionDescription(offer.bytes), local: address, using: audio.codec,
                    codecs: [.pcma, .pcmu], holds: isHeld[1 - side])
                audio = renewed.audio
                let seen = try TrunkOffer.agreed(offer: offer, answer: try SessionDescription(renewed.answer.bytes))
                #expect(seen.direction == renewed.audio.direction.mirrored)
                #expect(!(isHeld[side] && seen.direction.receives))
                #expect(!(isHeld[1 - side] && renewed.audio.direction.receives))
                #expect(seen.codec == renewed.audio.codec && seen.codec == .pcmu)
                for (new, old) in [(offer, before), (renewed.answer, other)] {
                    #expect(UInt64(new.origin.version) == UInt64(old.origin.version).map { $0 + 1 })
                    #expect(new.origin.sessionID == old.origin.sessionID)
                }
                (mine, theirs) = side == 0 ? (offer, renewed.answer) : (renewed.answer, offer)
            }
        }
    }
}
