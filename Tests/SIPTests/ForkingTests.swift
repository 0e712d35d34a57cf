import SIP
import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §13.2.2 one INVITE, several phones")
struct ForkingTests {
    private static let leg = LegIdentifier(number: 7)

    private static func session(_ name: String) -> [UInt8] { Array("v=0\r\ns=\(name)\r\n".utf8) }

    @Test("The newest early media counts, a repetition is no news, and the answer's own description wins")
    func earlyMedia() throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg)
        try provider.answer(invite, 183, tag: "one", body: Self.session("one"))
        try provider.answer(invite, 180, tag: "two")
        try provider.answer(invite, 183, tag: "two", body: Self.session("two"))
        try provider.answer(invite, 183, tag: "one", body: Self.session("one"))
        try provider.answer(invite, 183, tag: "one", body: Self.session("later"))
        #expect(
            provider.takeEvents() == [
                .progress(Self.leg, body: Self.session("one")), .ringing(Self.leg),
                .progress(Self.leg, body: Self.session("two")), .progress(Self.leg, body: Self.session("later")),
            ])
        // The second phone answers and has said already where its sound goes.
        try provider.answer(invite, 200, tag: "two")
        #expect(provider.takeEvents() == [.answered(Self.leg, body: Self.session("two"))])
        #expect(try provider.takeRequest(.ack).headers.to?.tag == "two")
    }

    enum Occurrence: String, CaseIterable {
        case hangUpFirst, secondAnswersFirst, rejectedAfterEarly, cancelledThenTwoAnswers, answeredTwiceThenHangUp
    }

    @Test("A forked call ends properly in each order of events", arguments: Occurrence.allCases)
    func orders(_ occurrence: Occurrence) throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg)
        try provider.answer(invite, 183, tag: "one", body: Self.session("one"))
        try provider.answer(invite, 183, tag: "two", body: Self.session("two"))
        _ = provider.takeEvents()
        func methods() -> [SIPMethod?] {
            defer { provider.sent = [] }
            return provider.sent.map { $0.message.request?.method }
        }
        switch occurrence {
        case .hangUpFirst:
            try provider.hangUp(Self.leg)
            #expect(methods() == [.cancel])
            try provider.answer(invite, 487, tag: "one")
        case .secondAnswersFirst:
            try provider.answer(invite, 200, tag: "two")
            #expect(provider.takeEvents() == [.answered(Self.leg, body: Self.session("two"))])
            #expect(methods() == [.ack])
            // Too late for the first.
            try provider.answer(invite, 183, tag: "one", body: Self.session("late"))
            #expect(provider.takeEvents().isEmpty)
            try provider.answer(invite, 200, tag: "one")
            #expect(provider.sent.map { $0.message.request?.headers.to?.tag } == ["one", "one"])
            #expect(methods() == [.ack, .bye])
            try provider.hangUp(Self.leg)
            #expect(provider.sent.first?.message.request?.headers.to?.tag == "two")
        case .rejectedAfterEarly:
            try provider.answer(invite, 486, tag: "one")
            #expect(provider.takeEvents() == [.ended(Self.leg, .rejected(status: 486, reason: "Busy Here"))])
        case .cancelledThenTwoAnswers:
            try provider.hangUp(Self.leg)
            #expect(methods() == [.cancel])
            for tag in ["one", "two", "one"] { try provider.answer(invite, 200, tag: tag) }
            #expect(methods() == [.ack, .bye, .ack, .bye, .ack])
        case .answeredTwiceThenHangUp:
            for tag in ["one", "two"] { try provider.answer(invite, 200, tag: tag) }
            #expect(methods() == [.ack, .ack, .bye])
            try provider.hangUp(Self.leg)
            #expect(methods() == [.bye])
            try provider.answer(invite, 200, tag: "three")
            #expect(methods() == [.ack, .bye])
        }
        try provider.wait(.seconds(70))
        #expect(provider.agent.isEmpty)
        #expect(provider.agent.nextDeadline == nil)
    }

    @Test(
        "A 200 whose way back cannot be read is acknowledged and hung up at once, and once",
        arguments: [("Record-Route", "<<<"), ("Contact", "\"half <sip:x")])
    func unreadable(name: String, value: String) throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg)
        for _ in 0..<2 {
            try provider.answer(invite, 200, body: Self.session("one")) {
                $0.append(SIPHeaderName(name) ?? .contact, value)
            }
        }
        #expect(provider.takeEvents() == [.ended(Self.leg, .protocolError)])
        #expect(provider.sent.map { $0.message.request?.method } == [.ack, .bye, .ack])
        #expect(provider.sent.allSatisfy { $0.target == ScriptedProvider.target })
        #expect(provider.sent[1].message.request?.headers.to?.tag == "peer")
        // So does a second phone's.
        provider.sent = []
        try provider.answer(invite, 200, tag: "two") { $0.append(SIPHeaderName(name) ?? .contact, value) }
        #expect(provider.sent.map { $0.message.request?.method } == [.ack, .bye])
        try provider.wait(.seconds(70))
        #expect(provider.agent.isEmpty)
    }

    @Test("A BYE to an answer that came too late counts on from the PRACKs before it", arguments: [true, false])
    func numbersAfterPrack(isCancelled: Bool) throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg)
        for number in [5, 6] as [UInt32] {
            try provider.answer(invite, 183, tag: "one") {
                $0.append(.require, "100rel")
                $0.rSeq = number
            }
        }
        #expect(provider.sent.last?.message.headers.cseq == CSeq(3, .prack))
        if isCancelled { try provider.hangUp(Self.leg) } else { try provider.answer(invite, 200, tag: "two") }
        provider.sent = []
        try provider.answer(invite, 200, tag: "one")
        #expect(provider.sent.map { $0.message.headers.cseq } == [CSeq(1, .ack), CSeq(4, .bye)])
    }

    @Test("More phones than sixteen are not followed, and the call goes on")
    func manyPhones() throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg)
        for number in 0..<100 { try provider.answer(invite, 180, tag: "phone\(number)") }
        #expect(provider.takeEvents() == [.ringing(Self.leg)])
        try provider.answer(invite, 200, tag: "phone99", body: Self.session("x"))
        #expect(provider.takeEvents() == [.answered(Self.leg, body: Self.session("x"))])
    }
}
