import SIPMessage
import Testing
import Wire

@testable import SIP

@Suite("RFC 3262 reliable provisional responses")
struct ReliableProvisionalTests {
    private static let leg = LegIdentifier(number: 7)
    private static let body = Array("v=0\r\ns=early\r\n".utf8)

    @Test("The caller acknowledges in order, each once; what comes too early or again counts for nothing")
    func caller() throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg)
        #expect(invite.headers.supported.contains("100rel"))
        func reliable(_ number: UInt32, _ status: Int = 183, tag: String = "peer", body: [UInt8] = []) throws {
            try provider.answer(invite, status, tag: tag, body: body) {
                $0.append(.require, "100rel")
                $0.rSeq = number
                $0.contact = NameAddress(SIPURI(user: "gw", address: ScriptedProvider.target))
            }
        }
        try reliable(7_001, body: Self.body)
        let prack = try provider.takeRequest(.prack)
        #expect(prack.headers.rAck == RAck(rseq: 7_001, cseq: CSeq(1, .invite)))
        #expect(prack.headers.cseq == CSeq(2, .prack))
        #expect(prack.headers.to?.tag == "peer" && prack.uri.user == "gw")
        #expect(provider.takeEvents() == [.progress(Self.leg, body: Self.body)])
        try reliable(7_001, body: Self.body)
        try reliable(7_003, 180)
        #expect(provider.sent.isEmpty && provider.takeEvents().isEmpty)
        // Lost on its way: the transaction repeats it.
        try provider.wait(.milliseconds(500))
        #expect(try provider.takeRequest(.prack) == prack)
        try provider.answer(prack, 200)
        try reliable(7_002, 180)
        let second = try provider.takeRequest(.prack)
        #expect(second.headers.rAck?.rseq == 7_002 && second.headers.cseq == CSeq(3, .prack))
        // Another phone counts for itself.
        try reliable(5, tag: "other")
        #expect(try provider.takeRequest(.prack).headers.to?.tag == "other")
        try provider.answer(invite, 200)
        _ = try provider.takeRequest(.ack)
        try provider.hangUp(Self.leg)
        #expect(try provider.takeRequest(.bye).headers.cseq == CSeq(4, .bye))
    }

    private func ringing(
        required: Bool = true, offer: [UInt8] = ScriptedProvider.offer, prefers: Bool = false
    ) throws -> ScriptedProvider {
        var provider = try ScriptedProvider.ready(asksOwner: true) { $0.prefersReliableProvisional = prefers }
        let invite = try provider.request(.invite, branch: "1", body: offer) {
            $0.headers.append(required ? .require : .supported, "100rel")
        }
        try provider.deliver(.request(invite))
        provider.sent = []
        provider.events = []
        return provider
    }

    private func prack(
        _ provider: inout ScriptedProvider, _ response: SIPResponse, sequence: UInt32, body: [UInt8] = []
    ) throws {
        let number = try #require(response.headers.rSeq)
        let tag = try #require(response.headers.to?.tag)
        let request = try provider.request(
            .prack, branch: "p\(sequence)", sequence: sequence, toTag: tag, body: body
        ) {
            $0.headers.rAck = RAck(rseq: number, cseq: CSeq(1, .invite))
        }
        try provider.deliver(.request(request))
    }

    @Test("The callee repeats until PRACK comes, sends the next only then, and holds its 200 back")
    func callee() throws {
        var provider = try ringing()
        let leg = ScriptedProvider.inbound
        try provider.act { $0.progress(leg, body: ScriptedProvider.offer, now: $1, using: &$2) }
        let first = try provider.takeResponse()
        #expect(first.status == 183 && first.headers.require == ["100rel"] && first.headers.rSeq != nil)
        try provider.act { $0.ring(leg, now: $1, using: &$2) }
        try provider.act { $0.accept(leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
        #expect(provider.sent.isEmpty)
        try provider.wait(.seconds(1.6))
        #expect(provider.sent.map { $0.message.response } == [first, first])
        provider.sent = []
        try prack(&provider, first, sequence: 2)
        #expect(provider.sent.map { $0.message.response?.status } == [200, 180, 200])
        #expect(provider.sent[1].message.response?.headers.rSeq == first.headers.rSeq.map { $0 + 1 })
        #expect(provider.sent[2].message.response?.headers.cseq?.method == .invite)
        // The 200 overtook the PRACK to the 180.
        let ringing = try #require(provider.sent[1].message.response)
        provider.sent = []
        try prack(&provider, ringing, sequence: 3)
        #expect(try provider.takeResponse().status == 200)
        try prack(&provider, ringing, sequence: 4)
        #expect(try provider.takeResponse().status == 481)
    }

    @Test("Nobody acknowledges: after 64·T1 the call is refused with 504")
    func nobodyAcknowledges() throws {
        var provider = try ringing()
        try provider.act { $0.ring(ScriptedProvider.inbound, now: $1, using: &$2) }
        provider.sent = []
        try provider.wait(.seconds(32))
        #expect(provider.sent.dropLast().count == 6)
        #expect(provider.sent.last?.message.response?.status == 504)
        #expect(provider.takeEvents() == [.ended(ScriptedProvider.inbound, .acknowledgementMissing)])
        try provider.wait(.seconds(33))
        #expect(provider.agent.isEmpty)
    }

    @Test("Only who asks, or whom the trunk's setting serves, gets reliable responses")
    func wanted() throws {
        for (required, prefers, isReliable) in [(true, false, true), (false, false, false), (false, true, true)] {
            var provider = try ringing(required: required, prefers: prefers)
            try provider.act { $0.ring(ScriptedProvider.inbound, now: $1, using: &$2) }
            #expect(try provider.takeResponse().headers.require.contains("100rel") == isReliable)
        }
    }

    @Test("Without an offer in the INVITE, 183 makes it, PRACK answers, and the 200 says nothing more")
    func offerInProvisional() throws {
        var provider = try ringing(offer: [])
        let leg = ScriptedProvider.inbound
        try provider.act { $0.ring(leg, now: $1, using: &$2) }
        #expect(provider.sent.isEmpty, "a reliable 180 without an offer is not allowed")
        try provider.act { $0.progress(leg, body: ScriptedProvider.offer, now: $1, using: &$2) }
        try prack(&provider, try provider.takeResponse(), sequence: 2, body: Self.body)
        #expect(provider.takeEvents() == [.agreed(leg, answer: Self.body)])
        #expect(try provider.takeResponse().status == 200)
        try provider.act { $0.accept(leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
        #expect(try provider.takeResponse().body.isEmpty)
    }

    @Test("A PRACK with a new offer is the owner's to answer; UPDATE while it rings too")
    func offersWhileRinging() throws {
        var provider = try ringing()
        let leg = ScriptedProvider.inbound
        try provider.act { $0.progress(leg, body: ScriptedProvider.offer, now: $1, using: &$2) }
        let response = try provider.takeResponse()
        let tag = try #require(response.headers.to?.tag)
        let early = try provider.request(.update, branch: "e", sequence: 2, toTag: tag, body: Self.body)
        try provider.deliver(.request(early))
        #expect(try provider.takeResponse().status == 500, "the first offer is not answered reliably yet")
        try prack(&provider, response, sequence: 3, body: Self.body)
        #expect(provider.takeEvents() == [.offered(leg, offer: Self.body)])
        #expect(provider.sent.isEmpty)
        try provider.act { $0.answer(leg, body: ScriptedProvider.offer, now: $1, using: &$2) }
        let answer = try provider.takeResponse()
        #expect(answer.status == 200 && answer.headers.cseq?.method == .prack)
        #expect(answer.body == ScriptedProvider.offer)
        let update = try provider.request(.update, branch: "u", sequence: 4, toTag: tag, body: Self.body)
        try provider.deliver(.request(update))
        #expect(provider.takeEvents() == [.offered(leg, offer: Self.body)])
        try provider.act { $0.refuseOffer(leg, now: $1, using: &$2) }
        #expect(try provider.takeResponse().status == 488)
    }
}
