import SIP
import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §10, §22 registration of a user agent")
struct UserAgentRegistrationTests {
    private func challenge(_ verifier: inout DigestVerifier, stale: Bool = false, _ random: inout SeededGenerator)
        -> String
    {
        verifier.challenge(isStale: stale, now: .zero, using: &random).challenge.text
    }

    @Test("Of several bindings in the answer only what was granted to ours counts; none for ours, then Expires")
    func severalContacts() throws {
        func granted(_ contacts: (NameAddress) -> [String], expires: Int? = nil) throws -> RegistrationState? {
            var provider = ScriptedProvider()
            try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
            let register = try provider.takeRequest(.register)
            _ = provider.takeEvents()
            let own = try #require(register.headers.contact)
            try provider.answer(register, 200) { headers in
                for contact in contacts(own) { headers.append(.contact, contact) }
                headers.expires = expires
            }
            for case .registration(_, let state) in provider.takeEvents() {
                if case .registered = state { return state }
            }
            return nil
        }
        func seconds(_ state: RegistrationState?) -> Int? {
            if case .registered(let expires, _)? = state { expires } else { nil }
        }
        // Another telephone of the same account, one of ours from before, and the same host at another port.
        let others = [
            "<sip:alice@192.0.2.77:5060>;expires=3600", "<sip:alice@10.0.0.5:9>;expires=20",
            "<sip:bob@10.0.0.5:5062>;expires=30",
        ]
        #expect(
            seconds(try granted { [others[0], $0.uri.text.bracketed + ";expires=120", others[1], others[2]] }) == 120)
        #expect(
            seconds(try granted { [others.joined(separator: ", ") + ", " + $0.uri.text.bracketed + ";expires=90"] })
                == 90)
        #expect(seconds(try granted({ [others[0], $0.uri.text.bracketed] }, expires: 200)) == 200)
    }

    @Test(
        "REGISTER is challenged once, answered rightly, granted, and refreshed without being asked again",
        arguments: [DigestAlgorithm.md5, .sha256])
    func registers(algorithm: DigestAlgorithm) throws {
        var provider = ScriptedProvider()
        var random = SeededGenerator(seed: 1)
        var verifier = DigestVerifier(realm: "sip.example.net", algorithm: algorithm)
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        #expect(provider.takeEvents() == [.registration(trunk: "Carrier", .registering)])
        let bare = try provider.takeRequest(.register)
        #expect(bare.uri.text == "sip:sip.example.net")
        #expect(bare.headers.topVia?.wantsSourcePort == true)
        #expect(bare.headers.authorization == nil)
        try provider.answer(bare, 401) { $0.append(.wwwAuthenticate, challenge(&verifier, &random)) }
        let proven = try provider.takeRequest(.register)
        #expect(proven.headers.cseq?.number == 2)
        #expect(proven.headers.callID == bare.headers.callID)
        let credentials = try #require(proven.headers.authorization.flatMap { DigestCredentials($0) })
        let verdict = verifier.verify(credentials, password: "secret", method: .register, now: .zero)
        #expect(verdict == .accepted)
        try provider.answer(proven, 200) { headers in
            headers.copy(.contact, from: proven.headers)
            headers.expires = 120
        }
        let seen = NetworkAddress(host: .ipv4(0xcb00_7163), port: 61_000)
        let granted = RegistrationState.registered(expires: 120, publicAddress: seen)
        #expect(provider.takeEvents() == [.registration(trunk: "Carrier", granted)])
        // Behind NAT the binding is corrected at once, with the same nonce counted up.
        let corrected = try provider.takeRequest(.register)
        #expect(corrected.headers.contact?.uri.sip?.numericAddress == seen)
        let again = try #require(corrected.headers.authorization.flatMap { DigestCredentials($0) })
        #expect(again.session?.nonceCount == 2)
        let second = verifier.verify(again, password: "secret", method: .register, now: .zero)
        #expect(second == .accepted)
        try provider.answer(corrected, 200) { $0.expires = 120 }
        #expect(provider.takeEvents().isEmpty)
        try provider.wait(.seconds(59))
        #expect(provider.sent.isEmpty)
        #expect(provider.keepAlives == 2)
        try provider.wait(.seconds(38))
        let refresh = try #require(provider.sent.first?.message.request)
        #expect(refresh.headers.cseq?.number == 4)
        provider.sent = []
        try provider.answer(refresh, 200) { $0.expires = 120 }
        #expect(provider.takeEvents().isEmpty)
    }

    @Test("A second challenge after a right answer means a wrong password, a stale nonce does not")
    func wrongPassword() throws {
        var provider = ScriptedProvider()
        var random = SeededGenerator(seed: 1)
        var verifier = DigestVerifier(realm: "sip.example.net")
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        for stale in [false, true] {
            let request = try provider.takeRequest(.register)
            try provider.answer(request, 401) {
                $0.append(.wwwAuthenticate, challenge(&verifier, stale: stale, &random))
            }
        }
        _ = provider.takeEvents()
        let third = try provider.takeRequest(.register)
        try provider.answer(third, 401) { $0.append(.wwwAuthenticate, challenge(&verifier, stale: true, &random)) }
        #expect(provider.sent.isEmpty)
        #expect(provider.takeEvents() == [.registration(trunk: "Carrier", .failed(.wrongPassword))])
        try provider.wait(.seconds(299))
        #expect(provider.sent.isEmpty)
        try provider.wait(.milliseconds(1_200))
        #expect(try provider.takeRequest(.register).headers.authorization == nil)
    }

    @Test("403, 503, silence and an ICMP error are told apart")
    func failures() throws {
        func outcome(_ play: (inout ScriptedProvider, SIPRequest) throws -> Void) throws -> [UserAgentEvent] {
            var provider = ScriptedProvider()
            try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
            let request = try provider.takeRequest(.register)
            _ = provider.takeEvents()
            try play(&provider, request)
            return provider.takeEvents()
        }
        #expect(try outcome { try $0.answer($1, 403) } == [.registration(trunk: "Carrier", .failed(.wrongPassword))])
        let busy = RegistrationFailure.rejected(status: 503, reason: "Service Unavailable")
        #expect(try outcome { try $0.answer($1, 503) } == [.registration(trunk: "Carrier", .failed(busy))])
        #expect(
            try outcome { provider, _ in try provider.wait(.seconds(32)) } == [
                .registration(trunk: "Carrier", .failed(.noReply))
            ])
        #expect(
            try outcome { provider, _ in
                try provider.act { $0.transportFailed(to: ScriptedProvider.target, now: $1, using: &$2) }
            } == [.registration(trunk: "Carrier", .failed(.unreachable))])
    }

    @Test("423 is obeyed at once")
    func tooBrief() throws {
        var provider = ScriptedProvider()
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        let request = try provider.takeRequest(.register)
        try provider.answer(request, 423) { $0.minExpires = 1_800 }
        #expect(try provider.takeRequest(.register).headers.expires == 1_800)
    }

    @Test("Another trunk removes the old binding; no trunk tells when it is gone")
    func changes() throws {
        var provider = ScriptedProvider()
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        let first = try provider.takeRequest(.register)
        try provider.answer(first, 200) { headers in
            headers.expires = 300
            headers.topVia = first.headers.topVia
        }
        provider.events = []
        var other = ScriptedProvider.trunk
        other.user = "bob"
        try provider.act { $0.setTrunk(other, now: $1, using: &$2) }
        #expect(provider.sent.count == 2)
        let removal = try #require(provider.sent.first?.message.request)
        #expect(removal.headers.expires == 0 && removal.headers.to?.uri.user == "alice")
        let registration = try #require(provider.sent.last?.message.request)
        #expect(registration.headers.to?.uri.user == "bob")
        provider.sent = []
        try provider.answer(removal, 200)
        #expect(provider.takeEvents() == [.registration(trunk: "Carrier", .registering)])
        try provider.answer(registration, 200) { $0.topVia = registration.headers.topVia }
        provider.events = []
        try provider.act { $0.unregister(now: $1, using: &$2) }
        try provider.answer(try provider.takeRequest(.register), 200)
        #expect(provider.takeEvents() == [.registration(trunk: "Carrier", .unregistered)])
        try provider.wait(.seconds(600))
        #expect(provider.sent.isEmpty)
        #expect(provider.agent.counts == (0, 0))
        #expect(provider.agent.nextDeadline == nil)
        try provider.act { $0.setTrunk(other, now: $1, using: &$2) }
        #expect(try provider.takeRequest(.register).headers.expires == 300)
    }

    @Test("Nobody but the trunk's target gets an answer to a challenge")
    func foreignChallenge() throws {
        var provider = ScriptedProvider()
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        let request = try provider.takeRequest(.register)
        try provider.answer(request, 401, from: ScriptedProvider.stranger) {
            $0.append(.wwwAuthenticate, "Digest realm=\"sip.example.net\", nonce=\"n\"")
        }
        #expect(provider.sent.isEmpty)
    }

    private func registered(_ provider: inout ScriptedProvider) throws {
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        let first = try provider.takeRequest(.register)
        try provider.answer(first, 200) { headers in
            headers.expires = 300
            headers.topVia = first.headers.topVia
        }
        provider.events = []
    }

    @Test("REGISTER says that it knows Path; Service-Route leads calls and questions until it is another or gone")
    func serviceRoute() throws {
        var provider = ScriptedProvider()
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        var register = try provider.takeRequest(.register)
        #expect(register.headers.supported.contains("path"))
        func grant(_ routes: [String]) throws {
            try provider.answer(register, 200) { headers in
                headers.expires = 300
                headers.topVia = register.headers.topVia
                for route in routes { headers.append(.serviceRoute, route) }
            }
        }
        func refresh() throws {
            try provider.wait(.seconds(250))
            register = try #require(provider.sent.last { $0.message.request?.method == .register }?.message.request)
            provider.sent = []
        }
        var leg = 0 as UInt64
        func routes() throws -> [[String]] {
            leg += 1
            try provider.act {
                $0.invite(
                    LegIdentifier(number: leg), to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2)
            }
            let invite = try provider.takeRequest(.invite)
            // RFC 3261 §17.1.1.3: the ACK takes the way of the INVITE.
            try provider.answer(invite, 486)
            let ack = try provider.takeRequest(.ack)
            try provider.act { $0.ask(leg, now: $1, using: &$2) ?? [] }
            let options = try provider.takeRequest(.options)
            #expect(!options.headers.supported.contains("path"))
            try provider.answer(options, 200)
            return try [invite, ack, options].map { try $0.headers.routes().map(\.text) }
        }
        let first = ["<sip:p1.example.net;lr>", "<sip:orig@s.example.net;lr>"]
        try grant([first.joined(separator: ", ")])
        #expect(try routes() == [first, first, first])
        try refresh()
        #expect(try register.headers.routes().isEmpty)
        try grant(["<sip:p2.example.net;lr>"])
        #expect(try routes().first == ["<sip:p2.example.net;lr>"])
        // Hops that route strictly, and more than anybody needs, are no way; nor is a former one.
        for unusable in [[], ["<sip:p3.example.net>"], Array(repeating: first[0], count: 9), ["<"]] {
            try refresh()
            try grant(["<sip:p2.example.net;lr>"])
            try refresh()
            try grant(unusable)
            #expect(try routes().first == [], "\(unusable)")
        }
        try refresh()
        try grant(first)
        try provider.act { $0.unregister(now: $1, using: &$2) }
        register = try provider.takeRequest(.register)
        try grant(first)
        #expect(try routes().first == [])
    }

    @Test("A registration that fails takes its Service-Route with it (RFC 3608 §6.1)", arguments: [500, 423, 0])
    func routeOfFailedRegistration(status: Int) throws {
        var provider = ScriptedProvider()
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        let register = try provider.takeRequest(.register)
        try provider.answer(register, 200) { headers in
            headers.expires = 300
            headers.topVia = register.headers.topVia
            headers.append(.serviceRoute, "<sip:p1.example.net;lr>")
        }
        while provider.sent.isEmpty { try provider.wait(.seconds(10)) }
        let refresh = try #require(provider.sent.last?.message.request)
        provider.sent = []
        if status == 0 {
            try provider.wait(.seconds(33))
        } else {
            try provider.answer(refresh, status) { $0.topVia = refresh.headers.topVia }
        }
        provider.sent = []
        try provider.act {
            $0.invite(LegIdentifier(number: 1), to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        #expect(try provider.takeRequest(.invite).headers.routes().isEmpty)
    }

    @Test("A new password takes the binding over: no removal that could come after the new registration")
    func sameBinding() throws {
        var provider = ScriptedProvider()
        try registered(&provider)
        var changed = ScriptedProvider.trunk
        changed.password = Redacted("other")
        try provider.act { $0.setTrunk(changed, now: $1, using: &$2) }
        let register = try provider.takeRequest(.register)
        #expect(register.headers.expires == 300)
        try provider.answer(register, 200) { $0.topVia = register.headers.topVia }
        // The former account's refresh is forgotten with it.
        try provider.wait(.seconds(250))
        #expect(Set(provider.sent.map(\.message.headers.callID)) == [register.headers.callID])
    }

    @Test("Another address is registered at once, also instead of waiting for a retry, but not after a wrong password")
    func moved() throws {
        let other = NetworkAddress(host: .ipv4(0x0a00_0009), port: 5062)
        var provider = ScriptedProvider()
        try registered(&provider)
        try provider.act { $0.moved(to: other, now: $1, using: &$2) }
        let register = try provider.takeRequest(.register)
        #expect(register.headers.contact?.uri.sip?.numericAddress == other)
        #expect(register.headers.topVia?.host.address == other.host)
        try provider.answer(register, 503)
        #expect(provider.sent.isEmpty)
        try provider.act { $0.moved(to: other, now: $1, using: &$2) }
        let again = try provider.takeRequest(.register)
        try provider.answer(again, 403)
        try provider.act { $0.moved(to: other, now: $1, using: &$2) }
        #expect(provider.sent.isEmpty)
    }
}

extension String {
    fileprivate var bracketed: String { "<\(self)>" }
}
