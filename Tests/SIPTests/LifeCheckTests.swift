import SIP
import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §12.2.1.2 whether the other side of a call is still there")
struct LifeCheckTests {
    private static let leg = LegIdentifier(number: 1)

    private func check(_ provider: inout ScriptedProvider) throws {
        try provider.act { $0.checkLife(Self.leg, now: $1, using: &$2) }
    }

    @Test("Whatever it answers, it is there; one question at a time", arguments: [200, 405, 500, 603])
    func alive(status: Int) throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg)
        for _ in 0..<2 {
            try check(&provider)
            let question = try provider.takeRequest(.options)
            #expect(question.headers.to?.tag == "peer")
            try check(&provider)
            #expect(provider.sent.isEmpty)
            try provider.answer(question, status)
            try provider.wait(.seconds(40))
        }
        #expect(provider.takeEvents().isEmpty && provider.agent.counts.dialogs == 1)
    }

    @Test("481, 408 and silence end the call", arguments: [481, 408, 0])
    func gone(status: Int) throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg)
        try check(&provider)
        let question = try provider.takeRequest(.options)
        if status == 0 { try provider.wait(.seconds(32)) } else { try provider.answer(question, status) }
        #expect(provider.takeEvents() == [.ended(Self.leg, status == 481 ? .dialogLost : .vanished)])
        #expect(provider.sent.last?.message.request?.method == .bye)
        try provider.wait(.seconds(70))
        #expect(provider.agent.isEmpty)
    }

    @Test("A network that refuses once is asked again, and ends the call the second time")
    func refused() throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg)
        for round in 1...2 {
            try check(&provider)
            _ = try provider.takeRequest(.options)
            try provider.act { $0.transportFailed(to: ScriptedProvider.target, now: $1, using: &$2) }
            #expect(provider.takeEvents() == (round == 1 ? [] : [.ended(Self.leg, .vanished)]))
        }
    }

    @Test("Who takes no OPTIONS is asked by the session once more as it is")
    func refreshed() throws {
        var (provider, _) = try ScriptedProvider.called(Self.leg) { $0.allow = [.invite, .ack, .bye] }
        try check(&provider)
        let refresh = try provider.takeRequest(.invite)
        #expect(refresh.body == ScriptedProvider.offer)
        try provider.wait(.seconds(32))
        #expect(provider.takeEvents() == [.ended(Self.leg, .vanished)])
    }
}
