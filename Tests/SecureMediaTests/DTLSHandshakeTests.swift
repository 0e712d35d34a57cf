import COpenSSL
import Glibc
import SecureMedia
import Testing
import Wire

extension SecureMediaTests {
    @Suite("RFC 6347 and RFC 5764 DTLS-SRTP handshake")
    struct DTLSHandshakeTests {
        let box: DTLSIdentity
        let browser: DTLSIdentity

        init() throws {
            box = try DTLSIdentity()
            browser = try DTLSIdentity()
        }

        @Test("both sides derive the same keys, and the client sees the fingerprint that the SDP names")
        func keysAgree() throws {
            let pair = try HandshakePair.make(box: box, browser: browser)
            let time = try #require(pair.run { pair.isDone })
            print("handshake on a perfect network: \(time.milliseconds) ms")
            #expect(try pair.server.keys == pair.client.keys())
            #expect(pair.client.serverFingerprint() == box.fingerprint)
            #expect(pair.server.nextDeadline == nil)
        }

        @Test("two boxes, or two starts of one, share no certificate")
        func identitiesDiffer() {
            #expect(box.fingerprint != browser.fingerprint)
            #expect(box.fingerprint.count == 32)
        }

        @Test(
            "our order of profiles decides, not the browser's",
            arguments: [
                ("SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80", SRTPProfile.aeadAES128GCM),
                ("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", .aeadAES128GCM),
                ("SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", .aesCM128HMACSHA1),
            ])
        func profileOrder(offered: String, chosen: SRTPProfile) throws {
            let pair = try HandshakePair.make(box: box, browser: browser, options: .init(profiles: offered))
            try #require(pair.run { pair.isDone } != nil)
            #expect(pair.server.keys?.profile == chosen)
            #expect(try pair.server.keys == pair.client.keys())
        }

        @Test("a client without a common SRTP profile is closed", arguments: ["", "SRTP_AES128_CM_SHA1_32"])
        func noProfile(offered: String) throws {
            let pair = try HandshakePair.make(box: box, browser: browser, options: .init(profiles: offered))
            try #require(pair.run { pair.client.closedByServer || pair.client.failure != nil } != nil)
            #expect(pair.server.state == .failed(.noCommonProfile))
            #expect(pair.server.keys == nil)
        }

        @Test("another certificate than the SDP promised fails on both sides")
        func wrongFingerprint() throws {
            let server = try DTLSServer(
                identity: box, fingerprintAlgorithm: "sha-256", peerFingerprint: box.fingerprint)
            let pair = HandshakePair(server: server, client: try DTLSClient(identity: browser))
            try #require(pair.run { pair.client.failure != nil } != nil)
            #expect(server.state == .failed(.fingerprintMismatch))
            #expect(server.keys == nil)
            #expect(pair.client.failure?.contains("bad certificate") == true)
        }

        @Test("the alert reaches a client that lost it, because its repeated flight is answered")
        func lostAlert() throws {
            let server = try DTLSServer(
                identity: box, fingerprintAlgorithm: "sha-256", peerFingerprint: box.fingerprint)
            let pair = HandshakePair(server: server, client: try DTLSClient(identity: browser))
            var dropped = 0
            pair.passes = { toServer, _, bytes in
                guard !toServer, bytes.first == 21, dropped < 2 else { return true }
                dropped += 1
                return false
            }
            try #require(pair.run { pair.client.failure != nil } != nil)
            #expect(dropped == 2)
        }

        @Test("fingerprints by SHA-384 and SHA-512 are accepted, weak or misshapen ones refused")
        func fingerprintAlgorithms() throws {
            for (name, count) in [("sha-1", 20), ("md5", 16), ("sha-256", 31), ("sha-256", 0), ("", 32)] {
                #expect(throws: DTLSSetupError.unsupportedFingerprint) {
                    try DTLSServer(
                        identity: box, fingerprintAlgorithm: name, peerFingerprint: [UInt8](repeating: 0, count: count))
                }
            }
            let mismatch = try DTLSServer(
                identity: box, fingerprintAlgorithm: "SHA-512", peerFingerprint: [UInt8](repeating: 0, count: 64))
            let pair = HandshakePair(server: mismatch, client: try DTLSClient(identity: browser))
            pair.run { pair.client.failure != nil }
            #expect(mismatch.state == .failed(.fingerprintMismatch))
        }

        @Test("no datagram of ours is longer than 1,200 bytes")
        func datagramSize() throws {
            let pair = try HandshakePair.make(box: box, browser: browser)
            var longest = 0
            pair.passes = { toServer, _, bytes in
                if !toServer { longest = max(longest, bytes.count) }
                return true
            }
            try #require(pair.run { pair.isDone } != nil)
            #expect(longest > 300 && longest <= 1_200)
        }

        @Test("a lost first flight of ours costs about 100 ms, not a second")
        func lostFirstFlight() throws {
            let pair = try HandshakePair.make(box: box, browser: browser)
            let start = MonotonicTime.now()
            pair.passes = { toServer, _, _ in toServer || MonotonicTime.now() - start > .milliseconds(50) }
            // Only our timer may save it: the client stays quiet.
            DTLS_set_timer_cb(pair.client.ssl) { _, _ in 30_000_000 }
            let time = try #require(pair.run { pair.isDone })
            print("handshake with our first flight lost: \(time.milliseconds) ms")
            #expect(time > .milliseconds(80) && time < .milliseconds(600))
        }

        @Test("a lost final flight is sent again when the client repeats its own")
        func lostFinalFlight() throws {
            let pair = try HandshakePair.make(box: box, browser: browser)
            var lost = 0
            pair.passes = { [unowned pair] toServer, _, _ in
                if !toServer, pair.server.state == .connected, lost < 3 {
                    lost += 1
                    return false
                }
                return true
            }
            try #require(pair.run { pair.isDone } != nil)
            #expect(lost == 3)
            #expect(try pair.server.keys == pair.client.keys())
        }

        @Test("fragmented flights arrive through loss, reordering and doubles", arguments: [0, 10, 25])
        func badNetworks(lost: Int) throws {
            let pairs = try (0..<12).map { seed in
                try HandshakePair.make(
                    box: box, browser: browser, options: .init(mtu: 256, padding: seed.isMultiple(of: 2) ? 900 : 0),
                    seed: UInt64(seed),
                    network: .init(lost: lost, doubled: 10, longestDelay: .milliseconds(30)))
            }
            let start = MonotonicTime.now()
            while !pairs.allSatisfy(\.isDone), MonotonicTime.now() - start < .seconds(30) {
                for pair in pairs { pair.step(now: .now()) }
                usleep(500)
            }
            print("12 handshakes at \(lost) % loss: \((MonotonicTime.now() - start).milliseconds) ms")
            for (seed, pair) in pairs.enumerated() {
                #expect(pair.isDone, "seed \(seed): \(pair.server.state), client \(pair.client.failure ?? "waits")")
                #expect(try pair.server.keys == pair.client.keys())
            }
        }

        @Test("a close is told to the other side, in both directions")
        func closes() throws {
            let first = try HandshakePair.make(box: box, browser: browser)
            try #require(first.run { first.isDone } != nil)
            var farewell: [UInt8] = []
            first.server.close(now: .now()) { farewell = Array($0) }
            #expect(first.server.state == .closed && first.server.keys == nil)
            first.client.receive(farewell)
            #expect(first.client.closedByServer)

            let second = try HandshakePair.make(box: box, browser: browser)
            try #require(second.run { second.isDone } != nil)
            second.client.close()
            #expect(second.run { second.server.state == .closed } != nil)
        }

        @Test("a client that refuses our certificate ends the handshake after the second that tells it from a forgery")
        func refusedByClient() throws {
            let pair = try HandshakePair.make(box: box, browser: browser, options: .init(refusesServer: true))
            let time = try #require(pair.run { pair.server.state != .handshaking })
            #expect(pair.server.state == .failed(.peerAlert(48)) || pair.server.state == .failed(.peerAlert(18)))
            #expect(time > .milliseconds(900) && time < .milliseconds(2_000))
        }

        @Test("a handshake that stands still is given up 30 s after our first flight, not before")
        func patience() throws {
            let pair = try HandshakePair.make(box: box, browser: browser)
            let start = MonotonicTime.now()
            var sent = 0
            for hello in pair.client.takeOutput() {
                hello.withUnsafeBytes { pair.server.receive($0, now: start) { _ in sent += 1 } }
            }
            #expect(sent > 0)
            pair.server.advance(to: start + .seconds(29.9)) { _ in }
            #expect(pair.server.state == .handshaking)
            #expect(pair.server.nextDeadline != nil)
            pair.server.advance(to: start + .seconds(30)) { _ in }
            #expect(pair.server.state == .failed(.timedOut))
            #expect(pair.server.nextDeadline == nil)
        }
    }
}
