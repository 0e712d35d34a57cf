import SIPMessage
import Testing
import Wire

@testable import SIP

@Suite("RFC 3261 §14, RFC 3311 a session that changes")
struct RenegotiationTests {
    private static let leg = LegIdentifier(number: 7)
    private static let hold = Array("v=0\r\ns=hold\r\na=sendonly\r\n".utf8)
    private static let resumed = Array("v=0\r\ns=resume\r\n".utf8)

    private func want(_ provider: inout ScriptedProvider, _ offer: [UInt8], _ leg: LegIdentifier = Self.leg) throws {
        try provider.act { $0.renegotiate(leg, offer: offer, now: $1, using: &$2) }
    }

    @Test("Our hold: re-INVITE, ACK, the answer told; a repeated 200 is acknowledged again")
    func ours() throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg)
        try want(&provider, Self.hold)
        let invite = try provider.takeRequest(.invite)
        #expect(invite.body == Self.hold && invite.headers.cseq == CSeq(2, .invite))
        #expect(invite.uri.user == "gw" && invite.headers.to?.tag == "peer")
        // What is wanted meanwhile goes afterwards, and of several the last.
        try want(&provider, Self.hold)
        try want(&provider, Self.resumed)
        #expect(provider.sent.isEmpty)
        let moved = NetworkAddress(host: ScriptedProvider.target.host, port: 5099)
        for _ in 0..<2 {
            try provider.answer(invite, 200, body: ScriptedProvider.offer) {
                $0.contact = NameAddress(SIPURI(user: "moved", address: moved))
            }
        }
        #expect(provider.sent.map { $0.message.request?.method } == [.ack, .invite, .ack])
        #expect(provider.sent.allSatisfy { $0.target == moved }, "a new Contact moves where requests go")
        #expect(provider.sent[0].message.request?.headers.cseq == CSeq(2, .ack))
        let second = try #require(provider.sent[1].message.request)
        #expect(second.body == Self.resumed)
        provider.sent = []
        #expect(provider.takeEvents() == [.agreed(Self.leg, answer: ScriptedProvider.offer)])
        try provider.answer(second, 488)
        #expect(try provider.takeRequest(.ack).headers.topVia == second.headers.topVia)
        #expect(provider.takeEvents() == [.offerRefused(Self.leg, status: 488)])
        #expect(provider.agent.counts.dialogs == 1, "a refused offer leaves the call as it is")
    }

    @Test("Theirs is asked of the owner: answered, refused, or too late; the call goes on")
    func theirs() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        let leg = ScriptedProvider.inbound
        let invite = try provider.request(.invite, branch: "2", sequence: 2, toTag: tag, body: Self.hold)
        try provider.deliver(.request(invite))
        #expect(provider.takeEvents() == [.offered(leg, offer: Self.hold)])
        let early = try provider.request(.invite, branch: "x", sequence: 3, toTag: tag, body: Self.hold)
        try provider.deliver(.request(early))
        let pending = try provider.takeResponse()
        #expect(pending.status == 500 && pending.headers.retryAfter == 1)
        try provider.deliver(.request(try provider.request(.ack, branch: "x", sequence: 3, toTag: tag)))
        try provider.act { $0.answer(leg, body: Self.resumed, now: $1, using: &$2) }
        #expect(try provider.takeResponse().body == Self.resumed)
        try provider.wait(.milliseconds(500))
        #expect(try provider.takeResponse().status == 200, "repeated until its ACK")
        try provider.deliver(.request(try provider.request(.ack, branch: "a", sequence: 2, toTag: tag)))
        let fax = Array("v=0\r\nm=image 9 udptl t38\r\n".utf8)
        let t38 = try provider.request(.invite, branch: "4", sequence: 4, toTag: tag, body: fax)
        try provider.deliver(.request(t38))
        try provider.act { $0.refuseOffer(leg, now: $1, using: &$2) }
        #expect(try provider.takeResponse().status == 488)
        try provider.deliver(.request(try provider.request(.ack, branch: "4", sequence: 4, toTag: tag)))
        provider.events = []
        try provider.deliver(
            .request(try provider.request(.update, branch: "5", sequence: 5, toTag: tag, body: Self.hold)))
        try provider.wait(.seconds(10))
        #expect(try provider.takeResponse().status == 488, "an owner who says nothing says no")
        try provider.act { $0.answer(leg, body: Self.resumed, now: $1, using: &$2) }
        #expect(provider.sent.isEmpty)
        #expect(provider.agent.counts.dialogs == 1)
    }

    @Test("A re-INVITE without an offer: our 200 makes it, the ACK brings the answer")
    func offerless() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        let leg = ScriptedProvider.inbound
        try provider.deliver(.request(try provider.request(.invite, branch: "2", sequence: 2, toTag: tag)))
        #expect(provider.takeEvents() == [.offered(leg, offer: nil)])
        try provider.act { $0.answer(leg, body: Self.resumed, now: $1, using: &$2) }
        #expect(try provider.takeResponse().body == Self.resumed)
        let ack = try provider.request(.ack, branch: "a", sequence: 2, toTag: tag, body: Self.hold)
        try provider.deliver(.request(ack))
        #expect(provider.takeEvents() == [.agreed(leg, answer: Self.hold)])
    }

    @Test("CANCEL of a re-INVITE: 487, and the call stands")
    func cancelled() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        let invite = try provider.request(.invite, branch: "2", sequence: 2, toTag: tag, body: Self.hold)
        try provider.deliver(.request(invite))
        try provider.deliver(.request(try provider.request(.cancel, branch: "2", sequence: 2, toTag: tag)))
        #expect(provider.sent.map { $0.message.response?.status } == [200, 487])
        #expect(provider.agent.counts.dialogs == 1)
    }

    @Test("Glare: both refuse with 491; who made the Call-ID waits 2.1–4 s, the other at most 2 s", arguments: 1...20)
    func glare(seed: UInt64) throws {
        for isCaller in [true, false] {
            var provider: ScriptedProvider
            var theirs: SIPRequest
            let leg = isCaller ? Self.leg : ScriptedProvider.inbound
            if isCaller {
                let (called, invite) = try ScriptedProvider.called(leg)
                provider = called
                theirs = try provider.request(.invite, inside: invite, sequence: 9, body: Self.resumed)
            } else {
                let (answered, tag, _) = try ScriptedProvider.answered()
                provider = answered
                theirs = try provider.request(.invite, branch: "g", sequence: 9, toTag: tag, body: Self.resumed)
            }
            provider.random = SeededGenerator(seed: seed)
            try want(&provider, Self.hold, leg)
            let ours = try provider.takeRequest(.invite)
            try provider.deliver(.request(theirs))
            #expect(try provider.takeResponse().status == 491)
            #expect(provider.takeEvents().isEmpty)
            try provider.answer(ours, 491)
            provider.sent = []
            let wait = isCaller ? (2_100, 4_000) : (0, 2_000)
            if isCaller { try provider.wait(.milliseconds(2_099)) }
            #expect(provider.sent.filter { $0.message.request != nil }.isEmpty)
            try provider.wait(.milliseconds(Int64(wait.1) - (isCaller ? 2_099 : 0)))
            let again = try #require(provider.sent.lazy.compactMap(\.message.request).first { $0.method == .invite })
            #expect(again.body == Self.hold)
        }
    }

    @Test("A side that answers 491 for ever is asked seven times")
    func endlessGlare() throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg)
        try want(&provider, Self.hold)
        var asked = 0
        while let invite = provider.sent.lazy.compactMap(\.message.request).first(where: { $0.method == .invite }) {
            provider.sent = []
            asked += 1
            try provider.answer(invite, 491)
            provider.sent = []
            for _ in 0..<50 where provider.sent.isEmpty { try provider.wait(.milliseconds(100)) }
        }
        #expect(asked == 7)
        #expect(provider.takeEvents() == [.offerRefused(Self.leg, status: 491)])
    }

    @Test("UPDATE with an offer while ours is on its way: 491; without one it is answered at once")
    func update() throws {
        var (provider, invite) = try ScriptedProvider.called(Self.leg)
        try want(&provider, Self.hold)
        provider.sent = []
        try provider.deliver(
            .request(try provider.request(.update, inside: invite, sequence: 1, body: Self.resumed)))
        #expect(try provider.takeResponse().status == 491)
        try provider.deliver(.request(try provider.request(.update, inside: invite, sequence: 2)))
        #expect(try provider.takeResponse().status == 200)
    }

    @Test("UPDATE in an early dialog of ours counts once our offer was answered reliably")
    func earlyUpdate() throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg, asksOwner: true)
        for isReliable in [false, true] {
            try provider.answer(invite, 183, body: Self.resumed) {
                guard isReliable else { return }
                $0.append(.require, "100rel")
                $0.rSeq = 1
            }
            provider.sent = []
            provider.events = []
            let update = try provider.request(
                .update, inside: invite, sequence: isReliable ? 2 : 1, body: Self.hold)
            try provider.deliver(.request(update))
            guard isReliable else {
                #expect(try provider.takeResponse().status == 491)
                continue
            }
            #expect(provider.takeEvents() == [.offered(Self.leg, offer: Self.hold)])
            try provider.act { $0.answer(Self.leg, body: Self.hold, now: $1, using: &$2) }
            #expect(try provider.takeResponse().body == Self.hold)
        }
    }

    @Test("481 and silence in the call end it; 500 with Retry-After is tried again", arguments: [481, 0, 500])
    func failures(status: Int) throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg)
        try want(&provider, Self.hold)
        let invite = try provider.takeRequest(.invite)
        switch status {
        case 500:
            try provider.answer(invite, 500) { $0.retryAfter = 3 }
            provider.sent = []
            try provider.wait(.seconds(3))
            #expect(try provider.takeRequest(.invite).body == Self.hold)
            return
        case 0: try provider.wait(.seconds(32))
        default: try provider.answer(invite, status)
        }
        #expect(provider.takeEvents() == [.ended(Self.leg, status == 0 ? .vanished : .dialogLost)])
        #expect(provider.sent.last?.message.request?.method == .bye)
        try provider.wait(.seconds(70))
        #expect(provider.agent.isEmpty)
    }

    @Test("Hanging up while either side's re-INVITE is open: BYE, 487 to theirs, an ACK for a late 200 to ours")
    func hangUpMeanwhile() throws {
        var (provider, tag, _) = try ScriptedProvider.answered()
        let theirs = try provider.request(.invite, branch: "2", sequence: 2, toTag: tag, body: Self.hold)
        try provider.deliver(.request(theirs))
        try provider.hangUp(ScriptedProvider.inbound)
        #expect(provider.sent.map { $0.message.request?.method } == [.bye, nil])
        #expect(provider.sent.last?.message.response?.status == 487)
        try provider.deliver(.request(try provider.request(.ack, branch: "2", sequence: 2, toTag: tag)))
        try provider.wait(.seconds(70))
        #expect(provider.agent.isEmpty)

        (provider, _) = try ScriptedProvider.called(Self.leg)
        try want(&provider, Self.hold)
        let ours = try provider.takeRequest(.invite)
        try provider.hangUp(Self.leg)
        _ = try provider.takeRequest(.bye)
        for _ in 0..<2 {
            try provider.answer(ours, 200)
            #expect(try provider.takeRequest(.ack).headers.cseq == CSeq(2, .ack))
        }
        try provider.wait(.seconds(70))
        #expect(provider.agent.isEmpty)
    }

    @Test("Challenges inside the call are answered to the trunk, once; BYE, re-INVITE, INFO alike")
    func challenged() throws {
        let text = "Digest realm=\"sip.example.net\", nonce=\"n\", qop=\"auth\""
        for source in [ScriptedProvider.target, ScriptedProvider.stranger] {
            for realm in ["sip.example.net", "net", "com.sip.example.net"] {
                var (provider, _) = try ScriptedProvider.called(Self.leg)
                let mayAnswer = source == ScriptedProvider.target && realm == "sip.example.net"
                let challenge = text.replacing("sip.example.net", with: realm)
                try want(&provider, Self.hold)
                let invite = try provider.takeRequest(.invite)
                try provider.answer(invite, 401, from: source) { $0.append(.wwwAuthenticate, challenge) }
                let proven = provider.sent.lazy.compactMap(\.message.request).first { $0.method == .invite }
                #expect((proven?.headers.authorization != nil) == mayAnswer, "\(source) \(realm)")
                guard let proven else {
                    #expect(provider.takeEvents() == [.offerRefused(Self.leg, status: 401)])
                    continue
                }
                #expect(proven.headers.cseq == CSeq(3, .invite) && proven.body == Self.hold)
                provider.sent = []
                try provider.answer(proven, 401) { $0.append(.wwwAuthenticate, challenge) }
                #expect(provider.sent.map { $0.message.request?.method } == [.ack], "answered twice")
                #expect(provider.takeEvents() == [.offerRefused(Self.leg, status: 401)])
                provider.sent = []
                try provider.hangUp(Self.leg)
                let bye = try provider.takeRequest(.bye)
                try provider.answer(bye, 407) { $0.append(.proxyAuthenticate, challenge) }
                #expect(try provider.takeRequest(.bye).headers.proxyAuthorization != nil)
            }
        }
    }

    @Test("No credentials go to whom the dialog's route leads elsewhere, in the ACK neither")
    func strangersRoute() throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg)
        let text = "Digest realm=\"sip.example.net\", nonce=\"n\", qop=\"auth\""
        try provider.answer(invite, 407) { $0.append(.proxyAuthenticate, text) }
        let proven = try #require(provider.sent.last?.message.request)
        #expect(proven.headers.proxyAuthorization != nil)
        provider.sent = []
        try provider.answer(proven, 200) {
            $0.contact = NameAddress(SIPURI(user: "gw", address: ScriptedProvider.stranger))
        }
        #expect(provider.sent.first?.target == ScriptedProvider.stranger)
        #expect(try provider.takeRequest(.ack).headers.proxyAuthorization == nil)
        try want(&provider, Self.hold)
        let change = try provider.takeRequest(.invite)
        #expect(change.headers.proxyAuthorization == nil)
        try provider.answer(change, 407, from: ScriptedProvider.stranger) { $0.append(.proxyAuthenticate, text) }
        #expect(try provider.takeRequest(.ack).headers.proxyAuthorization == nil)
    }

    @Test("A configured realm is the only one, at registration and after")
    func configuredRealm() throws {
        for realm in ["voice.example", "sip.example.net"] {
            var provider = ScriptedProvider()
            var trunk = ScriptedProvider.trunk
            trunk.realms = ["other.example", "voice.example"]
            try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
            let register = try provider.takeRequest(.register)
            try provider.answer(register, 401) {
                $0.append(.wwwAuthenticate, "Digest realm=\"\(realm)\", nonce=\"n\"")
            }
            #expect((provider.sent.count == 1) == (realm == "voice.example"))
        }
    }
}
