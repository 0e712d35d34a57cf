import Foundation
import Glibc
import SecureMedia
import Testing
import Wire

extension SecureMediaTests {
    /// Each test in a process of its own: counters and memory belong to the process, and other suites run beside.
    @Suite("Resources of legs that come and go")
    struct ResourceTests {
        /// Resident memory of this process in bytes.
        static func residentBytes() throws -> Int {
            let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            let pages = try #require(Int(text.split(separator: " ").dropFirst().first ?? ""))
            return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
        }

        /// One leg's whole life; every fifth fails by its fingerprint, every seventh is left in its handshake.
        static func leg(_ number: Int, box: DTLSIdentity, browser: DTLSIdentity) throws {
            let wrong = number.isMultiple(of: 5)
            let server = try DTLSServer(
                identity: box, fingerprintAlgorithm: "sha-256",
                peerFingerprint: wrong ? box.fingerprint : browser.fingerprint)
            let pair = HandshakePair(server: server, client: try DTLSClient(identity: browser))
            if number.isMultiple(of: 7) {
                pair.step(now: .now())
                return
            }
            pair.run { pair.isDone || pair.client.failure != nil }
            #expect((server.state == .connected) == !wrong)
            if let keys = server.keys {
                let box = try SRTPSession(keys: keys)
                let page = try SRTPSession(keys: keys, side: .client)
                let packet = SRTPSessionTests.rtp(sequence: 1)
                let secret = try SRTPSessionTests.run(packet, page.protectRTP)
                #expect(try SRTPSessionTests.run(secret, box.unprotectRTP) == packet)
            }
            server.close(now: .now()) { _ in }
        }

        @Test("200 legs leave no object and no memory behind")
        func noLeaks() async {
            await #expect(processExitsWith: .success) {
                let box = try DTLSIdentity()
                let browser = try DTLSIdentity()
                for number in 0..<100 { try ResourceTests.leg(number, box: box, browser: browser) }
                let before = try ResourceTests.residentBytes()
                let start = MonotonicTime.now()
                for number in 0..<200 { try ResourceTests.leg(number, box: box, browser: browser) }
                let grown = try ResourceTests.residentBytes() - before
                print("200 legs: \((MonotonicTime.now() - start).milliseconds) ms, grown by \(grown / 1_024) KiB")
                try #require(SecureMediaObjects.dtlsServers == 0)
                try #require(SecureMediaObjects.srtpSessions == 0)
                try #require(grown < 1_048_576)
            }
        }

        @Test("the counters count")
        func counters() async {
            await #expect(processExitsWith: .success) {
                try #require(SecureMediaObjects.dtlsServers == 0 && SecureMediaObjects.srtpSessions == 0)
                let server = try DTLSServer(
                    identity: DTLSIdentity(), fingerprintAlgorithm: "sha-256",
                    peerFingerprint: [UInt8](repeating: 1, count: 32))
                let ends = try SRTPSessionTests.ends(.aeadAES128GCM)
                try #require(SecureMediaObjects.dtlsServers == 1)
                try #require(SecureMediaObjects.srtpSessions == 2)
                withExtendedLifetime((server, ends)) {}
            }
        }

        @Test("20,000 packets cost microseconds each and leave no memory behind")
        func packetCost() async {
            await #expect(processExitsWith: .success) {
                // The first round brings pages of code and of the allocator into memory.
                for profile in SRTPProfile.allCases { _ = try ResourceTests.packets(profile) }
                for profile in SRTPProfile.allCases {
                    let (grown, microseconds) = try ResourceTests.packets(profile)
                    print("\(profile): \(microseconds) µs for protect and unprotect, grown by \(grown) bytes")
                    try #require(grown < 131_072)
                }
            }
        }

        /// Sends 20,000 packets from one end to the other.
        static func packets(_ profile: SRTPProfile) throws -> (grown: Int, microseconds: Double) {
            let (box, page) = try SRTPSessionTests.ends(profile)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 8)
            defer { buffer.deallocate() }
            buffer.initializeMemory(as: UInt8.self, repeating: 0)
            buffer[0] = 0x80
            func packet(_ number: UInt16) throws {
                buffer[2] = UInt8(number >> 8)
                buffer[3] = UInt8(truncatingIfNeeded: number)
                let length = try page.protectRTP(buffer, length: 172)
                guard try box.unprotectRTP(buffer, length: length) == 172 else { throw SRTPError.malformed }
            }
            for number in UInt16(0)..<100 { try packet(number) }
            let before = try residentBytes()
            let start = MonotonicTime.now()
            for number in UInt16(100)..<20_100 { try packet(number) }
            return (try residentBytes() - before, (MonotonicTime.now() - start).milliseconds / 20)
        }
    }
}
