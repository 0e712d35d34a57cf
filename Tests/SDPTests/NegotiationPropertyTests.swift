import SDP
import Testing
import Wire

@Suite("RFC 3264 negotiation, whatever is offered")
struct NegotiationPropertyTests {
    /// A random provider's offer: codecs in any order under any numbers, other media around, any direction.
    private func randomOffer(using generator: inout SeededGenerator) -> SessionDescription {
        var numbers = Array(UInt8(96)...127).shuffled(using: &generator)
        var voice = MediaDescription(
            kind: "audio", port: UInt16.random(in: 1...65_535, using: &generator),
            transport: ["RTP/AVP", "RTP/AVP", "RTP/AVPF", "RTP/SAVP"].randomElement(using: &generator) ?? "RTP/AVP",
            formats: [])
        let candidates: [(String, UInt8?)] = [
            ("PCMU/8000", 0), ("PCMA/8000", 8), ("G722/8000", 9), ("G729/8000", 18), ("opus/48000/2", nil),
            ("telephone-event/8000", nil), ("telephone-event/48000", nil), ("pcma/8000", nil), ("speex/16000", nil),
        ]
        for (encoding, number) in candidates.shuffled(using: &generator).prefix(
            Int.random(in: 1...9, using: &generator))
        {
            let payloadType = number ?? numbers.removeLast()
            voice.formats.append("\(payloadType)")
            if number == nil || Bool.random(using: &generator) {
                voice.attributes.append(.init("rtpmap", "\(payloadType) \(encoding)"))
            }
        }
        if Bool.random(using: &generator) {
            voice.attributes.append(.init("ptime", "\(Int.random(in: 0...90, using: &generator))"))
        }
        if let direction = (MediaDirection.allCases.map { $0 } as [MediaDirection?] + [nil]).randomElement(
            using: &generator) ?? nil
        {
            voice.attributes.append(.init(direction.rawValue))
        }
        let host: NetworkAddress.Host = Int.random(in: 0..<6, using: &generator) == 0 ? .ipv4(0) : .ipv4(0xc000_0209)
        if Bool.random(using: &generator) { voice.connection = .init(host: host) }
        var offer = SessionDescription(
            origin: .init(sessionID: 1, version: 1, host: host), connection: .init(host: host), media: [voice])
        for other in [("image", "udptl", ["t38"]), ("video", "RTP/AVP", ["96"]), ("application", "TCP/BFCP", ["*"])] {
            guard Int.random(in: 0..<4, using: &generator) == 0 else { continue }
            let section = MediaDescription(kind: other.0, port: 4_444, transport: other.1, formats: other.2)
            offer.media.insert(section, at: Int.random(in: 0...offer.media.count, using: &generator))
        }
        return offer
    }

    @Test("20,000 offers: every answer is legal, and says what the box then does")
    func answers() throws {
        var generator = SeededGenerator(seed: 3_264)
        let local = NetworkAddress(host: .ipv4(0xc633_6401), port: 20_000)
        var agreements = 0
        for _ in 0..<20_000 {
            let offer = randomOffer(using: &generator)
            let codecs = AudioCodec.allCases.filter { _ in Bool.random(using: &generator) }.shuffled(using: &generator)
            let voiceIndex = try #require(offer.media.firstIndex { $0.kind == "audio" })
            let asked = offer.media[voiceIndex]
            guard let (answer, audio) = try? TrunkAnswer.make(to: offer, local: local, sessionID: 7, codecs: codecs)
            else {
                let possible =
                    asked.audioFormats.contains { codecs.contains($0.codec) } && asked.transport != "RTP/SAVP"
                #expect(!possible)
                continue
            }
            agreements += 1
            // §6: as many sections, of the same kinds and transports, the refused ones with port 0.
            #expect(answer.media.map(\.kind) == offer.media.map(\.kind))
            #expect(answer.media.map(\.transport) == offer.media.map(\.transport))
            for index in answer.media.indices {
                #expect(answer.media[index].port == (index == voiceIndex ? local.port : 0))
                #expect(!answer.media[index].formats.isEmpty)
            }
            // §6.1: only formats of the offer, under the offer's numbers with the offer's meaning.
            let said = answer.media[voiceIndex]
            #expect(Set(said.formats).isSubset(of: asked.formats))
            for map in said.maps { #expect(asked.maps.contains(map)) }
            #expect(said.audioFormats.map(\.payloadType) == [audio.payloadType])
            #expect(codecs.contains(audio.codec))
            #expect(asked.audioFormats.first { codecs.contains($0.codec) }?.codec == audio.codec)
            #expect(said.telephoneEvents == (audio.telephoneEvent.map { [audio.telephoneEventClockRate: $0] } ?? [:]))
            // §6.1: nobody sends to one who does not receive.
            let theirs = asked.direction ?? .sendrecv
            #expect(said.direction == audio.direction)
            #expect(!audio.direction.sends || theirs.receives && audio.remote.port == asked.port)
            #expect(!audio.direction.sends || !audio.remote.host.isUnspecified)
            #expect(!audio.direction.receives || theirs.sends)
            #expect((10...60).contains(audio.packetMilliseconds))
            #expect(try SessionDescription(answer.bytes) == answer)
        }
        print("SDP: 20000 random offers, \(agreements) agreements")
        #expect((5_000..<20_000).contains(agreements))
    }

    @Test("two boxes that offer to and answer each other agree on the same")
    func both() throws {
        var generator = SeededGenerator(seed: 4)
        let here = NetworkAddress(host: .ipv4(0xc633_6401), port: 20_000)
        let there = NetworkAddress(host: .ipv6(high: 0x2001_0db8_0000_0000, low: 3), port: 30_000)
        for _ in 0..<3_000 {
            let mine = AudioCodec.allCases.shuffled(using: &generator).prefix(Int.random(in: 1...3, using: &generator))
            let theirs = AudioCodec.allCases.filter { _ in Bool.random(using: &generator) }
            let direction = MediaDirection.allCases.randomElement(using: &generator) ?? .sendrecv
            let offer = TrunkOffer.make(
                local: here, sessionID: 1, version: 1, codecs: Array(mine), direction: direction)
            guard !mine.filter(theirs.contains).isEmpty else {
                #expect(throws: SDPError.noSharedCodec) {
                    try TrunkAnswer.make(to: offer, local: there, sessionID: 2, codecs: theirs)
                }
                continue
            }
            let (answer, answerer) = try TrunkAnswer.make(
                to: try SessionDescription(offer.bytes), local: there, sessionID: 2, codecs: theirs)
            let offerer = try TrunkOffer.agreed(offer: offer, answer: try SessionDescription(answer.bytes))
            #expect(offerer.codec == answerer.codec)
            #expect(offerer.codec == mine.first(where: theirs.contains))
            #expect(offerer.payloadType == answerer.payloadType)
            #expect(offerer.telephoneEvent == answerer.telephoneEvent)
            #expect(offerer.telephoneEvent != nil)
            #expect(offerer.telephoneEventClockRate == answerer.telephoneEventClockRate)
            #expect(offerer.direction == direction)
            #expect(answerer.direction == direction.mirrored)
            #expect(offerer.remote == there)
            #expect(answerer.remote == here)
            #expect(offerer.receivable.map(\.payloadType) == answerer.receivable.map(\.payloadType))
            #expect(offerer.packetMilliseconds == answerer.packetMilliseconds)
        }
    }
}
