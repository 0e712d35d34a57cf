import SIP
import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §13, §15 calls of a user agent")
struct UserAgentCallTests {
    static let leg = LegIdentifier(number: 7)

    private func calling(_ number: String = "+49 30 #1") throws -> (ScriptedProvider, SIPRequest) {
        var provider = ScriptedProvider()
        var trunk = ScriptedProvider.trunk
        trunk.expires = 0
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        try provider.act {
            $0.invite(Self.leg, to: Redacted(number), offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        let invite = try provider.takeRequest(.invite)
        return (provider, invite)
    }

    @Test("The INVITE names the provider, not its address, and escapes what was dialled")
    func invite() throws {
        let (_, invite) = try calling()
        #expect(invite.uri.text == "sip:+49%2030%20%231@sip.example.net")
        #expect(invite.headers.from?.uri.user == "+4930123456")
        #expect(invite.headers.contact?.uri.sip?.numericAddress == ScriptedProvider.local)
        #expect(invite.body == ScriptedProvider.offer)
        #expect(invite.headers.contentType == .sdp)
    }

    @Test("A call given up before anything came back is waited for until its CANCEL is answered")
    func awaitsAnswer() throws {
        var (provider, invite) = try calling()
        #expect(provider.agent.awaitsAnswer)
        try provider.act { $0.hangUp(Self.leg, now: $1, using: &$2) }
        #expect(provider.agent.awaitsAnswer)
        try provider.answer(invite, 180)
        let cancel = try provider.takeRequest(.cancel)
        try provider.answer(cancel, 200)
        #expect(provider.agent.awaitsAnswer)
        try provider.answer(invite, 487)
        #expect(!provider.agent.awaitsAnswer)
    }

    @Test("407, 183, 180, 200, BYE: the whole way of a call, credentials on BYE included")
    func wholeCall() throws {
        var (provider, invite) = try calling()
        var random = SeededGenerator(seed: 1)
        var verifier = DigestVerifier(realm: "sip.example.net")
        try provider.answer(invite, 100)
        let text = verifier.challenge(now: .zero, using: &random).challenge.text
        try provider.answer(invite, 407) { $0.append(.proxyAuthenticate, text) }
        #expect(provider.sent.count == 2)
        #expect(provider.sent.first?.message.request?.method == .ack)
        let second = try #require(provider.sent.last?.message.request)
        provider.sent = []
        #expect(second.headers.cseq == CSeq(2, .invite))
        #expect(second.headers.topVia?.branch != invite.headers.topVia?.branch)
        #expect(second.body == ScriptedProvider.offer)
        let credentials = try #require(second.headers.proxyAuthorization.flatMap { DigestCredentials($0) })
        let verdict = verifier.verify(credentials, password: "secret", method: .invite, now: .zero)
        #expect(verdict == .accepted)
        try provider.answer(second, 183, body: Array("v=0".utf8))
        try provider.answer(second, 180)
        try provider.answer(second, 180)
        #expect(provider.takeEvents() == [.progress(Self.leg, body: Array("v=0".utf8)), .ringing(Self.leg)])
        let target = NameAddress(SIPURI(user: "gw", address: ScriptedProvider.target))
        try provider.answer(second, 200, body: ScriptedProvider.offer) { headers in
            headers.contact = target
            headers.append(.recordRoute, "<sip:203.0.113.9:5070;lr>, <sip:edge.example.net;lr>")
        }
        #expect(provider.takeEvents() == [.answered(Self.leg, body: ScriptedProvider.offer)])
        #expect(provider.sent.first?.target == NetworkAddress(hostAndPort: "192.0.2.1:5060"))
        let ack = try provider.takeRequest(.ack)
        #expect(ack.headers.cseq == CSeq(2, .ack))
        #expect(ack.uri == target.uri)
        #expect(try ack.headers.routes().map(\.uri.text) == ["sip:edge.example.net;lr", "sip:203.0.113.9:5070;lr"])
        // The ACK was lost: the 2xx comes again.
        try provider.answer(second, 200, body: ScriptedProvider.offer) { $0.contact = target }
        #expect(try provider.takeRequest(.ack) == ack)
        #expect(provider.takeEvents().isEmpty)
        #expect(provider.agent.counts.dialogs == 1)
        try provider.act { $0.hangUp(Self.leg, now: $1, using: &$2) }
        #expect(provider.takeEvents() == [.ended(Self.leg, .localHangUp)])
        let bye = try provider.takeRequest(.bye)
        #expect(bye.headers.cseq == CSeq(3, .bye))
        let proof = try #require(bye.headers.proxyAuthorization.flatMap { DigestCredentials($0) })
        let byeVerdict = verifier.verify(proof, password: "secret", method: .bye, now: .zero)
        #expect(byeVerdict == .accepted)
        #expect(provider.agent.counts.dialogs == 0)
        try provider.answer(bye, 200)
        try provider.wait(.seconds(32))
        #expect(provider.agent.isEmpty)
        #expect(provider.agent.nextDeadline == nil)
    }

    @Test("503 says for how long the server wants no calls; no other status does", arguments: [503, 486])
    func retryAfter(status: Int) throws {
        var (provider, invite) = try calling()
        try provider.answer(invite, status) { $0[.retryAfter] = "120 (I am in a meeting)" }
        let events = provider.takeEvents()
        #expect(events.contains(.retryAfter(Self.leg, seconds: 120)) == (status == 503))
        guard case .ended(Self.leg, .rejected(status, _))? = events.last else {
            Issue.record("\(events)")
            return
        }
    }

    @Test("Silence is told after four seconds and ends at timer B")
    func silence() throws {
        var (provider, _) = try calling()
        try provider.wait(.milliseconds(3_900))
        #expect(provider.takeEvents().isEmpty)
        try provider.wait(.milliseconds(100))
        #expect(provider.takeEvents() == [.noReplyYet(Self.leg)])
        try provider.wait(.seconds(28))
        #expect(provider.takeEvents() == [.ended(Self.leg, .noReply)])
        #expect(provider.sent.count == 6)
        #expect(provider.agent.isEmpty)
    }

    @Test("An ICMP error ends a call that is being set up, and leaves one that stands")
    func unreachable() throws {
        var (provider, invite) = try calling()
        try provider.act { $0.transportFailed(to: ScriptedProvider.stranger, now: $1, using: &$2) }
        #expect(provider.takeEvents().isEmpty)
        try provider.act { $0.transportFailed(to: ScriptedProvider.target, now: $1, using: &$2) }
        #expect(provider.takeEvents() == [.ended(Self.leg, .unreachable)])
        #expect(provider.agent.isEmpty)
        (provider, invite) = try calling()
        try provider.answer(invite, 200)
        _ = provider.takeEvents()
        try provider.act { $0.transportFailed(to: ScriptedProvider.target, now: $1, using: &$2) }
        #expect(provider.takeEvents().isEmpty)
    }

    @Test("A BYE after 32 s of repeated 200s says that no ACK arrived; after a few, or much later, it is a hang-up")
    func unheard() throws {
        func end(repeats: Int, pause: Duration) throws -> [UserAgentEvent] {
            var (provider, invite) = try ScriptedProvider.called(Self.leg, asksOwner: false)
            for _ in 0..<repeats {
                try provider.wait(.seconds(4))
                try provider.answer(invite, 200, body: ScriptedProvider.offer) {
                    $0.contact = NameAddress(SIPURI(user: "gw", address: ScriptedProvider.target))
                }
                _ = try provider.takeRequest(.ack)
            }
            try provider.wait(pause)
            _ = provider.takeEvents()
            provider.sent = []
            try provider.deliver(.request(try provider.request(.bye, inside: invite, sequence: 1)))
            return provider.takeEvents()
        }
        #expect(try end(repeats: 7, pause: .seconds(4)) == [.ended(Self.leg, .acknowledgementUnheard)])
        #expect(try end(repeats: 2, pause: .seconds(4)) == [.ended(Self.leg, .remoteHangUp)])
        #expect(try end(repeats: 7, pause: .seconds(10)) == [.ended(Self.leg, .remoteHangUp)])
        #expect(try end(repeats: 0, pause: .seconds(32)) == [.ended(Self.leg, .remoteHangUp)])
    }

    @Test("A wrong password ends the call after one answered challenge")
    func wrongPassword() throws {
        var (provider, invite) = try calling()
        let text = "Digest realm=\"sip.example.net\", nonce=\"n\", qop=\"auth\""
        try provider.answer(invite, 401) { $0.append(.wwwAuthenticate, text) }
        let second = try #require(provider.sent.last?.message.request)
        provider.sent = []
        try provider.answer(second, 401) { $0.append(.wwwAuthenticate, text) }
        _ = try provider.takeRequest(.ack)
        #expect(provider.takeEvents() == [.ended(Self.leg, .authenticationFailed)])
    }

    @Test("CANCEL waits for a provisional response; a late 200 is acknowledged and ended with BYE")
    func lateAnswer() throws {
        var (provider, invite) = try calling()
        try provider.act { $0.hangUp(Self.leg, now: $1, using: &$2) }
        #expect(provider.takeEvents() == [.ended(Self.leg, .localHangUp)])
        #expect(provider.sent.isEmpty)
        try provider.answer(invite, 100)
        let cancel = try provider.takeRequest(.cancel)
        #expect(cancel.headers.topVia == invite.headers.topVia)
        #expect(cancel.headers.cseq == CSeq(1, .cancel))
        try provider.answer(cancel, 200)
        try provider.answer(invite, 200)
        #expect(provider.sent.map { $0.message.request?.method } == [.ack, .bye])
        let bye = try #require(provider.sent.last?.message.request)
        provider.sent = []
        try provider.answer(bye, 200)
        #expect(provider.takeEvents().isEmpty)
        try provider.wait(.seconds(33))
        #expect(provider.agent.isEmpty)
    }

    @Test("A cancelled INVITE without any final response is given up after 64·T1")
    func cancelledForGood() throws {
        var (provider, invite) = try calling()
        try provider.answer(invite, 180)
        try provider.act { $0.hangUp(Self.leg, now: $1, using: &$2) }
        let cancel = try provider.takeRequest(.cancel)
        try provider.answer(cancel, 200)
        try provider.wait(.seconds(32))
        #expect(provider.agent.isEmpty)
    }

    @Test("The first of several answers wins, the others get ACK and BYE, each once")
    func forked() throws {
        var (provider, invite) = try calling()
        try provider.answer(invite, 200, tag: "one")
        _ = try provider.takeRequest(.ack)
        try provider.answer(invite, 200, tag: "two")
        #expect(provider.sent.map { $0.message.request?.method } == [.ack, .bye])
        #expect(provider.sent.last?.message.request?.headers.to?.tag == "two")
        provider.sent = []
        try provider.answer(invite, 200, tag: "two")
        #expect(try provider.takeRequest(.ack).headers.to?.tag == "two")
        #expect(provider.takeEvents().count == 1)
        #expect(provider.agent.counts.dialogs == 1)
    }

    @Test("A callee cannot lure the password out in a realm of its own")
    func realmOfAStranger() throws {
        var provider = ScriptedProvider()
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        let register = try provider.takeRequest(.register)
        try provider.answer(register, 401) {
            $0.append(.wwwAuthenticate, "Digest realm=\"example.net\", nonce=\"n\", qop=\"auth\"")
        }
        let proven = try provider.takeRequest(.register)
        try provider.answer(proven, 200) { $0.topVia = proven.headers.topVia }
        try provider.act {
            $0.invite(Self.leg, to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        let invite = try provider.takeRequest(.invite)
        provider.events = []
        try provider.answer(invite, 407) {
            $0.append(.proxyAuthenticate, "Digest realm=\"evil.example.org\", nonce=\"n\", qop=\"auth\"")
        }
        _ = try provider.takeRequest(.ack)
        #expect(provider.takeEvents() == [.ended(Self.leg, .realmForeign("evil.example.org"))])
    }

    @Test("A realm in which the registrar did not take the password is no foreign one, and gets no answer all the same")
    func realmOfARefusal() throws {
        var provider = ScriptedProvider()
        try provider.act { $0.setTrunk(ScriptedProvider.trunk, now: $1, using: &$2) }
        let challenge = "Digest realm=\"carrier.example\", nonce=\"n\", qop=\"auth\""
        for _ in 0..<2 {
            let register = try provider.takeRequest(.register)
            try provider.answer(register, 401) { $0.append(.wwwAuthenticate, challenge) }
        }
        try provider.act {
            $0.invite(Self.leg, to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        let invite = try provider.takeRequest(.invite)
        provider.events = []
        try provider.answer(invite, 407) { $0.append(.proxyAuthenticate, challenge) }
        _ = try provider.takeRequest(.ack)
        #expect(provider.sent.isEmpty)
        #expect(provider.takeEvents() == [.ended(Self.leg, .authenticationFailed)])
    }

    @Test(
        "Without registration the configured realms are answered, as a whole; another is told apart from a wrong password",
        arguments: [
            ("sip.twilio.example", true), ("SIP.Twilio.Example", true), ("second.example", true), ("example", false),
            ("twilio.example", false), ("x.sip.twilio.example", false), ("sip.example.net", false), ("", false),
        ])
    func realmWithoutRegistration(realm: String, isAnswered: Bool) throws {
        var provider = ScriptedProvider()
        var trunk = ScriptedProvider.trunk
        (trunk.expires, trunk.realms, trunk.authUser) = (0, ["sip.twilio.example", "second.example"], "digest-name")
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        try provider.act {
            $0.invite(Self.leg, to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        let invite = try provider.takeRequest(.invite)
        try provider.answer(invite, 407) {
            $0.append(.proxyAuthenticate, "Digest realm=\"\(realm)\", nonce=\"n\", qop=\"auth\"")
        }
        let proven = provider.sent.compactMap(\.message.request).first { $0.method == .invite }
        let credentials = proven?.headers.proxyAuthorization.flatMap { DigestCredentials($0) }
        #expect((credentials?.user == "digest-name") == isAnswered)
        #expect(provider.takeEvents() == (isAnswered ? [] : [.ended(Self.leg, .realmForeign(realm))]))
        guard isAnswered, let proven else { return }
        // Once more means that the password is wrong.
        provider.sent = []
        try provider.answer(proven, 407) {
            $0.append(.proxyAuthenticate, "Digest realm=\"\(realm)\", nonce=\"n2\", qop=\"auth\"")
        }
        #expect(provider.takeEvents() == [.ended(Self.leg, .authenticationFailed)])
    }

    @Test("A challenge from elsewhere than the trunk's server is no matter of the realm")
    func challengeOfAStranger() throws {
        var provider = ScriptedProvider()
        var trunk = ScriptedProvider.trunk
        trunk.expires = 0
        trunk.networks = [try #require(AddressBlock("203.0.113.0/24"))]
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        for realm in ["evil.example", "sip.example.net"] {
            try provider.act {
                $0.invite(Self.leg, to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2)
            }
            let invite = try provider.takeRequest(.invite)
            try provider.answer(invite, 407, from: ScriptedProvider.stranger) {
                $0.append(.proxyAuthenticate, "Digest realm=\"\(realm)\", nonce=\"n\", qop=\"auth\"")
            }
            _ = try provider.takeRequest(.ack)
            #expect(provider.takeEvents() == [.ended(Self.leg, .authenticationFailed)])
        }
    }

    @Test("Calls from the trunk's networks are the trunk's, from next to them nobody's")
    func networks() throws {
        for (network, isAccepted) in [("203.0.113.0/29", true), ("203.0.113.8/29", false), ("2001:db8::/16", false)] {
            var provider = ScriptedProvider()
            var trunk = ScriptedProvider.trunk
            trunk.expires = 0
            trunk.networks = [try #require(AddressBlock(network))]
            try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
            let invite = try provider.request(.invite, branch: "1", body: ScriptedProvider.offer)
            try provider.deliver(.request(invite), from: ScriptedProvider.stranger)
            #expect(provider.takeEvents().isEmpty != isAccepted)
            #expect(try provider.takeResponse().status == (isAccepted ? 100 : 403))
        }
    }

    @Test("Without registration the answers tell where we are seen; the way in is kept open, Contact follows at once")
    func seenWithoutRegistration() throws {
        var provider = ScriptedProvider()
        provider.isBehindNAT = true
        var trunk = ScriptedProvider.trunk
        trunk.expires = 0
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        let seen = ScriptedProvider.seen
        try provider.wait(.seconds(60))
        #expect(provider.keepAlives == 0)
        try provider.act {
            $0.invite(Self.leg, to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        let invite = try provider.takeRequest(.invite)
        #expect(invite.headers.contact?.uri.sip?.numericAddress == ScriptedProvider.local)
        // A stranger's answer tells nothing.
        try provider.answer(invite, 100, from: ScriptedProvider.stranger)
        #expect(provider.takeEvents().isEmpty)
        try provider.answer(invite, 407) {
            $0.append(.proxyAuthenticate, "Digest realm=\"sip.example.net\", nonce=\"n\", qop=\"auth\"")
        }
        #expect(provider.takeEvents() == [.seen(trunk: "Carrier", at: seen)])
        let proven = provider.sent.compactMap(\.message.request).first { $0.method == .invite }
        #expect(proven?.headers.contact?.uri.sip?.numericAddress == seen)
        provider.sent = []
        try provider.act { $0.hangUp(Self.leg, now: $1, using: &$2) }
        provider.sent = []
        try provider.wait(.seconds(76))
        #expect(provider.keepAlives == 3)
        // By an answer to OPTIONS too; on the way of another trunk nothing was learnt.
        trunk.name = "Other"
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        (provider.sent, provider.events) = ([], [])
        try provider.act { $0.ask(1, now: $1, using: &$2) ?? [] }
        let options = try provider.takeRequest(.options)
        #expect(options.headers.contact?.uri.sip?.numericAddress == ScriptedProvider.local)
        try provider.answer(options, 200)
        #expect(provider.takeEvents().first == .seen(trunk: "Other", at: seen))
    }

    @Test("What a provider's 422 asks for is asked for from then on, unless it is beyond reason")
    func sessionMinimum() throws {
        var provider = ScriptedProvider()
        var trunk = ScriptedProvider.trunk
        trunk.expires = 0
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        func invite(_ number: UInt64) throws -> SIPRequest {
            try provider.act {
                $0.invite(
                    LegIdentifier(number: number), to: Redacted("1"), offer: ScriptedProvider.offer, now: $1, using: &$2
                )
            }
            return try provider.takeRequest(.invite)
        }
        func refuse(_ request: SIPRequest, _ minimum: Int) throws -> SIPRequest? {
            try provider.answer(request, 422) { $0.minSE = minimum }
            defer { provider.sent = [] }
            return provider.sent.compactMap(\.message.request).first { $0.method == .invite }
        }
        let again = try refuse(try invite(1), 2_400)
        #expect(again?.headers.minSE == 2_400 && again?.headers.sessionExpires?.interval == 2_400)
        #expect(provider.takeEvents().contains(.sessionMinimum(trunk: "Carrier", seconds: 2_400)))
        let next = try invite(2)
        #expect(next.headers.minSE == 2_400 && next.headers.sessionExpires?.interval == 2_400)
        #expect(try refuse(next, 80_000)?.headers.minSE == 80_000)
        #expect(try invite(3).headers.minSE == 2_400)
        // Known from before a restart.
        provider.agent.know(sessionMinimum: 600, of: "Carrier")
        let known = try invite(4)
        #expect(known.headers.minSE == 600 && known.headers.sessionExpires?.interval == 1_800)
    }

    @Test("Behind a proxy addresses name the domain, and the peer's certificate the server")
    func domainBehindProxy() throws {
        var provider = ScriptedProvider()
        var trunk = ScriptedProvider.trunk
        (trunk.transport, trunk.serverName) = (.tls, "proxy.example.org")
        #expect(trunk.peer.name == "proxy.example.org")
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        #expect(try provider.takeRequest(.register).uri.text == "sip:sip.example.net")
        let spare = SIPPeer(.tls, ScriptedProvider.target, name: "spare.example.org")
        try provider.act {
            $0.invite(Self.leg, to: Redacted("1"), at: spare, offer: ScriptedProvider.offer, now: $1, using: &$2)
        }
        let invite = try provider.takeRequest(.invite)
        #expect(invite.uri.text == "sip:1@sip.example.net")
        #expect(invite.headers.from?.uri.sip?.host.text == "sip.example.net")
        #expect(provider.agent.trunk(of: Self.leg)?.peer == spare)
    }
}
