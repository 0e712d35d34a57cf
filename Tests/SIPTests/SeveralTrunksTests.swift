import SIP
import SIPMessage
import Testing
import Wire

@Suite("Several trunks of one user agent")
struct SeveralTrunksTests {
    private static let second = NetworkAddress(host: .ipv4(0xc633_6401), port: 5060)
    private static let spare = NetworkAddress(host: .ipv4(0xc000_0202), port: 5060)

    private static var other: Trunk {
        Trunk(
            name: "Second", domain: "voice.example.org", target: second, user: "bob", password: Redacted("other"),
            expires: 300)
    }

    private func both(_ provider: inout ScriptedProvider) throws {
        try provider.act { $0.use(ScriptedProvider.trunk, now: $1, using: &$2) }
        let first = try provider.takeRequest(.register)
        try provider.answer(first, 200) { $0.topVia = first.headers.topVia }
        try provider.act { $0.use(Self.other, now: $1, using: &$2) }
        let last = provider.sent.popLast()
        let next = try #require(last)
        #expect(next.target == Self.second)
        let request = try #require(next.message.request)
        #expect(request.headers.to?.uri.user == "bob")
        try provider.answer(request, 200, from: Self.second) { $0.topVia = request.headers.topVia }
    }

    @Test("Each is registered and told of by its name, and leaves without the other noticing")
    func registration() throws {
        var provider = ScriptedProvider()
        try both(&provider)
        let names = provider.takeEvents().map { event -> String in
            if case .registration(let trunk, _) = event { trunk } else { "" }
        }
        #expect(names == ["Carrier", "Carrier", "Second", "Second"])
        #expect(provider.reached.map(\.address) == [ScriptedProvider.target, Self.second])
        #expect(provider.agent.trunks.map(\.name) == ["Carrier", "Second"])
        try provider.act { $0.leave("Carrier", now: $1, using: &$2) }
        #expect(provider.sent.map(\.target) == [ScriptedProvider.target])
        #expect(try provider.takeRequest(.register).headers.expires == 0)
        #expect(provider.agent.trunks.map(\.name) == ["Second"])
    }

    @Test("A call goes out by the trunk that is named, at the server that is named")
    func outbound() throws {
        var provider = ScriptedProvider()
        try both(&provider)
        let leg = LegIdentifier(number: 1)
        try provider.act {
            $0.invite(
                leg, to: Redacted("100"), over: "Second", at: SIPPeer(Self.spare), offer: ScriptedProvider.offer,
                now: $1, using: &$2)
        }
        let invite = try #require(provider.sent.last)
        #expect(invite.target == Self.spare)
        #expect(invite.message.request?.uri.sip?.host.text == "voice.example.org")
        #expect(provider.agent.trunk(of: leg)?.name == "Second")
    }

    @Test("A call belongs to the trunk whose host it comes from; of two accounts there, to the one it is addressed to")
    func inbound() throws {
        var provider = ScriptedProvider()
        try both(&provider)
        provider.agent.know([SIPPeer(Self.spare)], of: "Second")
        var third = ScriptedProvider.trunk
        (third.name, third.user) = ("Third", "carol")
        try provider.act { $0.use(third, now: $1, using: &$2) }
        func trunk(_ user: String, from source: NetworkAddress) throws -> String? {
            provider.events = []
            let target = SIPURI(user: user, address: ScriptedProvider.local)
            var request = SIPRequest(
                .invite, target, via: Via(sentBy: source, branch: Via.magicCookie + user + "\(source)"),
                from: NameAddress(target, tag: "x"), to: NameAddress(target), callID: user + "\(source)", cseq: 1)
            request.headers.contact = NameAddress(SIPURI(user: "gw", address: source))
            try provider.deliver(.request(request), from: source)
            for case .incoming(let leg, _, _, _, _) in provider.events { return provider.agent.trunk(of: leg)?.name }
            return nil
        }
        #expect(try trunk("alice", from: ScriptedProvider.target) == "Carrier")
        #expect(try trunk("carol", from: ScriptedProvider.target) == "Third")
        #expect(try trunk("nobody", from: Self.second) == "Second")
        #expect(try trunk("bob", from: Self.spare) == "Second")
        #expect(try trunk("bob", from: ScriptedProvider.stranger) == nil)
    }

    @Test("A challenge of one trunk's provider is not answered for another trunk")
    func challenges() throws {
        var provider = ScriptedProvider()
        try both(&provider)
        try provider.act {
            $0.invite(
                LegIdentifier(number: 1), to: Redacted("100"), over: "Second", offer: ScriptedProvider.offer, now: $1,
                using: &$2)
        }
        let last = provider.sent.popLast()
        let invite = try #require(last?.message.request)
        provider.sent = []
        try provider.answer(invite, 407, from: ScriptedProvider.target) {
            $0.append(.proxyAuthenticate, "Digest realm=\"voice.example.org\", nonce=\"n\"")
        }
        #expect(!provider.sent.contains { $0.message.request?.headers.proxyAuthorization != nil })
    }

    @Test("The hosts of another domain are not those of a call that began with the former one of the same name")
    func formerDomain() throws {
        var provider = ScriptedProvider()
        try both(&provider)
        try provider.act {
            $0.invite(
                LegIdentifier(number: 1), to: Redacted("100"), over: "Carrier", offer: ScriptedProvider.offer, now: $1,
                using: &$2)
        }
        let last = provider.sent.popLast()
        let invite = try #require(last?.message.request)
        var moved = ScriptedProvider.trunk
        (moved.domain, moved.target) = ("elsewhere.example", Self.spare)
        try provider.act { $0.use(moved, now: $1, using: &$2) }
        provider.agent.know([SIPPeer(Self.spare)], of: "Carrier")
        provider.sent = []
        try provider.answer(invite, 407, from: Self.spare) {
            $0.append(.proxyAuthenticate, "Digest realm=\"sip.example.net\", nonce=\"n\"")
        }
        #expect(!provider.sent.contains { $0.message.request?.headers.proxyAuthorization != nil })
    }

    @Test("A server that fails is told of with its reason; moved to another, the account registers there at once")
    func failover() throws {
        var provider = ScriptedProvider()
        try provider.act { $0.use(ScriptedProvider.trunk, now: $1, using: &$2) }
        try provider.answer(try provider.takeRequest(.register), 503) { $0.retryAfter = 90 }
        #expect(provider.failed.map(\.1) == [.unavailable(retryAfter: 90)])
        let contact = ScriptedProvider.local
        try provider.act {
            $0.retarget("Carrier", to: SIPPeer(Self.spare), from: contact, registersNow: true, now: $1, using: &$2)
        }
        let last = provider.sent.popLast()
        let next = try #require(last)
        #expect(next.target == Self.spare)
        #expect(next.message.request?.uri.sip?.host.text == "sip.example.net")
        let request = try #require(next.message.request)
        try provider.answer(request, 200, from: Self.spare) { $0.topVia = request.headers.topVia }
        #expect(provider.reached == [SIPPeer(Self.spare)])
        // No server is left: the next try waits, and goes where it is told by then.
        try provider.wait(.seconds(250))
        let newest = provider.sent.popLast()
        let refresh = try #require(newest?.message.request)
        try provider.answer(refresh, 503, from: Self.spare)
        provider.sent = []
        try provider.act {
            $0.retarget(
                "Carrier", to: SIPPeer(ScriptedProvider.target), from: contact, registersNow: false, now: $1,
                using: &$2)
        }
        #expect(provider.sent.isEmpty)
        try provider.wait(.seconds(12))
        #expect(provider.sent.first?.target == ScriptedProvider.target)
    }

    @Test("A refusal that concerns the account speaks against no server")
    func accountRefused() throws {
        var provider = ScriptedProvider()
        try provider.act { $0.use(ScriptedProvider.trunk, now: $1, using: &$2) }
        try provider.answer(try provider.takeRequest(.register), 403)
        #expect(provider.failed.isEmpty)
    }

    @Test("Without registration nothing is sent, and calls go both ways")
    func unregistered() throws {
        var provider = ScriptedProvider()
        var trunk = Self.other
        trunk.expires = 0
        try provider.act { $0.use(trunk, now: $1, using: &$2) }
        #expect(provider.sent.isEmpty)
        try provider.wait(.seconds(4000))
        #expect(provider.sent.isEmpty && provider.agent.nextDeadline == nil)
        try provider.act {
            $0.invite(LegIdentifier(number: 1), to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        #expect(provider.sent.first?.target == Self.second)
    }
}
