import Call
import Control
import Media
import SIP
import SIPMessage
import SIPTransport
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: before the answer, and why calls end", .serialized)
struct EarlyMediaTests {
    @Test("An announced sound leaves the ringing here until it really comes")
    func announced() async throws {
        let box = try await Box.open()
        let page = await box.page()
        guard
            case .media(let call, _) = await box.switchboard.handle(
                .start(connection: page, to: Redacted("100"), offer: Box.offer))
        else {
            Issue.record("no call")
            return
        }
        try await box.wait("INVITE") { box.provider.request(.invite) != nil }
        let invite = try #require(box.provider.request(.invite))
        var progress = SIPResponse(to: invite, status: 183, toTag: "provider")
        progress.setBody(session())
        box.provider.transport.send(progress.serialized(), to: SIPPeer(.udp, box.transport.localAddress))
        try await box.wait("ringing") { await box.switchboard.calls[call]?.call.publicState == .ringing }
        let leg = try #require(await box.switchboard.calls[call]?.trunkLeg)
        #expect(await box.switchboard.calls[call]?.trunkAudio != nil)
        await box.switchboard.take(.firstPacket(leg))
        #expect(await box.switchboard.calls[call]?.call.publicState == .early)
        try await box.wait("the news of it") { await box.kinds(of: call).contains(.callEarly) }
        await box.close()
    }

    @Test("A call that comes without an offer and is never told an answer ends")
    func noAnswer() async throws {
        let box = try await Box.open()
        let page = await box.page()
        box.provider.call(box.transport.localAddress, withOffer: false)
        try await box.wait("ringing") { box.incoming(page) != nil }
        let call = try #require(box.incoming(page))
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        _ = await box.switchboard.handle(.answer(connection: page, call: call))
        try await box.wait("200") { box.provider.finalStatus == 200 }
        box.provider.acknowledgeCall(
            try #require(box.provider.response(.invite, 1)), box.transport.localAddress)
        try await box.wait("the end") { box.end(of: call, on: page) == .noCommonCodec }
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("A provider that falls silent is asked whether it is there; a call on hold is left in peace for longer")
    func vanished() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.talk(page)
        let leg = try #require(await box.switchboard.calls[call]?.trunkLeg)
        await box.switchboard.take(.nothingHeard(leg, for: .seconds(30)))
        try await box.wait("the question") { box.provider.count(.options) == 1 }
        _ = await box.switchboard.handle(.hold(connection: page, call: call, wanted: true))
        await box.switchboard.take(.nothingHeard(leg, for: .seconds(90)))
        #expect(await box.switchboard.calls[call]?.call.publicState == .active)
        for method in [SIPMethod.options, .bye, .register] { box.provider.refuse(method, with: 0) }
        // The first one's answer may still be on its way.
        try await box.wait("the second question") {
            await box.switchboard.take(.nothingHeard(leg, for: .seconds(120)))
            return box.provider.count(.options) == 2
        }
        await box.switchboard.letPass(.seconds(33))
        try await box.wait("the end") { box.end(of: call, on: page) == .providerGone }
        await box.close()
    }

    @Test(
        "Each end has its reason",
        arguments: [
            (LegEnd.sessionExpired, EndReason.sessionExpired), (.dialogLost, .dialogLost), (.replaced, .replaced),
            (.vanished, .providerGone),
            (.rejected(status: 302, reason: ""), .redirected), (.rejected(status: 486, reason: ""), .busy),
            (.remoteHangUp, .hungUpThere), (.noReply, .providerSilent),
        ])
    func reasons(end: LegEnd, reason: EndReason) {
        #expect(EndReason(end) == reason)
    }

    @Test(
        "What the telephone network says outranks a status that stands for many",
        arguments: [
            (480, 17, EndReason.busy), (503, 1, .wrongNumber), (500, 34, .providerOverloaded), (480, 19, .noAnswer),
            (480, 16, .unavailable), (404, 17, .wrongNumber), (503, 21, .declined),
        ])
    func causes(status: Int, cause: Int, reason: EndReason) {
        let said = SIPReason(protocolName: "Q.850", cause: cause)
        #expect(EndReason(.rejected(status: status, reason: ""), cause: said) == reason)
    }

    @Test("A caller's other telephone that was faster is no caller who gave up")
    func elsewhere() {
        let said = SIPReason(protocolName: "SIP", cause: 200)
        #expect(EndReason(.cancelledByRemote, cause: said) == .answeredElsewhere)
        #expect(EndReason(.cancelledByRemote, cause: SIPReason(protocolName: "Q.850", cause: 200)) == .cancelled)
    }
}
