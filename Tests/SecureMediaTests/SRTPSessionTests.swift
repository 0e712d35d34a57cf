import Foundation
import SecureMedia
import Testing
import Wire

extension SecureMediaTests {
    @Suite("RFC 3711 and RFC 7714 SRTP and SRTCP over the caller's buffer")
    struct SRTPSessionTests {
        /// Both ends of one association.
        static func ends(_ profile: SRTPProfile) throws -> (box: SRTPSession, browser: SRTPSession) {
            let length = profile.keyLength + profile.saltLength
            let keys = SRTPKeys(
                profile: profile, client: Redacted((0..<length).map { UInt8($0) }),
                server: Redacted((0..<length).map { UInt8(200 - $0) }))
            return (try SRTPSession(keys: keys), try SRTPSession(keys: keys, side: .client))
        }

        static func rtp(sequence: UInt16, ssrc: UInt32 = 0x1234_5678, payload: Int = 160) -> [UInt8] {
            [0x80, 0, UInt8(sequence >> 8), UInt8(truncatingIfNeeded: sequence), 0, 0, 0, 160]
                + withUnsafeBytes(of: ssrc.bigEndian, Array.init)
                + (0..<payload).map { UInt8(truncatingIfNeeded: $0) }
        }

        static func rtcp(ssrc: UInt32 = 0x1234_5678) -> [UInt8] {
            [0x80, 201, 0, 1] + withUnsafeBytes(of: ssrc.bigEndian, Array.init)
        }

        typealias Transform =
            (SRTPSession) -> (UnsafeMutableRawBufferPointer, Int) throws(SRTPError) -> Int

        /// Runs an in-place transform on a copy that has `room` bytes to spare.
        static func run(
            _ bytes: [UInt8], room: Int = 40,
            _ transform: (UnsafeMutableRawBufferPointer, Int) throws(SRTPError) -> Int
        ) throws(SRTPError) -> [UInt8] {
            var buffer = bytes + [UInt8](repeating: 0xcc, count: room)
            var outcome: Result<Int, SRTPError> = .failure(.noRoom)
            buffer.withUnsafeMutableBytes { pointer in
                do throws(SRTPError) {
                    outcome = .success(try transform(pointer, bytes.count))
                } catch {
                    outcome = .failure(error)
                }
            }
            return Array(buffer.prefix(try outcome.get()))
        }

        @Test("media decrypts in both directions", arguments: SRTPProfile.allCases)
        func bothWays(profile: SRTPProfile) throws {
            let (box, browser) = try Self.ends(profile)
            for (sender, receiver) in [(box, browser), (browser, box)] {
                for sequence in UInt16(65_500)...65_535 {
                    let plain = Self.rtp(sequence: sequence)
                    let secret = try Self.run(plain, sender.protectRTP)
                    #expect(secret.count == plain.count + profile.overhead)
                    #expect(secret[12..<40] != plain[12..<40])
                    #expect(try Self.run(secret, receiver.unprotectRTP) == plain)
                }
                // The sequence number wraps: the rollover counter has to follow on both sides.
                let wrapped = Self.rtp(sequence: 3)
                #expect(try Self.run(Self.run(wrapped, sender.protectRTP), receiver.unprotectRTP) == wrapped)
                let report = Self.rtcp()
                let secret = try Self.run(report, sender.protectRTCP)
                #expect(secret.count == report.count + profile.controlOverhead)
                #expect(try Self.run(secret, receiver.unprotectRTCP) == report)
            }
        }

        @Test("one's own packets do not decrypt: each direction has its key", arguments: SRTPProfile.allCases)
        func reflected(profile: SRTPProfile) throws {
            let (box, _) = try Self.ends(profile)
            let secret = try Self.run(Self.rtp(sequence: 1), box.protectRTP)
            #expect(throws: SRTPError.authenticationFailed) { try Self.run(secret, box.unprotectRTP) }
        }

        @Test("replayed packets are rejected, late ones within 128 accepted", arguments: SRTPProfile.allCases)
        func replay(profile: SRTPProfile) throws {
            let (box, browser) = try Self.ends(profile)
            let packets = try (1...300).map { try Self.run(Self.rtp(sequence: UInt16($0)), browser.protectRTP) }
            for packet in packets where packet != packets[250] { _ = try Self.run(packet, box.unprotectRTP) }
            #expect(try Self.run(packets[250], box.unprotectRTP) == Self.rtp(sequence: 251))
            for index in [0, 200, 250, 299] {
                #expect(throws: SRTPError.replayed) { try Self.run(packets[index], box.unprotectRTP) }
            }
            let report = try Self.run(Self.rtcp(), browser.protectRTCP)
            _ = try Self.run(report, box.unprotectRTCP)
            #expect(throws: SRTPError.replayed) { try Self.run(report, box.unprotectRTCP) }
        }

        @Test("every single flipped bit of a packet is noticed", arguments: SRTPProfile.allCases)
        func tampering(profile: SRTPProfile) throws {
            let (box, browser) = try Self.ends(profile)
            let packet = try Self.run(Self.rtp(sequence: 1, payload: 20), browser.protectRTP)
            let report = try Self.run(Self.rtcp(), browser.protectRTCP)
            for bit in 0..<packet.count * 8 {
                var forged = packet
                forged[bit / 8] ^= 1 << (bit % 8)
                #expect(throws: SRTPError.self, "RTP bit \(bit)") { try Self.run(forged, box.unprotectRTP) }
            }
            for bit in 0..<report.count * 8 {
                var forged = report
                forged[bit / 8] ^= 1 << (bit % 8)
                #expect(throws: SRTPError.self, "RTCP bit \(bit)") { try Self.run(forged, box.unprotectRTCP) }
            }
            #expect(try Self.run(packet, box.unprotectRTP) == Self.rtp(sequence: 1, payload: 20))
            #expect(try Self.run(report, box.unprotectRTCP) == Self.rtcp())
        }

        @Test("a sequence number is never protected twice: GCM forgives no repeated nonce")
        func nonceReuse() throws {
            let (box, _) = try Self.ends(.aeadAES128GCM)
            _ = try Self.run(Self.rtp(sequence: 7), box.protectRTP)
            #expect(throws: SRTPError.replayed) { try Self.run(Self.rtp(sequence: 7), box.protectRTP) }
        }

        @Test("wrong lengths are errors: short, cut, no room, more than the buffer", arguments: SRTPProfile.allCases)
        func lengths(profile: SRTPProfile) throws {
            let (box, browser) = try Self.ends(profile)
            #expect(throws: SRTPError.noRoom) {
                try Self.run(Self.rtp(sequence: 1), room: profile.overhead - 1, box.protectRTP)
            }
            _ = try Self.run(Self.rtp(sequence: 1), room: profile.overhead, box.protectRTP)
            #expect(throws: SRTPError.noRoom) {
                try Self.run(Self.rtcp(), room: profile.controlOverhead - 1, box.protectRTCP)
            }
            _ = try Self.run(Self.rtcp(), room: profile.controlOverhead, box.protectRTCP)
            let packet = try Self.run(Self.rtp(sequence: 2), browser.protectRTP)
            let report = try Self.run(Self.rtcp(), browser.protectRTCP)
            for count in 0..<packet.count {
                #expect(throws: SRTPError.self) { try Self.run(Array(packet.prefix(count)), room: 0, box.unprotectRTP) }
            }
            for count in 0..<report.count {
                #expect(throws: SRTPError.self) {
                    try Self.run(Array(report.prefix(count)), room: 0, box.unprotectRTCP)
                }
            }
            for count in 0..<12 {
                #expect(throws: SRTPError.malformed) {
                    try Self.run([UInt8](repeating: 0x80, count: count), box.protectRTP)
                }
            }
            var small = [UInt8](repeating: 0x80, count: 20)
            small.withUnsafeMutableBytes { buffer in
                #expect(throws: SRTPError.malformed) { try box.unprotectRTP(buffer, length: 21) }
                #expect(throws: SRTPError.malformed) { try box.unprotectRTP(buffer, length: -1) }
                #expect(throws: SRTPError.malformed) { try box.protectRTCP(buffer, length: .max) }
            }
        }

        @Test("extension and CSRC lengths that leave the packet are errors", arguments: SRTPProfile.allCases)
        func headerLengths(profile: SRTPProfile) throws {
            let (box, _) = try Self.ends(profile)
            var csrc = Self.rtp(sequence: 1, payload: 30)
            csrc[0] = 0x8f
            #expect(throws: SRTPError.self) { try Self.run(csrc, room: 0, box.unprotectRTP) }
            var longExtension = Self.rtp(sequence: 1, payload: 30)
            longExtension[0] = 0x90
            longExtension[14] = 0xff
            longExtension[15] = 0xff
            #expect(throws: SRTPError.self) { try Self.run(longExtension, room: 0, box.unprotectRTP) }
            #expect(throws: SRTPError.self) { try Self.run(longExtension, box.protectRTP) }
        }

        @Test("10,000 mutated packets never trap and never pass", arguments: SRTPProfile.allCases)
        func mutations(profile: SRTPProfile) throws {
            let (box, browser) = try Self.ends(profile)
            let corpus =
                try (1...20).map { try Self.run(Self.rtp(sequence: $0, payload: 40), browser.protectRTP) }
                + (1...5).map { _ in try Self.run(Self.rtcp(), browser.protectRTCP) }
            var mutator = Mutator(seed: 7)
            var passed = 0
            for _ in 0..<10_000 {
                let packet = mutator.mutate(corpus)
                guard !corpus.contains(where: { packet.starts(with: $0) && packet.count == $0.count }) else { continue }
                if (try? Self.run(packet, room: 0, box.unprotectRTP)) != nil { passed += 1 }
                if (try? Self.run(packet, room: 0, box.unprotectRTCP)) != nil { passed += 1 }
            }
            #expect(passed == 0)
            #expect(try Self.run(corpus[0], box.unprotectRTP) == Self.rtp(sequence: 1, payload: 40))
        }

        @Test("a peer with an SSRC per packet gets 32 of them; what strangers send takes none")
        func manySources() throws {
            let (box, browser) = try Self.ends(.aeadAES128GCM)
            for ssrc in UInt32(1_000)..<1_100 {
                let junk = Self.rtp(sequence: 1, ssrc: ssrc)
                #expect(throws: SRTPError.authenticationFailed) { try Self.run(junk, room: 0, box.unprotectRTP) }
            }
            for ssrc in UInt32(0)..<32 {
                let packet = try Self.run(Self.rtp(sequence: 1, ssrc: ssrc), browser.protectRTP)
                _ = try Self.run(packet, box.unprotectRTP)
            }
            let packet = Self.rtp(sequence: 1, ssrc: 99)
            #expect(throws: SRTPError.tooManySources) { try Self.run(packet, browser.protectRTP) }
            #expect(throws: SRTPError.tooManySources) { try Self.run(packet, room: 0, box.unprotectRTP) }
            let known = try Self.run(Self.rtp(sequence: 2, ssrc: 5), browser.protectRTP)
            #expect(try Self.run(known, box.unprotectRTP) == Self.rtp(sequence: 2, ssrc: 5))
        }

        @Test("keys of the wrong length are refused")
        func keyLength() {
            let short = Redacted([UInt8](repeating: 1, count: 29))
            let keys = SRTPKeys(profile: .aesCM128HMACSHA1, client: short, server: short)
            #expect(throws: SRTPError.wrongKeyLength) { try SRTPSession(keys: keys) }
        }

        @Test("keys do not show when printed")
        func redaction() {
            let keys = SRTPKeys(profile: .aeadAES128GCM, client: Redacted([171, 205]), server: Redacted([171, 205]))
            #expect(!"\(keys)".contains("171") && !String(reflecting: keys).contains("205"))
        }

        @Test("RFC 3711 appendix B.3's master key protects libsrtp's own reference packet")
        func knownAnswer() throws {
            let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
            let file = folder.appending(path: "shared/corpora/srtp/rfc3711_libsrtp.json")
            guard let data = try? Data(contentsOf: file) else {
                print("SKIPPED: no corpus at \(file.path())")
                return
            }
            let vector = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            func bytes(_ name: String) throws -> [UInt8] {
                let text = Array(try #require(vector[name] as? String).utf8)
                return stride(from: 0, to: text.count, by: 2).compactMap {
                    UInt8(String(decoding: text[$0..<$0 + 2], as: UTF8.self), radix: 16)
                }
            }
            let master = Redacted(try bytes("master_key") + bytes("master_salt"))
            let session = try SRTPSession(keys: SRTPKeys(profile: .aesCM128HMACSHA1, client: master, server: master))
            let (plain, secret) = (try bytes("rtp_plain"), try bytes("srtp"))
            #expect(try Self.run(plain, session.protectRTP) == secret)
            #expect(try Self.run(secret, session.unprotectRTP) == plain)
        }
    }
}
