import SIP
import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §8.2, §13.3 calls to a user agent")
struct UserAgentAnswerTests {
    private static let leg = LegIdentifier(number: 1 << 32)

    private func ready() throws -> ScriptedProvider {
        var provider = ScriptedProvider()
        var trunk = ScriptedProvider.trunk
        trunk.expires = 0
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        return provider
    }

    /// Rings, and answers if wanted.
    private func ringing(accepted: Bool = false, body: [UInt8] = ScriptedProvider.offer) throws -> (
        ScriptedProvider, SIPRequest, String
    ) {
        var provider = try ready()
        let invite = try provider.request(.invite, branch: "1", body: body)
        try provider.deliver(.request(invite))
        #expect(try provider.takeResponse().status == 100)
        #expect(
            provider.takeEvents() == [
                .incoming(
                    Self.leg, from: Redacted("+33987"), displayName: Redacted("Bob \"B\""), to: Redacted("+4930123456"),
                    offer: body.isEmpty ? nil : body)
            ])
        try provider.act { $0.ring(Self.leg, now: $1, using: &$2) }
        let ringing = try provider.takeResponse()
        #expect(ringing.status == 180)
        let tag = try #require(ringing.headers.to?.tag)
        if accepted {
            try provider.act { $0.accept(Self.leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
            let success = try provider.takeResponse()
            #expect(success.status == 200 && success.headers.to?.tag == tag)
            #expect(success.headers.contact?.uri.sip?.numericAddress == ScriptedProvider.local)
            try provider.deliver(.request(try provider.request(.ack, branch: "ack", toTag: tag)))
            #expect(provider.sent.isEmpty)
        }
        return (provider, invite, tag)
    }

    @Test("The 200 is repeated until its ACK, whatever the INVITE does")
    func repeated() throws {
        var (provider, invite, tag) = try ringing()
        try provider.act { $0.accept(Self.leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
        _ = try provider.takeResponse()
        try provider.deliver(.request(invite))
        #expect(provider.sent.isEmpty)
        try provider.wait(.seconds(0.5))
        #expect(try provider.takeResponse().status == 200)
        try provider.deliver(.request(try provider.request(.ack, branch: "ack", toTag: tag)))
        try provider.wait(.seconds(40))
        #expect(provider.sent.isEmpty)
        #expect(provider.takeEvents().isEmpty)
        #expect(provider.agent.counts == (0, 1))
        try provider.deliver(.request(try provider.request(.bye, branch: "bye", sequence: 2, toTag: tag)))
        #expect(try provider.takeResponse().status == 200)
        #expect(provider.takeEvents() == [.ended(Self.leg, .remoteHangUp)])
        try provider.wait(.seconds(32))
        #expect(provider.agent.isEmpty)
    }

    @Test("A 200 that is never acknowledged ends with BYE after 64·T1")
    func unacknowledged() throws {
        var (provider, _, _) = try ringing()
        try provider.act { $0.accept(Self.leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
        provider.sent = []
        try provider.wait(.seconds(32))
        #expect(provider.takeEvents() == [.ended(Self.leg, .acknowledgementMissing)])
        #expect(provider.sent.compactMap { $0.message.response?.status }.count == 10)
        let bye = try #require(provider.sent.last?.message.request)
        #expect(bye.method == .bye && bye.uri.sip?.user == "gw")
        try provider.wait(.seconds(33))
        #expect(provider.agent.isEmpty)
    }

    @Test("CANCEL ends the ringing: 200 to it, 487 to the INVITE")
    func cancelled() throws {
        var (provider, _, _) = try ringing()
        try provider.deliver(.request(try provider.request(.cancel, branch: "1")))
        #expect(provider.sent.map { $0.message.response?.status } == [200, 487])
        #expect(provider.takeEvents() == [.ended(Self.leg, .cancelledByRemote)])
        provider.sent = []
        try provider.deliver(.request(try provider.request(.cancel, branch: "nothing")))
        #expect(try provider.takeResponse().status == 481)
        try provider.wait(.seconds(40))
        #expect(provider.agent.isEmpty)
    }

    @Test("A re-INVITE is answered with what was said last, its version raised, a hold mirrored")
    func renegotiated() throws {
        var (provider, _, tag) = try ringing(accepted: true)
        let hold = String(decoding: ScriptedProvider.offer, as: UTF8.self)
            .split(separator: "\r\n").map { $0 == "a=sendrecv" ? "a=sendonly" : $0 }.joined(separator: "\r\n")
        let body = Array("\(hold)\r\nm=video 9 RTP/AVP 96\r\n".utf8)
        let invite = try provider.request(.invite, branch: "2", sequence: 2, toTag: tag, body: body)
        try provider.deliver(.request(invite))
        #expect(provider.takeEvents() == [.renegotiated(Self.leg, offer: body)])
        let answer = try provider.takeResponse()
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.contains("o=- 7 2 IN IP4 10.0.0.5\r\n"))
        #expect(text.hasSuffix("m=audio 4000 RTP/AVP 0\r\na=recvonly\r\nm=video 0 RTP/AVP 96\r\n"))
        try provider.deliver(.request(try provider.request(.ack, branch: "3", sequence: 2, toTag: tag)))
        let fax = Array("v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=image 9 udptl t38\r\n".utf8)
        try provider.deliver(.request(try provider.request(.invite, branch: "4", sequence: 3, toTag: tag, body: fax)))
        #expect(try provider.takeResponse().status == 488)
        try provider.deliver(.request(try provider.request(.ack, branch: "4", sequence: 3, toTag: tag)))
        let update = try provider.request(.update, branch: "5", sequence: 4, toTag: tag, body: ScriptedProvider.offer)
        try provider.deliver(.request(update))
        let third = try provider.takeResponse()
        #expect(String(decoding: third.body, as: UTF8.self).contains("o=- 7 3 IN"))
        try provider.wait(.seconds(40))
        #expect(provider.sent.isEmpty)
        #expect(provider.agent.counts.dialogs == 1)
    }

    @Test("Delayed offer: our 200 makes it, the ACK brings the answer")
    func delayedOffer() throws {
        var (provider, _, tag) = try ringing(body: [])
        try provider.act { $0.accept(Self.leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
        let ack = try provider.request(.ack, branch: "ack", toTag: tag, body: Array("v=0".utf8))
        try provider.deliver(.request(ack))
        #expect(provider.takeEvents() == [.answered(Self.leg, body: Array("v=0".utf8))])
    }

    @Test(
        "In a call: INFO and OPTIONS 200, SUBSCRIBE 405, unknown 501, another tag 481, an old number 500",
        arguments: [
            ("INFO", 200), ("OPTIONS", 200), ("SUBSCRIBE", 405), ("FROB", 501), ("PRACK", 481), ("NOTIFY", 489),
            ("REFER", 400),
        ])
    func inside(method: String, status: Int) throws {
        var (provider, _, tag) = try ringing(accepted: true)
        let method = try #require(SIPMethod(rawValue: method))
        try provider.deliver(.request(try provider.request(method, branch: "9", sequence: 9, toTag: tag)))
        #expect(try provider.takeResponse().status == status)
        try provider.deliver(.request(try provider.request(method, branch: "10", sequence: 10, toTag: "wrong")))
        #expect(try provider.takeResponse().status == (method == .options ? 200 : 481))
        try provider.deliver(.request(try provider.request(method, branch: "11", sequence: 8, toTag: tag)))
        #expect(try provider.takeResponse().status == 500)
    }

    @Test(
        "Out of a call, strangers are answered and cost nothing",
        arguments: [
            ("OPTIONS", 200), ("INVITE", 403), ("BYE", 481), ("REGISTER", 405), ("FROB", 501), ("CANCEL", 481),
        ])
    func strangers(method: String, status: Int) throws {
        var provider = try ready()
        let method = try #require(SIPMethod(rawValue: method))
        for number in 0..<50 {
            let request = try provider.request(method, branch: "s\(number)")
            try provider.deliver(.request(request), from: ScriptedProvider.stranger)
            #expect(provider.sent.last?.target == ScriptedProvider.stranger)
            let response = try provider.takeResponse()
            #expect(response.status == status)
            #expect(response.headers.to?.tag != nil)
            #expect(response.headers.topVia?.received == ScriptedProvider.stranger.host)
        }
        #expect(provider.agent.isEmpty)
        #expect(provider.events.isEmpty)
    }

    @Test("Refusals with their reasons: 480, 483, 420, 482, 415")
    func refusals() throws {
        var provider = ScriptedProvider()
        let invite = try provider.request(.invite, branch: "1", body: ScriptedProvider.offer)
        try provider.deliver(.request(invite))
        #expect(try provider.takeResponse().status == 480)
        provider = try ready()
        try provider.deliver(.request(try provider.request(.invite, branch: "2") { $0.headers.maxForwards = 0 }))
        #expect(try provider.takeResponse().status == 483)
        try provider.deliver(
            .request(try provider.request(.invite, branch: "3") { $0.headers.append(.require, "100rel, frob") }))
        let extended = try provider.takeResponse()
        #expect(extended.status == 420)
        #expect(extended.headers[.unsupported] == "frob")
        try provider.deliver(.request(invite))
        provider.sent = []
        let merged = try provider.request(.invite, branch: "4", body: ScriptedProvider.offer)
        try provider.deliver(.request(merged))
        #expect(try provider.takeResponse().status == 482)
        let mail = try provider.request(.invite, branch: "5", callID: "another") {
            $0.setBody([1, 2, 3], type: MediaType("text", "plain"))
        }
        try provider.deliver(.request(mail))
        #expect(try provider.takeResponse().status == 415)
    }

    @Test(
        "RFC 3261 §20.1 what the caller accepts: a session description, or 406",
        arguments: [
            ("text/nobodyKnowsThis", 406), ("", 406), ("application/sdp;level=1, text/html", 100),
            ("text/html;q=0.1 , Application/SDP", 100), ("*/*", 100), ("application/*;q=0.5", 100),
        ])
    func acceptance(accept: String, status: Int) throws {
        var provider = try ready()
        let invite = try provider.request(.invite, branch: "1", body: ScriptedProvider.offer) {
            $0.headers.append(.accept, accept)
        }
        try provider.deliver(.request(invite))
        #expect(try provider.takeResponse().status == status)
    }

    @Test("RFC 4475 §3.3.2, §3.3.11: OPTIONS for a scheme that nobody knows, and with its last hop here")
    func options() throws {
        var provider = try ready()
        var request = try provider.request(.options, branch: "1")
        request.uri = .other(scheme: "soap.beep", rest: "//192.0.2.103:3002")
        try provider.deliver(.request(request))
        #expect(try provider.takeResponse().status == 416)
        try provider.deliver(.request(try provider.request(.options, branch: "2") { $0.headers.maxForwards = 0 }))
        #expect(try provider.takeResponse().status == 200)
    }

    @Test("RFC 4475 §3.4.1 a caller older than branches may leave Contact out; a newer one may not")
    func formerCaller() throws {
        for (branch, status) in [("old", 100), ("\(Via.magicCookie)new", 400)] {
            var provider = try ready()
            var invite = try provider.request(.invite, branch: "1", body: ScriptedProvider.offer)
            invite.headers.removeAll(.contact)
            var via = try #require(invite.headers.topVia)
            via.branch = branch
            invite.headers.topVia = via
            try provider.deliver(.request(invite))
            #expect(try provider.takeResponse().status == status)
        }
    }

    @Test("A flood from the trunk itself stops at the cap: 503, and memory does not grow")
    func flood() throws {
        var provider = try ready()
        var statuses: [Int: Int] = [:]
        for number in 0..<3_000 {
            let invite = try provider.request(
                .invite, branch: "f\(number)", body: ScriptedProvider.offer, callID: "flood\(number)")
            try provider.deliver(.request(invite))
            statuses[try provider.takeResponse().status, default: 0] += 1
        }
        #expect(statuses == [100: 2_000, 503: 1_000])
        #expect(provider.agent.counts == (2_000, 2_000))
        // Nobody answers and nobody cancels: after three minutes all of them are refused, and forgotten.
        try provider.wait(.seconds(180 + 32))
        #expect(provider.agent.isEmpty)
    }
}
