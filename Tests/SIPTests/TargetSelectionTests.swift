import SIP
import SIPMessage
import Testing
import Wire

/// A name server on virtual time: answers every question at once, and remembers which were asked.
private struct Resolver {
    var records: [DNSQuery: DNSAnswer]
    var asked: [DNSQuery] = []
    var lifetime: Duration = .seconds(300)
    var generator = SeededGenerator(seed: 1)

    init(_ records: [DNSQuery: DNSAnswer]) {
        self.records = records
    }

    mutating func run(_ selection: inout TargetSelection, at seconds: Int = 0) -> TargetSelection.Effect? {
        let now = MonotonicTime.zero + .seconds(seconds)
        var effects = selection.start(now: now, using: &generator)
        while case .lookUp(let query)? = effects.first {
            effects.removeFirst()
            asked.append(query)
            effects += selection.answered(
                query, records[query] ?? .nothing, lifetime: lifetime, now: now, using: &generator)
        }
        return effects.last
    }
}

private func host(_ last: UInt32) -> NetworkAddress.Host { .ipv4(0xC000_0200 | last) }

private func selection(_ uri: String) throws -> TargetSelection {
    try #require(TargetSelection(SIPURI(uri)))
}

private func shown(_ selection: TargetSelection, at seconds: Int = 0) -> [String] {
    selection.candidates(at: .zero + .seconds(seconds)).map { "\($0.transport) \($0.address)" }
}

@Suite("RFC 3263 finding the provider")
struct TargetSelectionTests {
    private let provider: [DNSQuery: DNSAnswer] = [
        .srv("_sip._udp.example.net"): .srv([
            SRVRecord(priority: 20, weight: 0, port: 5070, target: "b.example.net"),
            SRVRecord(priority: 10, weight: 0, port: 5060, target: "a.example.net"),
        ]),
        .addresses("a.example.net"): .addresses([host(1)]), .addresses("b.example.net"): .addresses([host(2)]),
        .addresses("example.net"): .addresses([host(99)]),
    ]

    @Test(
        "numeric hosts and ports need no more than addresses",
        arguments: [
            ("sip:192.0.2.7", ["udp 192.0.2.7:5060"], 0), ("sips:192.0.2.7", ["tls 192.0.2.7:5061"], 0),
            ("sip:[2001:db8::1]:5070;transport=tcp", ["tcp [2001:db8::1]:5070"], 0),
            ("sip:example.net:5080", ["udp 192.0.2.99:5080"], 1),
            ("sips:example.net:5080", ["tls 192.0.2.99:5080"], 1),
        ])
    func shortcuts(uri: String, expected: [String], questions: Int) throws {
        var selection = try selection(uri)
        var resolver = Resolver(provider)
        #expect(resolver.run(&selection) == .ready)
        #expect(shown(selection) == expected)
        #expect(resolver.asked.count == questions)
    }

    @Test("NAPTR chooses the transport, SRV the order, and the bare name is not asked for")
    func naptr() throws {
        var records = provider
        records[.naptr("example.net")] = .naptr([
            NAPTRRecord(
                order: 50, preference: 50, flags: "s", service: "SIP+D2U", replacement: "_sip._udp.example.net"),
            NAPTRRecord(order: 10, preference: 9, flags: "S", service: "SIPS+D2T", replacement: "_s.example.org"),
            NAPTRRecord(order: 1, preference: 1, flags: "s", service: "SIP+D2S", replacement: "_sctp.example.net"),
        ])
        records[.srv("_s.example.org")] = .srv([SRVRecord(priority: 1, weight: 1, port: 443, target: "c")])
        records[.addresses("c")] = .addresses([host(3), .ipv6(high: 0x2001_0db8 << 32, low: 1)])
        var resolver = Resolver(records)
        var selection = try selection("sip:example.net")
        #expect(resolver.run(&selection) == .ready)
        #expect(
            shown(selection) == [
                "tls 192.0.2.3:443", "tls [2001:db8::1]:443", "udp 192.0.2.1:5060", "udp 192.0.2.2:5070",
            ])
        #expect(!resolver.asked.contains(.addresses("example.net")))
        #expect(!resolver.asked.contains(.srv("_sctp.example.net")))
    }

    @Test("without NAPTR every transport's SRV is asked for, without SRV the name itself")
    func fallback() throws {
        var selection = try selection("sip:example.net")
        var resolver = Resolver(provider)
        #expect(resolver.run(&selection) == .ready)
        #expect(shown(selection) == ["udp 192.0.2.1:5060", "udp 192.0.2.2:5070"])
        var bare = Resolver([.addresses("example.net"): .addresses([host(99)])])
        var other = try TargetSelectionTests.tls()
        #expect(bare.run(&other) == .ready)
        #expect(shown(other) == ["tls 192.0.2.99:5061"])
        var nothing = Resolver([:])
        var third = try TargetSelectionTests.tls()
        #expect(nothing.run(&third) == .failed)
        #expect(third.candidates(at: .zero).isEmpty)
    }

    private static func tls() throws -> TargetSelection { try selection("sip:example.net;transport=tls") }

    @Test("a target of one dot says that there is no service, and the name is not tried instead")
    func noService() throws {
        var resolver = Resolver(provider)
        resolver.records[.srv("_sip._tcp.example.net")] = .srv([
            SRVRecord(priority: 0, weight: 0, port: 0, target: ".")
        ])
        var selection = try selection("sip:example.net;transport=tcp")
        #expect(resolver.run(&selection) == .failed)
        #expect(!resolver.asked.contains(.addresses("example.net")))
    }

    @Test("an SRV domain is never looked up as A after its records expire, and its old targets stay")
    func expiry() throws {
        for later in [DNSAnswer.failed, .nothing] {
            var selection = try selection("sip:example.net;transport=udp")
            var resolver = Resolver(provider)
            #expect(resolver.run(&selection) == .ready)
            #expect(selection.deadline == .zero + .seconds(300))
            resolver.records[.srv("_sip._udp.example.net")] = later
            resolver.asked = []
            #expect(resolver.run(&selection, at: 300) == .ready)
            #expect(resolver.asked.contains(.srv("_sip._udp.example.net")))
            #expect(!resolver.asked.contains(.addresses("example.net")))
            #expect(shown(selection, at: 300) == ["udp 192.0.2.1:5060", "udp 192.0.2.2:5070"])
        }
    }

    @Test(
        "Where NAPTR led to SRV records of another name, the bare name is not asked for either once they are gone",
        arguments: [(DNSAnswer.failed, DNSAnswer.nothing), (.nothing, .nothing), (.nothing, .failed)])
    func expiryBehindNAPTR(naptr: DNSAnswer, srv: DNSAnswer) throws {
        var records = provider
        records[.srv("_sip._udp.example.net")] = nil
        records[.srv("_s.example.org")] = provider[.srv("_sip._udp.example.net")]
        records[.naptr("example.net")] = .naptr([
            NAPTRRecord(order: 1, preference: 1, flags: "s", service: "SIP+D2U", replacement: "_s.example.org")
        ])
        let targets = ["udp 192.0.2.1:5060", "udp 192.0.2.2:5070"]
        for keepsNAPTR in [false, true] {
            var selection = try selection("sip:example.net")
            var resolver = Resolver(records)
            #expect(resolver.run(&selection) == .ready)
            #expect(shown(selection) == targets)
            if !keepsNAPTR { resolver.records[.naptr("example.net")] = naptr }
            resolver.records[.srv("_s.example.org")] = srv
            #expect(resolver.run(&selection, at: 300) == .ready)
            #expect(!resolver.asked.contains(.addresses("example.net")))
            #expect(shown(selection, at: 300) == targets)
        }
    }

    @Test("SRV that no name server told of is not taken for none; the next answer counts")
    func unanswered() throws {
        for uri in ["sip:example.net", "sip:example.net;transport=udp"] {
            var selection = try selection(uri)
            var resolver = Resolver(provider)
            resolver.records[.srv("_sip._udp.example.net")] = .failed
            #expect(resolver.run(&selection) == .failed)
            #expect(selection.isUnanswered)
            #expect(!resolver.asked.contains(.addresses("example.net")))
            resolver.records[.srv("_sip._udp.example.net")] = .nothing
            #expect(resolver.run(&selection, at: 30) == .ready)
            #expect(shown(selection, at: 30) == ["udp 192.0.2.99:5060"])
        }
    }

    @Test("SRV that was never seen and that no name server ever tells of gives way to A, until it is told of")
    func neverAnswered() throws {
        var selection = TargetSelection(domain: "example.net", port: nil, transports: [.udp, .tcp])
        var resolver = Resolver(provider)
        resolver.records[.srv("_sip._udp.example.net")] = .failed
        #expect(resolver.run(&selection) == .failed)
        #expect(resolver.run(&selection, at: 30) == .failed)
        #expect(!resolver.asked.contains(.addresses("example.net")))
        #expect(resolver.run(&selection, at: 60) == .ready)
        #expect(shown(selection, at: 60) == ["udp 192.0.2.99:5060"])
        resolver.records[.srv("_sip._udp.example.net")] = provider[.srv("_sip._udp.example.net")]
        #expect(resolver.run(&selection, at: 90) == .ready)
        #expect(shown(selection, at: 90) == ["udp 192.0.2.1:5060", "udp 192.0.2.2:5070"])
        // Seen once, it is not given up any more.
        resolver.records[.srv("_sip._udp.example.net")] = .failed
        resolver.asked = []
        for time in 0..<5 { _ = resolver.run(&selection, at: 500 + 40 * time) }
        #expect(!resolver.asked.contains(.addresses("example.net")))
        #expect(shown(selection, at: 700) == ["udp 192.0.2.1:5060", "udp 192.0.2.2:5070"])
    }

    @Test("A domain whose NAPTR named services is not asked for A while neither they nor it can be read")
    func unansweredNAPTR() throws {
        var selection = try selection("sip:example.net")
        var resolver = Resolver([.addresses("example.net"): .addresses([host(99)])])
        resolver.records[.naptr("example.net")] = .naptr([
            NAPTRRecord(order: 1, preference: 1, flags: "s", service: "SIP+D2U", replacement: "_s.example.org")
        ])
        resolver.records[.srv("_s.example.org")] = .failed
        #expect(resolver.run(&selection) == .failed)
        resolver.records[.naptr("example.net")] = .failed
        for time in [300, 340, 380, 420] { #expect(resolver.run(&selection, at: time) == .failed) }
        #expect(!resolver.asked.contains(.addresses("example.net")))
    }

    @Test("What a server asked for by Retry-After ends by nothing else than time; a guess ends with the first success")
    func askedFor() throws {
        var selection = try selection("sip:example.net;transport=udp")
        var resolver = Resolver(provider)
        _ = resolver.run(&selection)
        let both = selection.candidates(at: .zero)
        selection.failed(both[0], .unavailable(retryAfter: 120), now: .zero)
        selection.succeeded(both[0])
        selection.failed(both[0], .timeout, now: .zero + .seconds(1))
        selection.succeeded(both[0])
        #expect(selection.candidates(at: .zero + .seconds(119)) == [both[1], both[0]])
        #expect(selection.candidates(at: .zero + .seconds(120)) == both)
        selection.failed(both[0], .unavailable(retryAfter: nil), now: .zero + .seconds(130))
        selection.succeeded(both[0])
        #expect(selection.candidates(at: .zero + .seconds(131)) == both)
    }

    @Test("what failed is tried last until its penalty ends; what worked is kept")
    func failover() throws {
        var selection = try selection("sip:example.net;transport=udp")
        var resolver = Resolver(provider)
        _ = resolver.run(&selection)
        let both = selection.candidates(at: .zero)
        selection.failed(both[0], .unavailable(retryAfter: 120), now: .zero)
        #expect(selection.candidates(at: .zero + .seconds(119)) == [both[1], both[0]])
        #expect(selection.candidates(at: .zero + .seconds(120)) == both)
        selection.succeeded(both[1])
        #expect(selection.sticky == both[1])
        #expect(selection.candidates(at: .zero + .seconds(500)) == [both[1], both[0]])
        selection.failed(both[1], .timeout, now: .zero + .seconds(500))
        #expect(selection.sticky == nil)
        #expect(selection.candidates(at: .zero + .seconds(501)) == both)
        selection.failed(both[0], .unavailable(retryAfter: .max), now: .zero + .seconds(501))
        #expect(selection.candidates(at: .zero + .seconds(502)) == [both[1], both[0]], "the sooner end goes first")
        #expect(selection.candidates(at: .zero + .seconds(501 + 3600)) == both, "no penalty is longer than an hour")
        // Renewed records without the sticky target end its hold.
        selection.succeeded(both[1])
        resolver.records[.srv("_sip._udp.example.net")] = .srv([
            SRVRecord(priority: 1, weight: 0, port: 5060, target: "a.example.net")
        ])
        _ = resolver.run(&selection, at: 5000)
        #expect(selection.sticky == nil)
        #expect(shown(selection, at: 5000) == ["udp 192.0.2.1:5060"])
    }

    @Test("among equal priorities each is first as often as its weight says")
    func weights() throws {
        var first: [UInt16: Int] = [:]
        var resolver = Resolver(provider)
        resolver.records[.srv("_sip._udp.example.net")] = .srv(
            [(1, 60), (2, 30), (3, 10), (4, 0)].map {
                SRVRecord(priority: 1, weight: $0.1, port: $0.0, target: "a.example.net")
            })
        for _ in 0..<10_000 {
            var selection = try selection("sip:example.net;transport=udp")
            _ = resolver.run(&selection)
            let order = selection.candidates(at: .zero).map(\.address.port)
            #expect(Set(order) == [1, 2, 3, 4])
            first[order[0], default: 0] += 1
        }
        // Three standard deviations of a binomial of 10,000; weight 0 has one lot of 101.
        #expect((5793...6087).contains(first[1] ?? 0))
        #expect((2833...3108).contains(first[2] ?? 0))
        #expect((900...1081).contains(first[3] ?? 0))
        #expect((69...129).contains(first[4] ?? 0))
    }

    @Test("answers that nobody asked for, and too many of them, change nothing")
    func hostile() throws {
        var selection = try selection("sip:example.net;transport=udp")
        var generator = SeededGenerator(seed: 2)
        let query = DNSQuery.addresses("example.net")
        #expect(
            selection.answered(query, .addresses([host(6)]), lifetime: .zero, now: .zero, using: &generator) == [])
        #expect(selection.candidates(at: .zero).isEmpty)
        var resolver = Resolver(provider)
        resolver.records[.srv("_sip._udp.example.net")] = .srv(
            (0..<1000).map { SRVRecord(priority: $0, weight: 0, port: $0, target: "a.example.net") })
        resolver.records[.addresses("a.example.net")] = .addresses((0..<1000).map { .ipv4($0) })
        #expect(resolver.run(&selection) == .ready)
        #expect(selection.candidates(at: .zero).count == TargetSelection.Limit.targets)
        #expect(try TargetSelection(SIPURI("sip:a;transport=sctp")) == nil)
        #expect(try TargetSelection(SIPURI("sips:a;transport=udp")) == nil)
        #expect(try TargetSelection(SIPURI("sip:a;transport=tls"), supported: [.udp]) == nil)
    }
}
