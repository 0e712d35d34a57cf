import Call
import Control
import Media
import SIPMessage
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: legs and calls", .serialized)
struct SwitchboardTests {
    @Test("A page whose sound came up while it rang keeps the call after the answer")
    func soundBeforeAnswer() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        guard case .media = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer)) else {
            Issue.record("the page could not join")
            return
        }
        let leg = try #require(await box.switchboard.calls[call]?.browserLeg(of: page))
        await box.switchboard.take(.connected(leg))
        // The second time is a double click.
        for _ in 0..<2 {
            #expect(await box.switchboard.handle(.answer(connection: page, call: call)) == .done)
            #expect(await box.switchboard.calls[call]?.call.publicState == .active)
            #expect(await box.switchboard.calls[call]?.soundDeadline == nil)
        }
        try await box.wait("200") { box.provider.finalStatus == 200 }
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        #expect(box.end(of: call, on: page) == nil || box.end(of: call, on: page) == .hungUpHere)
        await box.close()
    }

    @Test("A page whose sound is not up at the answer has 15 s for it")
    func soundAfterAnswer() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        #expect(await box.switchboard.handle(.answer(connection: page, call: call)) == .done)
        let leg = try #require(await box.switchboard.calls[call]?.browserLeg(of: page))
        #expect(await box.switchboard.calls[call]?.soundDeadline != nil)
        await box.switchboard.take(.connected(leg))
        #expect(await box.switchboard.calls[call]?.soundDeadline == nil)
        await box.close()
    }

    @Test("An inbound call is refused when the last page that rings goes", arguments: [true, false])
    func lastPageGoes(hasJoined: Bool) async throws {
        let box = try await Box.open()
        let (page, other) = (await box.page(), await box.page())
        let call = try await box.ring(page)
        if hasJoined {
            for each in [page, other] {
                _ = await box.switchboard.handle(.offer(connection: each, call: call, offer: Box.offer))
            }
        }
        _ = await box.switchboard.handle(.detach(connection: other, departure: .signedOff))
        #expect(await box.switchboard.calls[call]?.call.publicState == .ringing)
        _ = await box.switchboard.handle(.detach(connection: page, departure: .signedOff))
        try await box.wait("480") { box.provider.finalStatus == 480 }
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("An inbound call is refused when the sound of the only page that rings fails")
    func onlyPageFails() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        let leg = try #require(await box.switchboard.calls[call]?.browserLeg(of: page))
        await box.switchboard.take(.failed(leg, Problem(code: "test", sentence: "No way.")))
        try await box.wait("480") { box.provider.finalStatus == 480 }
        try await box.wait("the page's news") { box.end(of: call, on: page) == .mediaFailed }
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("A call whose telephone side has no sound ends, and nothing of it is left")
    func trunkLegFails() async throws {
        let box = try await Box.open()
        let page = await box.page()
        guard
            case .media(let call, _) = await box.switchboard.handle(
                .start(connection: page, to: Redacted("100"), offer: Box.offer))
        else {
            Issue.record("the call could not be started")
            return
        }
        try await box.wait("INVITE") { box.provider.request(.invite) != nil }
        let leg = try #require(await box.switchboard.calls[call]?.trunkLeg)
        await box.switchboard.take(.failed(leg, Problem(code: "test", sentence: "No way.")))
        try await box.wait("the page's news") { box.end(of: call, on: page) == .internalError }
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("Stopping refuses what rings")
    func stopWhileRinging() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        await box.switchboard.stop()
        try await box.wait("503") { box.provider.finalStatus == 503 }
        #expect(box.end(of: call, on: page) == .boxStopping)
        try await box.expectNothingLeft()
        await box.close()
    }
}
