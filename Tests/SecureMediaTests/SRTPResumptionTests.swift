import Foundation
import Testing
import Wire

@testable import SecureMedia

extension SecureMediaTests {
    @Suite("An SRTP session goes on in another process")
    struct SRTPResumptionTests {
        /// The keys as `SRTPSessionTests.ends` makes them.
        static func keys(_ profile: SRTPProfile) -> SRTPKeys {
            let length = profile.keyLength + profile.saltLength
            return SRTPKeys(
                profile: profile, client: Redacted((0..<length).map { UInt8($0) }),
                server: Redacted((0..<length).map { UInt8(200 - $0) }))
        }

        /// What a process writes before it ends and the next one reads.
        struct Checkpoint: Codable {
            var keys: SRTPKeys
            var progress: SRTPProgress
        }

        /// The box's end after a restart: nothing but the encoded bytes gets across.
        static func restarted(_ box: SRTPSession, _ profile: SRTPProfile) throws -> SRTPSession {
            let bytes = try JSONEncoder().encode(Checkpoint(keys: keys(profile), progress: box.progress))
            let read = try JSONDecoder().decode(Checkpoint.self, from: bytes)
            #expect(read.progress == box.progress)
            return try SRTPSession(keys: read.keys, continuing: read.progress)
        }

        typealias Ends = SRTPSessionTests

        /// Where the checkpoint is taken: the sequence number and how many rounds it was after, and the next packet's number.
        static let places: [(last: UInt16, rounds: Int, next: UInt16)] = [
            (7, 0, 8), (40_000, 0, 40_001), (65_535, 0, 0), (65_530, 0, 3), (65_535, 1, 0), (5, 1, 6), (5, 2, 300),
            (33_000, 1, 33_001), (100, 1, 20_000), (65_000, 2, 20),
        ]

        @Test("the peer's next packets decrypt, before and after a wrap", arguments: SRTPProfile.allCases, places)
        func decrypts(profile: SRTPProfile, place: (last: UInt16, rounds: Int, next: UInt16)) throws {
            let (box, browser) = try Ends.ends(profile)
            func hear(_ number: UInt16, _ session: SRTPSession) throws {
                let plain = Ends.rtp(sequence: number)
                #expect(try Ends.run(Ends.run(plain, browser.protectRTP), session.unprotectRTP) == plain)
            }
            for _ in 0..<place.rounds {
                for number: UInt16 in [1_000, 20_000, 40_000, 60_000] { try hear(number, box) }
            }
            for number: UInt16 in [1, 20_000, 40_000, 60_000] where number < place.last { try hear(number, box) }
            try hear(place.last, box)
            let index = try #require(box.progress.heard.first?.index)
            #expect(index.sequenceNumber == place.last)
            #expect(index.rolloverCounter == UInt32(place.rounds))
            let next = try Self.restarted(box, profile)
            for step in UInt16(0)..<5 { try hear(place.next &+ step, next) }
            let later = try #require(next.progress.heard.first?.index)
            #expect(later.rolloverCounter == UInt32(place.rounds) + (place.next < place.last ? 1 : 0))
            // A second restart, of what was restored.
            let third = try Self.restarted(next, profile)
            for step in UInt16(5)..<10 { try hear(place.next &+ step, third) }
        }

        @Test("the session's own index is libsrtp's, whatever is lost or comes late", arguments: SRTPProfile.allCases)
        func sameIndex(profile: SRTPProfile) throws {
            let (box, browser) = try Ends.ends(profile)
            var random = SplitMix(seed: 20_261_126)
            var number = 64_000
            for _ in 0..<3_000 {
                number += Int.random(in: -20...140, using: &random)
                let packet = Ends.rtp(sequence: UInt16(truncatingIfNeeded: number), payload: 4)
                guard let secret = try? Ends.run(packet, browser.protectRTP) else { continue }
                _ = try? Ends.run(secret, box.unprotectRTP)
                #expect(box.progress.heard.first?.index?.rolloverCounter == box.libraryRolloverCounter(0x1234_5678))
            }
            #expect(try #require(box.progress.heard.first?.index).rolloverCounter >= 2)
        }

        @Test("nothing heard before the restart is heard again, RTP or RTCP", arguments: SRTPProfile.allCases)
        func replay(profile: SRTPProfile) throws {
            let (box, browser) = try Ends.ends(profile)
            let packets = try (65_400...65_700).map {
                try Ends.run(Ends.rtp(sequence: UInt16(truncatingIfNeeded: $0)), browser.protectRTP)
            }
            let reports = try (0..<5).map { _ in try Ends.run(Ends.rtcp(), browser.protectRTCP) }
            for packet in packets { _ = try Ends.run(packet, box.unprotectRTP) }
            for report in reports { _ = try Ends.run(report, box.unprotectRTCP) }
            let next = try Self.restarted(box, profile)
            for packet in packets { #expect(throws: SRTPError.replayed) { try Ends.run(packet, next.unprotectRTP) } }
            for report in reports { #expect(throws: SRTPError.replayed) { try Ends.run(report, next.unprotectRTCP) } }
            let report = try Ends.run(Ends.rtcp(), browser.protectRTCP)
            #expect(try Ends.run(report, next.unprotectRTCP) == Ends.rtcp())
            #expect(throws: SRTPError.replayed) { try Ends.run(report, next.unprotectRTCP) }
            #expect(next.progress.heard.first?.controlIndex == 6)
        }

        @Test("what goes out goes on under another SSRC, and under no spent one", arguments: SRTPProfile.allCases)
        func sends(profile: SRTPProfile) throws {
            let (box, browser) = try Ends.ends(profile)
            for number in UInt16(65_530)...65_535 {
                _ = try Ends.run(Ends.run(Ends.rtp(sequence: number), box.protectRTP), browser.unprotectRTP)
            }
            _ = try Ends.run(Ends.rtcp(ssrc: 9), box.protectRTCP)
            let next = try Self.restarted(box, profile)
            #expect(next.progress.spent == [9, 0x1234_5678])
            // Even under numbers that may never have been used: nobody knows.
            #expect(throws: SRTPError.spentSource) { try Ends.run(Ends.rtp(sequence: 0), next.protectRTP) }
            #expect(throws: SRTPError.spentSource) { try Ends.run(Ends.rtcp(), next.protectRTCP) }
            #expect(throws: SRTPError.spentSource) { try Ends.run(Ends.rtp(sequence: 0, ssrc: 9), next.protectRTP) }
            for number in UInt16(100)..<110 {
                let plain = Ends.rtp(sequence: number, ssrc: 77)
                #expect(try Ends.run(Ends.run(plain, next.protectRTP), browser.unprotectRTP) == plain)
            }
            let report = Ends.rtcp(ssrc: 77)
            #expect(try Ends.run(Ends.run(report, next.protectRTCP), browser.unprotectRTCP) == report)
            let third = try Self.restarted(next, profile)
            #expect(third.progress.spent == [9, 77, 0x1234_5678])
            #expect(throws: SRTPError.spentSource) { try Ends.run(Ends.rtp(sequence: 500, ssrc: 77), third.protectRTP) }
        }

        @Test("100 restarts of one call take no room from its sources")
        func manyRestarts() throws {
            var (box, browser) = try Ends.ends(.aeadAES128GCM)
            for restart in UInt32(0)..<100 {
                box = try Self.restarted(box, .aeadAES128GCM)
                _ = try Ends.run(Ends.rtp(sequence: 1, ssrc: 1_000 + restart), box.protectRTP)
                let secret = try Ends.run(Ends.rtp(sequence: UInt16(restart)), browser.protectRTP)
                #expect(try Ends.run(secret, box.unprotectRTP) == Ends.rtp(sequence: UInt16(restart)))
            }
            #expect(box.progress.spent.count == 100)
            #expect(box.progress.heard.count == 1)
        }

        @Test("a progress that no session has is refused, and leaves nothing behind")
        func nonsense() throws {
            let keys = Self.keys(.aeadAES128GCM)
            let source = SRTPProgress.Heard(ssrc: 1, index: PacketIndex(first: 1), controlIndex: nil)
            #expect(throws: SRTPError.malformed) {
                try SRTPSession(keys: keys, continuing: SRTPProgress(spent: [], heard: [source, source]))
            }
            let many = (UInt32(0)..<33).map { SRTPProgress.Heard(ssrc: $0, index: nil, controlIndex: 1) }
            #expect(throws: SRTPError.tooManySources) {
                try SRTPSession(keys: keys, continuing: SRTPProgress(spent: [], heard: many))
            }
            for bytes in ["281474976710656", "-1", "\"x\""] {
                #expect(throws: DecodingError.self) {
                    try JSONDecoder().decode(PacketIndex.self, from: Data(bytes.utf8))
                }
            }
        }

        @Test("keys are overwritten by a wipe, and a checkpoint shows none when printed")
        func wiped() {
            var keys = Self.keys(.aeadAES128GCM)
            #expect(!"\(Checkpoint(keys: keys, progress: SRTPProgress(spent: [], heard: [])))".contains("200"))
            keys.wipe()
            #expect(keys.client.revealed == [UInt8](repeating: 0, count: 28))
            #expect(keys.server.revealed == [UInt8](repeating: 0, count: 28))
        }

        @Test("the peer of a finished handshake goes on without it")
        func association() throws {
            let (box, page) = (try DTLSIdentity(), try DTLSIdentity())
            let server = try DTLSServer(
                identity: box, fingerprintAlgorithm: "SHA-256", peerFingerprint: page.fingerprint)
            #expect(server.association == nil)
            let pair = HandshakePair(server: server, client: try DTLSClient(identity: page))
            pair.run { pair.isDone }
            let finished = try #require(server.association)
            let bytes = try JSONEncoder().encode(finished)
            let read = try JSONDecoder().decode(DTLSAssociation.self, from: bytes)
            #expect(read == finished)
            #expect(read.peerFingerprint == page.fingerprint)
            #expect(!"\(read)".contains("\(try #require(finished.keys.client.revealed.first)), "))
            // Another process has another certificate, and no record layer.
            let next = try DTLSServer(identity: DTLSIdentity(), continuing: read)
            #expect(next.state == .connected)
            #expect(next.keys == server.keys)
            #expect(next.nextDeadline == nil)
            var sent = 0
            [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1].withUnsafeBytes { datagram in
                next.receive(datagram, now: .now()) { _ in sent += 1 }
            }
            next.advance(to: .now() + .seconds(60)) { _ in sent += 1 }
            #expect(next.state == .connected)
            next.close(now: .now()) { _ in sent += 1 }
            #expect(next.state == .closed && next.keys == nil && next.association == nil && sent == 0)
        }
    }
}

/// Small and seeded, so that a failure can be had again.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
