import Call
import Control
import Media
import SIPMessage
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: what a call reserved is free again, however it ends", .serialized)
struct ReservationTests {
    private static let rules = "country = \"DE\"\ncalls_at_once_per_user = 2\nnew_calls_per_minute_per_user = 60"

    private func start(_ box: Box, _ page: ConnectionIdentifier) async throws -> CallIdentifier {
        let reply = await box.switchboard.handle(
            .start(connection: page, to: Redacted("030 1234567"), offer: Box.offer))
        guard case .media(let call, _) = reply else { throw Box.TookTooLong(what: "the call: \(reply)") }
        #expect(await running(box) == 1)
        return call
    }

    private func running(_ box: Box) async -> Int { await box.switchboard.dialling.runningCount }

    private func expectNothing(_ box: Box, _ how: String) async throws {
        try await box.wait("the reservation to be free after: \(how)") { await running(box) == 0 }
        try await box.expectNothingLeft()
    }

    @Test("Given up, refused, redirected, ended by either side, unanswered, without sound, with a lost page")
    func outbound() async throws {
        let box = try await Box.open(dialling: Self.rules)
        let page = await box.page()
        let near: @Sendable (CallIdentifier) async -> LegIdentifier? = { call in
            await box.switchboard.calls[call]?.browserLeg(of: page)
        }

        var call = try await start(box, page)
        _ = await box.switchboard.handle(.end(connection: page, call: call))
        // Its CANCEL waits for an answer to the INVITE.
        try await box.wait("given up") { await running(box) == 0 }
        await box.switchboard.letPass(.seconds(40))
        try await expectNothing(box, "given up")

        let refusals = [
            (486, EndReason.busy), (302, .redirected), (402, .creditExhausted), (503, .providerOverloaded),
        ]
        for (status, reason) in refusals {
            box.provider.refuse(.invite, with: status)
            call = try await start(box, page)
            try await box.wait("the page's news") { box.end(of: call, on: page) == reason }
            try await expectNothing(box, "\(status)")
        }
        // A redirection was not followed: each INVITE went to what was dialled.
        #expect(box.provider.request(.invite)?.uri.sip?.user == "+49301234567")
        #expect(box.provider.count(.invite) == 5)
        box.provider.refuse(.invite, with: nil)
        box.provider.answersCalls.store(true, ordering: .relaxed)

        let ends: [(String, @Sendable (CallIdentifier) async throws -> Void)] = [
            ("hung up here", { _ = await box.switchboard.handle(.end(connection: page, call: $0)) }),
            ("hung up at the terminal", { _ = await box.switchboard.handle(.hangUp(call: $0)) }),
            ("hung up there", { await box.switchboard.update($0) { $0.farEnded(.hungUpThere) } }),
            ("unanswered", { await box.switchboard.update($0) { $0.terminate(.noAnswer) } }),
            (
                "its page's sound failed",
                {
                    let leg = try #require(await near($0))
                    await box.switchboard.take(.failed(leg, Problem(code: "test", sentence: "No way.")))
                }
            ),
            (
                "its page's sound ended",
                {
                    let leg = try #require(await near($0))
                    await box.switchboard.take(.consentLost(leg))
                    await box.switchboard.takeWhatIsDue(at: .now() + .seconds(16))
                }
            ),
            (
                "the provider's sound failed",
                {
                    let leg = try #require(await box.switchboard.calls[$0]?.trunkLeg)
                    await box.switchboard.take(.failed(leg, Problem(code: "test", sentence: "No way.")))
                }
            ),
        ]
        for (how, end) in ends {
            call = try await start(box, page)
            try await box.wait("the answer") { await box.switchboard.calls[call]?.call.publicState == .active }
            try await end(call)
            try await box.wait("free after: \(how)") { await running(box) == 0 }
            #expect(await box.switchboard.calls.isEmpty, "\(how)")
            await box.switchboard.letPass(.seconds(40))
        }
        call = try await start(box, page)
        _ = await box.switchboard.handle(.detach(connection: page, departure: .signedOff))
        try await box.wait("free after the page went") { await running(box) == 0 }
        let last = await box.page()
        _ = try await start(box, last)
        await box.switchboard.stop()
        #expect(await running(box) == 0)
        await box.close()
    }

    @Test(
        "A call that cannot begin reserves nothing: no ports, no offer, no provider; a summons that is declined neither"
    )
    func neverBegun() async throws {
        let box = try await Box.open(dialling: Self.rules)
        let page = await box.page()
        var settings = try Box.settings(provider: box.provider, dialling: Self.rules)
        let ports = settings.media.ports
        settings.media.ports = 33_990...33_991
        _ = await box.switchboard.apply(settings)
        let call = try await start(box, page)
        let other = await box.page()
        let refused = await box.switchboard.handle(
            .start(connection: other, to: Redacted("030 1234567"), offer: Box.offer))
        guard case .failed(let problem) = refused else {
            Issue.record("not refused: \(refused)")
            return
        }
        #expect(problem.code == "media.no-free-port")
        #expect(await box.switchboard.handle(.summon(to: Redacted("030 1234567"))) == .failed(problem))
        #expect(await running(box) == 1)
        _ = await box.switchboard.handle(.end(connection: page, call: call))
        settings.media.ports = ports
        _ = await box.switchboard.apply(settings)
        _ = await box.switchboard.handle(
            .start(connection: page, to: Redacted("030 1234567"), offer: Redacted("v=0\r\n")))
        #expect(await running(box) == 0)

        guard case .call(let summoned) = await box.switchboard.handle(.summon(to: Redacted("030 1234567"))) else {
            Issue.record("not summoned")
            return
        }
        #expect(await running(box) == 1)
        _ = await box.switchboard.handle(.end(connection: page, call: summoned))
        _ = await box.switchboard.handle(.end(connection: other, call: summoned))
        #expect(await running(box) == 0)

        settings.trunk = nil
        _ = await box.switchboard.apply(settings)
        for _ in 0..<100 {
            let reply = await box.switchboard.handle(
                .start(connection: page, to: Redacted("030 1234567"), offer: Box.offer))
            #expect(reply == .failed(EndReason.noTrunk.problem))
        }
        #expect(await running(box) == 0)
        await box.close()
    }

    @Test("A transfer is decided as the owner of the call, counts as a call, and is free again with it")
    func transfers() async throws {
        let box = try await Box.open(dialling: Self.rules)
        let page = await box.page()
        let call = try await box.ring(page)
        let refusal: @Sendable (CallIdentifier, String) async -> Problem? = { call, text in
            guard case .failure(let problem) = await box.switchboard.mayTransfer(call, to: text) else { return nil }
            return problem
        }
        // Nobody has picked up, so nobody would pay.
        #expect(await refusal(call, "030 1234567") == DiallingRefusal.nobodysCall.problem)
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        #expect(await box.switchboard.handle(.answer(connection: page, call: call)) == .done)
        #expect(await running(box) == 0)
        #expect(await refusal(call, "0900 1234567") == DiallingRefusal.premium.problem)
        #expect(await refusal(call, "+43 1 5134555") == DiallingRefusal.country.problem)
        #expect(await refusal(call, "*43") == DiallingRefusal.notANumber.problem)
        var permits: [TransferPermit] = []
        for _ in 0..<2 {
            let permit = try await box.switchboard.mayTransfer(call, to: "030 1234567").get()
            #expect(permit.dialled.revealed == "+49301234567")
            permits.append(permit)
        }
        #expect(await running(box) == 2)
        #expect(await refusal(call, "030 1234567") == DiallingRefusal.userBusy.problem)
        await box.switchboard.release(try #require(permits.first).call)
        #expect(await running(box) == 1)
        _ = await box.switchboard.handle(.end(connection: page, call: call))
        #expect(await running(box) == 0)
        #expect(await refusal(call, "030 1234567") == DiallingRefusal.nobodysCall.problem)
        await box.close()
    }
}
