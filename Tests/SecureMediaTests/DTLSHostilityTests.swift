import COpenSSL
import Glibc
import SecureMedia
import Testing
import Wire

extension SecureMediaTests {
    @Suite("RFC 6347 §4.1.2.7 invalid records and forged packets")
    struct DTLSHostilityTests {
        let box: DTLSIdentity
        let browser: DTLSIdentity

        init() throws {
            box = try DTLSIdentity()
            browser = try DTLSIdentity()
        }

        /// A record in clear of the given content type; `length` may lie.
        static func record(_ type: UInt8, _ body: [UInt8], length: Int? = nil, sequence: UInt8 = 9) -> [UInt8] {
            let count = length ?? body.count
            return [type, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, sequence, UInt8(count >> 8 & 0xff), UInt8(count & 0xff)]
                + body
        }

        /// A handshake message header with what it claims.
        static func message(_ type: UInt8, length: Int, sequence: UInt8, offset: Int, fragment: [UInt8]) -> [UInt8] {
            let count = fragment.count
            return [type, UInt8(length >> 16), UInt8(length >> 8 & 0xff), UInt8(length & 0xff), 0, sequence]
                + [UInt8(offset >> 16), UInt8(offset >> 8 & 0xff), UInt8(offset & 0xff)]
                + [0, UInt8(count >> 8), UInt8(count & 0xff)] + fragment
        }

        static func highNumber(_ record: [UInt8]) -> [UInt8] {
            record[..<5] + [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff] + record[11...]
        }

        static let forged: [(String, [UInt8])] = [
            ("fatal alert", record(21, [2, 40])),
            ("close_notify", record(21, [1, 0])),
            ("application data", record(23, [UInt8](repeating: 7, count: 40))),
            ("absurd record length", record(22, [UInt8](repeating: 1, count: 60), length: 0xffff)),
            ("record longer than allowed", record(22, [UInt8](repeating: 1, count: 20_000))),
            ("unknown content type", record(24, [1, 2, 3])),
            ("SSL 3 record", [22, 3, 0, 0, 10, 1, 0, 0, 6, 3, 0, 1, 2, 3, 4]),
            (
                "absurd message length",
                record(22, message(1, length: 0xffffff, sequence: 0, offset: 0, fragment: [1, 2]))
            ),
            (
                "fragment outside its message",
                record(22, message(1, length: 10, sequence: 0, offset: 9, fragment: [1, 2]))
            ),
            (
                "hello that is too short",
                record(22, message(1, length: 4, sequence: 0, offset: 0, fragment: [1, 2, 3, 4]))
            ),
            (
                "hello full of nonsense",
                record(
                    22, message(1, length: 80, sequence: 0, offset: 0, fragment: [UInt8](repeating: 0xee, count: 80)))
            ),
            (
                "certificate out of turn",
                record(22, message(11, length: 3, sequence: 0, offset: 0, fragment: [0, 0, 0]))
            ),
            ("server's message", record(22, message(2, length: 3, sequence: 0, offset: 0, fragment: [0, 0, 0]))),
            ("change_cipher_spec", record(20, [1])),
            ("empty record", record(22, [])),
            (
                "record of a far future",
                highNumber(record(22, message(1, length: 90, sequence: 0, offset: 5, fragment: [1])))
            ),
            (
                "message that waits for its turn",
                record(22, message(16, length: 3, sequence: 2, offset: 0, fragment: [1, 2, 3]))
            ),
            ("one byte", [22]),
            ("nothing", []),
        ]

        @Test("a forged packet before the ClientHello changes nothing", arguments: forged.map(\.0))
        func beforeHello(name: String) throws {
            let packet = try #require(Self.forged.first { $0.0 == name }).1
            let pair = try HandshakePair.make(box: box, browser: browser)
            for _ in 0..<5 { pair.toServer(packet, now: .now()) }
            #expect(pair.server.state == .handshaking)
            try #require(pair.run(for: .seconds(3)) { pair.isDone } != nil)
        }

        @Test("forged packets between two fragments of the ClientHello cost one repetition at most")
        func betweenFragments() throws {
            for (name, packet) in Self.forged {
                let pair = try HandshakePair.make(
                    box: box, browser: browser, options: .init(mtu: 256, padding: 900))
                let start = MonotonicTime.now()
                for (number, fragment) in pair.client.takeOutput().enumerated() {
                    if number > 0 { pair.toServer(packet, now: start) }
                    pair.toServer(fragment, now: start)
                }
                #expect(pair.run(for: .seconds(3)) { pair.isDone } != nil, "\(name)")
            }
        }

        @Test("a forged alert or application data after our flight does not end the handshake")
        func afterFlight() throws {
            for (name, packet) in Self.forged.prefix(6) {
                let pair = try HandshakePair.make(box: box, browser: browser)
                var injected = 0
                let time = pair.run(for: .seconds(3)) {
                    if pair.server.nextDeadline != nil {
                        pair.toServer(packet, now: .now())
                        injected += 1
                    }
                    return pair.isDone
                }
                #expect(time != nil && injected > 0, "\(name)")
            }
        }

        @Test("forged packets after the keys are harmless")
        func afterKeys() throws {
            let pair = try HandshakePair.make(box: box, browser: browser)
            try #require(pair.run { pair.isDone } != nil)
            let keys = pair.server.keys
            for (_, packet) in Self.forged {
                pair.toServer(packet, now: .now())
                var later = packet
                if later.count > 4 { later[4] = 1 }
                pair.toServer(later, now: .now())
            }
            #expect(pair.server.state == .connected)
            #expect(pair.server.keys == keys)
        }

        @Test("somebody else's ClientHello before the browser's is given up for the browser's")
        func otherHello() throws {
            let pair = try HandshakePair.make(box: box, browser: browser)
            let stranger = try DTLSClient(identity: browser)
            stranger.start()
            for datagram in stranger.takeOutput() {
                datagram.withUnsafeBytes { pair.server.receive($0, now: .now()) { _ in } }
            }
            try #require(pair.run(for: .seconds(3)) { pair.isDone } != nil)
            #expect(try pair.server.keys == pair.client.keys())
        }

        @Test("a stream of ClientHellos is answered five times a second at most")
        func helloFlood() throws {
            let server = try DTLSServer(
                identity: box, fingerprintAlgorithm: "sha-256", peerFingerprint: browser.fingerprint)
            var answers = 0
            let start = MonotonicTime.now()
            for number in 0..<200 {
                let client = try DTLSClient(identity: browser)
                client.start()
                var answered = false
                for datagram in client.takeOutput() {
                    datagram.withUnsafeBytes {
                        server.receive($0, now: start + .milliseconds(number * 5)) { _ in answered = true }
                    }
                }
                if answered { answers += 1 }
            }
            #expect(answers >= 5 && answers <= 7)
        }

        @Test("a nonsense message in the middle of a handshake is believed after a second, with its alert")
        func violation() throws {
            let pair = try HandshakePair.make(box: box, browser: browser)
            let start = MonotonicTime.now()
            for datagram in pair.client.takeOutput() { pair.toServer(datagram, now: start) }
            let nonsense = Self.message(11, length: 3, sequence: 1, offset: 0, fragment: [0xff, 0xff, 0xff])
            pair.toServer(Self.record(22, nonsense), now: start)
            #expect(pair.server.state == .handshaking)
            #expect(pair.server.nextDeadline == start + .seconds(1))
            var alert: [UInt8] = []
            pair.server.advance(to: start + .seconds(1)) { alert = Array($0) }
            #expect(alert.first == 21)
            guard case .failed(.protocolViolation) = pair.server.state else {
                Issue.record("\(pair.server.state)")
                return
            }
        }

        @Test("10,000 mutated datagrams neither trap nor stop the handshake that follows")
        func mutations() throws {
            let recorded = try HandshakePair.make(
                box: box, browser: browser, options: .init(mtu: 256, padding: 400))
            try #require(recorded.run { recorded.isDone } != nil)
            recorded.client.close()
            let corpus = recorded.sentToServer + recorded.client.takeOutput() + Self.forged.map(\.1)
            var mutator = Mutator(seed: 2026)
            var pair = try HandshakePair.make(box: box, browser: browser)
            let alive = try HandshakePair.make(box: box, browser: browser)
            try #require(alive.run { alive.isDone } != nil)
            var now = MonotonicTime.now()
            var ended = 0
            for _ in 0..<10_000 {
                let datagram = mutator.mutate(corpus)
                now += .milliseconds(1)
                datagram.withUnsafeBytes { bytes in
                    pair.server.receive(bytes, now: now) { _ in }
                    alive.server.receive(bytes, now: now) { _ in }
                }
                if let deadline = pair.server.nextDeadline, deadline <= now { pair.server.advance(to: now) { _ in } }
                if pair.server.state != .handshaking {
                    ended += 1
                    pair = try HandshakePair.make(box: box, browser: browser)
                }
            }
            print("10,000 mutations: \(ended) handshakes given up")
            #expect(alive.server.state == .connected)
            // The server's clock has run ahead of the real one.
            usleep(1_000)
            let ahead = now - MonotonicTime.now() + .seconds(1)
            let deadline = MonotonicTime.now() + .seconds(5)
            while !pair.isDone, MonotonicTime.now() < deadline {
                pair.step(now: MonotonicTime.now() + ahead)
                usleep(200)
            }
            #expect(pair.isDone, "\(pair.server.state)")
            #expect(try pair.server.keys == pair.client.keys())
        }
    }
}

/// Damages datagrams in the ways that find careless parsers.
struct Mutator {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func mutate(_ corpus: [[UInt8]]) -> [UInt8] {
        var bytes = corpus[number(below: corpus.count)]
        for _ in 0...number(below: 3) {
            switch number(below: 7) {
            case 0: bytes = Array(bytes.prefix(number(below: bytes.count + 1)))
            case 1: bytes += (0..<number(below: 60)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            case 2: bytes += corpus[number(below: corpus.count)]
            case 3 where !bytes.isEmpty:
                bytes[number(below: min(bytes.count, 30))] =
                    [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
            case 4: bytes = (0..<number(below: 200)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            default:
                guard !bytes.isEmpty else { break }
                for _ in 0...number(below: 4) { bytes[number(below: bytes.count)] ^= UInt8(1 << number(below: 8)) }
            }
        }
        return Array(bytes.prefix(2_048))
    }

    mutating func number(below bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &generator)
    }
}
