import Call
import Control
import Media
import SIPMessage
import SIPTransport
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: pages that are lost in a call and come back", .serialized)
struct LostPageTests {
    private func started(_ box: Box, _ page: ConnectionIdentifier) async throws -> CallIdentifier {
        guard
            case .media(let call, _) = await box.switchboard.handle(
                .start(connection: page, to: Redacted("100"), offer: Box.offer))
        else { throw Box.TookTooLong(what: "the start of a call") }
        try await box.wait("INVITE") { box.provider.request(.invite) != nil }
        return call
    }

    @Test("A call goes on without its page, which finds it when it comes back as the same user")
    func comesBack() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await started(box, page)
        #expect(await box.switchboard.handle(.detach(connection: page, closed: false)) == .done)
        #expect(await box.switchboard.calls[call] != nil)

        let stranger = await box.switchboard.handle(.attach(connection: page, user: "other"))
        #expect(stranger == .failed(Switchboard.otherUser))
        guard case .attached(let found) = await box.switchboard.handle(.attach(connection: page, user: "admin")) else {
            Issue.record("the page cannot come back")
            return
        }
        #expect(found.calls.map(\.call) == [call])
        #expect(found.calls.map(\.state) == [.dialling])
        #expect(await box.switchboard.phones[page]?.isLost == false)
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.wait("the end") { await box.switchboard.calls.isEmpty }
        await box.close()
    }

    @Test("What ended meanwhile is told with its reason, once")
    func endedMeanwhile() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await started(box, page)
        _ = await box.switchboard.handle(.detach(connection: page, closed: false))
        await box.switchboard.update(call) { $0.farEnded(.busy) }
        #expect(await box.switchboard.calls.isEmpty)
        let first = await box.switchboard.handle(.attach(connection: page, user: "admin"))
        #expect(first == .attached(AttachedPhone(ended: [.init(call: call, reason: .busy)])))
        let second = await box.switchboard.handle(.attach(connection: page, user: "admin"))
        #expect(second == .attached(AttachedPhone()))
        await box.close()
    }

    @Test("A page that stays away for 120 s, or whose sound ends, has no call any more", arguments: [true, false])
    func staysAway(silently: Bool) async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await started(box, page)
        _ = await box.switchboard.handle(.detach(connection: page, closed: false))
        await box.switchboard.forgetLost(now: .now() + .seconds(119))
        #expect(await box.switchboard.calls[call] != nil)
        if silently {
            await box.switchboard.forgetLost(now: .now() + .seconds(121))
            #expect(await box.switchboard.phones[page] == nil)
        } else {
            let leg = try #require(await box.switchboard.calls[call]?.browserLeg(of: page))
            await box.switchboard.take(.consentLost(leg))
        }
        #expect(await box.switchboard.calls.isEmpty)
        await box.close()
    }

    @Test("A lost page is not rung, and one that said goodbye ends its call at once")
    func notRung() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await started(box, page)
        _ = await box.switchboard.handle(.detach(connection: page, closed: false))
        await box.switchboard.update(call) { $0.farEnded(.busy) }
        // It has no call now, but nobody is there either.
        box.provider.call(box.transport.localAddress)
        try await box.wait("480") { box.provider.finalStatus == 480 }
        let other = await box.page()
        let second = try await started(box, other)
        _ = await box.switchboard.handle(.detach(connection: other, closed: true))
        #expect(await box.switchboard.calls[second] == nil)
        await box.close()
    }

    @Test("A page that is lost while it rings no longer rings")
    func lostWhileRinging() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        _ = await box.switchboard.handle(.detach(connection: page, closed: false))
        try await box.wait("480") { box.provider.finalStatus == 480 }
        #expect(await box.switchboard.phones[page] == nil)
        try await box.expectNothingLeft()
        await box.close()
    }
}
