import SIPMessage
import Testing
import Wire

@testable import SIP

@Suite("RFC 4028 session timers")
struct SessionTimerTests {
    private static let leg = LegIdentifier(number: 7)

    private func called(
        _ expires: String?, updates: Bool = true
    ) throws -> (ScriptedProvider, SIPRequest) {
        try ScriptedProvider.called(Self.leg) { headers in
            if let expires { headers.append(.sessionExpires, expires) }
            headers.allow = updates ? [.invite, .update] : [.invite]
        }
    }

    @Test("The INVITE asks for half an hour, and 422 raises it")
    func intervalTooSmall() throws {
        var (provider, invite) = try ScriptedProvider.calling(Self.leg)
        #expect(invite.headers.sessionExpires == SessionExpires(interval: 1_800))
        #expect(invite.headers.minSE == 90 && invite.headers.supported.contains("timer"))
        var last = invite
        for minimum in [3_600, 7_200] {
            try provider.answer(last, 422) { $0.minSE = minimum }
            last = try #require(provider.sent.last?.message.request)
            #expect(last.method == .invite && last.headers.sessionExpires?.interval == minimum)
            #expect(last.headers.minSE == minimum && last.headers.callID == invite.headers.callID)
            provider.sent = []
        }
        #expect(last.headers.cseq == CSeq(3, .invite))
        try provider.answer(last, 422) { $0.minSE = 10_000 }
        guard case .ended(_, .rejected(422, _))? = provider.takeEvents().last else {
            Issue.record("a third raise is obeyed")
            return
        }
    }

    @Test("As refresher: UPDATE without a body at half time; each answer begins the time anew")
    func refresherByUpdate() throws {
        var (provider, _) = try called("200;refresher=uac")
        for round in 0..<4 {
            try provider.wait(.seconds(99))
            #expect(provider.sent.isEmpty)
            try provider.wait(.seconds(1))
            let update = try provider.takeRequest(.update)
            #expect(update.body.isEmpty)
            #expect(update.headers.sessionExpires == SessionExpires(interval: 200, refresher: .uac))
            #expect(update.headers.cseq?.number == UInt32(round) + 2)
            try provider.answer(update, 200) { $0.append(.sessionExpires, "200;refresher=uac") }
        }
        #expect(provider.takeEvents().isEmpty)
        // The other side wants no timer any more.
        try provider.wait(.seconds(100))
        try provider.answer(try provider.takeRequest(.update), 200)
        try provider.wait(.seconds(10_000))
        #expect(provider.sent.isEmpty && provider.agent.counts.dialogs == 1)
    }

    @Test("Where UPDATE is unknown or refused, re-INVITE with the same session refreshes", arguments: [true, false])
    func refresherByInvite(isRefused: Bool) throws {
        var (provider, _) = try called("200;refresher=uac", updates: isRefused)
        try provider.wait(.seconds(100))
        if isRefused {
            try provider.answer(try provider.takeRequest(.update), 405)
            try provider.wait(.zero)
        }
        let invite = try provider.takeRequest(.invite)
        #expect(invite.body == ScriptedProvider.offer, "the version did not change, so nothing did")
        try provider.answer(invite, 200, body: ScriptedProvider.offer) {
            $0.append(.sessionExpires, "200;refresher=uac")
        }
        _ = try provider.takeRequest(.ack)
        #expect(provider.takeEvents().isEmpty, "what did not change is no news")
        try provider.wait(.seconds(100))
        _ = try provider.takeRequest(.invite)
    }

    @Test("A refresh that fails is tried again, and at last the call ends by BYE with its own reason")
    func refreshFails() throws {
        var (provider, _) = try called("200;refresher=uac", updates: false)
        try provider.wait(.seconds(100))
        var refused = 0
        while let invite = provider.sent.lazy.compactMap(\.message.request).last(where: { $0.method == .invite }) {
            provider.sent = []
            try provider.answer(invite, 503)
            refused += 1
            provider.sent = []
            try provider.wait(.seconds(5))
        }
        #expect(refused == 14)
        #expect(provider.takeEvents() == [.ended(Self.leg, .sessionExpired)])
        let bye = try #require(provider.sent.first?.message.request)
        #expect(bye.method == .bye && bye.headers.reasons.first?.cause == 408)
    }

    @Test("As the other: without a refresh the call ends a little early; with one it lives")
    func notRefresher() throws {
        var (provider, invite) = try called("200;refresher=uas")
        try provider.wait(.seconds(167))
        try provider.deliver(
            .request(
                try provider.request(.update, inside: invite, sequence: 1) {
                    $0.headers.sessionExpires = SessionExpires(interval: 200, refresher: .uac)
                    $0.headers.append(.supported, "timer")
                }))
        let success = try provider.takeResponse()
        #expect(success.headers.sessionExpires == SessionExpires(interval: 200, refresher: .uac))
        #expect(success.headers.require == ["timer"])
        try provider.wait(.seconds(167))
        #expect(provider.sent.isEmpty)
        try provider.wait(.seconds(1))
        _ = try provider.takeRequest(.bye)
        #expect(provider.takeEvents() == [.ended(Self.leg, .sessionExpired)])
        try provider.wait(.seconds(40))
        #expect(provider.agent.isEmpty)
    }

    @Test(
        "Who refreshes, as the called side",
        arguments: [
            ("timer", "600", SessionExpires.Refresher.uac), ("timer", "600;refresher=uac", .uac),
            ("timer", "600;refresher=uas", .uas), ("", "600", .uas), ("", "600;refresher=uac", .uas),
            ("timer", "600;refresher=nonsense", .uac),
        ])
    func negotiation(supported: String, asked: String, refresher: SessionExpires.Refresher) throws {
        var (provider, _, success) = try ScriptedProvider.answered { request in
            request.headers.append(.sessionExpires, asked)
            if !supported.isEmpty { request.headers.append(.supported, supported) }
        }
        #expect(success.headers.sessionExpires == SessionExpires(interval: 600, refresher: refresher))
        #expect(success.headers.require == (refresher == .uac ? ["timer"] : []))
        try provider.wait(.seconds(301))
        #expect(provider.sent.isEmpty == (refresher == .uac))
    }

    @Test("No timer is forced on who asks for none, and less than 90 s is refused with 422")
    func bounds() throws {
        let (_, _, success) = try ScriptedProvider.answered()
        #expect(success.headers.sessionExpires == nil)
        var provider = try ScriptedProvider.ready()
        let brief = try provider.request(.invite, branch: "1", body: ScriptedProvider.offer) {
            $0.headers.append(.sessionExpires, "89")
            $0.headers.append(.supported, "timer")
        }
        try provider.deliver(.request(brief))
        let refusal = try provider.takeResponse()
        #expect(refusal.status == 422 && refusal.headers.minSE == 90)
        #expect(provider.agent.isEmpty)
    }

    @Test("Absurd intervals of a peer make no flood and no trap", arguments: ["0", "1", "4294967295", "9999999999999"])
    func absurd(interval: String) throws {
        var (provider, _) = try called("\(interval);refresher=uac")
        try provider.wait(.seconds(44))
        #expect(provider.sent.isEmpty)
    }
}
