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

    /// A box with one page, in a call that is being dialled.
    private func begun() async throws -> (Box, ConnectionIdentifier, CallIdentifier, LegIdentifier) {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await started(box, page)
        return (box, page, call, try #require(await box.switchboard.calls[call]?.browserLeg(of: page)))
    }

    @Test("A call goes on without its page, which finds it when it comes back as the same user")
    func comesBack() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await started(box, page)
        #expect(await box.switchboard.handle(.detach(connection: page, departure: .lost)) == .done)
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
        _ = await box.switchboard.handle(.detach(connection: page, departure: .lost))
        await box.switchboard.update(call) { $0.farEnded(.busy) }
        #expect(await box.switchboard.calls.isEmpty)
        let first = await box.switchboard.handle(.attach(connection: page, user: "admin"))
        #expect(first == .attached(AttachedPhone(ended: [.init(call: call, reason: .busy)])))
        let second = await box.switchboard.handle(.attach(connection: page, user: "admin"))
        #expect(second == .attached(AttachedPhone()))
        await box.close()
    }

    @Test(
        "A page that stays away has no call any more: after 120 s if it was lost, its sound or not, after 4 s if it was closed",
        arguments: [(PhoneDeparture.lost, false, 120), (.lost, true, 120), (.closed, true, 4)])
    func staysAway(departure: PhoneDeparture, isSoundLost: Bool, seconds: Int) async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await started(box, page)
        _ = await box.switchboard.handle(.detach(connection: page, departure: departure))
        if isSoundLost {
            let leg = try #require(await box.switchboard.calls[call]?.browserLeg(of: page))
            await box.switchboard.take(.consentLost(leg))
            let deadline = try #require(await box.switchboard.calls[call]?.soundDeadline)
            #expect(deadline > .now() + .seconds(seconds - 1))
        }
        await box.switchboard.forgetLost(now: .now() + .seconds(seconds - 1))
        #expect(await box.switchboard.calls[call] != nil)
        await box.switchboard.forgetLost(now: .now() + .seconds(seconds + 1))
        #expect(await box.switchboard.phones[page] == nil)
        #expect(await box.switchboard.calls.isEmpty)
        await box.close()
    }

    @Test("A page that is there but whose sound is gone makes it anew within 15 s, or the call ends")
    func makesSoundAnew() async throws {
        let (box, page, call, leg) = try await begun()
        await box.switchboard.take(.connected(leg))
        await box.switchboard.take(.consentLost(leg))
        #expect(await box.switchboard.calls[call] != nil)

        let reply = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        guard case .media(call, _) = reply else {
            Issue.record("the new offer is refused: \(reply)")
            return
        }
        let next = try #require(await box.switchboard.calls[call]?.browserLeg(of: page))
        #expect(next != leg)
        #expect(await box.switchboard.calls[call]?.call.near == [next])
        #expect(await box.switchboard.calls[call]?.browserLegs.count == 1)
        // What is told late of the former leg is nobody's.
        await box.switchboard.take(.consentLost(leg))
        await box.switchboard.take(.connected(next))
        #expect(await box.switchboard.calls[call]?.soundDeadline == nil)

        await box.switchboard.take(.consentLost(next))
        await box.switchboard.takeWhatIsDue(at: .now() + .seconds(14))
        #expect(await box.switchboard.calls[call] != nil)
        await box.switchboard.takeWhatIsDue(at: .now() + .seconds(16))
        #expect(await box.switchboard.calls.isEmpty)
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("However often a page tries, a call that nobody hears ends after 120 s")
    func triesWithoutEnd() async throws {
        let (box, page, call, leg) = try await begun()
        await box.switchboard.take(.connected(leg))
        await box.switchboard.take(.consentLost(leg))
        await box.switchboard.take(.consentBack(leg))
        #expect(await box.switchboard.calls[call]?.soundDeadline == nil)

        await box.switchboard.take(.consentLost(leg))
        let lostAt = try #require(await box.switchboard.calls[call]?.soundLostAt)
        for _ in 0..<20 {
            _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
            _ = await box.switchboard.handle(.detach(connection: page, departure: .lost))
            _ = await box.switchboard.handle(.attach(connection: page, user: "admin"))
        }
        #expect(await box.switchboard.calls[call]?.soundLostAt == lostAt)
        let deadline = try #require(await box.switchboard.calls[call]?.soundDeadline)
        #expect(deadline <= lostAt + .seconds(120))
        await box.close()
    }

    @Test("A page that closes its sound has hung up, unless it is being loaded anew, which closes it as well")
    func closesItsSound() async throws {
        let (box, page, call, leg) = try await begun()
        await box.switchboard.take(.goodbye(leg))
        _ = await box.switchboard.handle(.detach(connection: page, departure: .closed))
        await box.switchboard.takeWhatIsDue(at: .now() + .seconds(3))
        #expect(await box.switchboard.calls[call] != nil)
        _ = await box.switchboard.handle(.attach(connection: page, user: "admin"))
        await box.switchboard.takeWhatIsDue(at: .now() + .seconds(14))
        #expect(await box.switchboard.calls[call] != nil)
        await box.switchboard.take(.goodbye(leg))
        await box.switchboard.takeWhatIsDue(at: .now() + .seconds(3))
        #expect(await box.switchboard.calls.isEmpty)
        await box.close()
    }

    @Test("A stranger's page cannot take over the sound of a call")
    func strangersOffer() async throws {
        let box = try await Box.open()
        let (page, stranger) = (await box.page(), await box.page())
        let call = try await started(box, page)
        let leg = await box.switchboard.calls[call]?.browserLeg(of: page)
        let reply = await box.switchboard.handle(.offer(connection: stranger, call: call, offer: Box.offer))
        #expect(reply == .failed(Switchboard.noSuchCall))
        #expect(await box.switchboard.calls[call]?.browserLeg(of: page) == leg)
        await box.close()
    }

    @Test("A lost page is not rung, and one that said goodbye ends its call at once")
    func notRung() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await started(box, page)
        _ = await box.switchboard.handle(.detach(connection: page, departure: .lost))
        await box.switchboard.update(call) { $0.farEnded(.busy) }
        // It has no call now, but nobody is there either.
        box.provider.call(box.transport.localAddress)
        try await box.wait("480") { box.provider.finalStatus == 480 }
        let other = await box.page()
        let second = try await started(box, other)
        _ = await box.switchboard.handle(.detach(connection: other, departure: .signedOff))
        #expect(await box.switchboard.calls[second] == nil)
        await box.close()
    }

    @Test(
        "A page that is lost or loaded anew while it rings has 4 s to ring again",
        arguments: [PhoneDeparture.lost, .closed])
    func lostWhileRinging(departure: PhoneDeparture) async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        _ = await box.switchboard.handle(.detach(connection: page, departure: departure))
        // It rings on for as long as loading the page anew may take, and may be joined again.
        #expect(await box.switchboard.calls[call] != nil)
        guard case .attached(let found) = await box.switchboard.handle(.attach(connection: page, user: "admin")) else {
            Issue.record("the page cannot come back")
            return
        }
        #expect(found.calls.map(\.call) == [call])
        let reply = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        if case .media = reply {} else { Issue.record("the page cannot ring again: \(reply)") }
        #expect(await box.switchboard.calls[call]?.call.near.count == 1)
        _ = await box.switchboard.handle(.detach(connection: page, departure: departure))
        await box.switchboard.forgetLost(now: .now() + .seconds(5))
        try await box.wait("480") { box.provider.finalStatus == 480 }
        #expect(await box.switchboard.phones[page] == nil)
        try await box.expectNothingLeft()
        await box.close()
    }
}
