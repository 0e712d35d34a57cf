import Call
import Control
import SIPMessage
import SIPTransport
import Settings
import Synchronization
import Testing
import Wire

@testable import Switchboard

/// Two trunk legs of one call, with a real provider's socket at both ends.
@Suite("Calls that nobody here takes are passed on")
struct ForwardingTests {
    private func box(_ occasion: ForwardingSettings.Occasion, patience: Int = 20) async throws -> Box {
        try await Box.open { settings in
            settings.forwarding = ForwardingSettings(number: Redacted("+49 170 1234567"))
            settings.forwarding?.occasion = occasion
            settings.forwarding?.patience = patience
        }
    }

    private func expectPassedOn(_ box: Box) async throws {
        try await box.wait("the onward call") { box.provider.count(.invite) == 1 }
        #expect(box.provider.request(.invite)?.headers.to?.uri.user == "+491701234567")
        try await box.wait("the answer to the caller") { box.provider.finalStatus == 200 }
        let status = await box.switchboard.status()
        #expect(status.calls == 1)
        #expect(status.dialogs == 2)
        #expect(status.mediaLegs == 2)
    }

    @Test("while no page is open; a hang-up of the called number ends both sides")
    func absent() async throws {
        let box = try await box(.absent)
        box.provider.answersCalls.store(true, ordering: .relaxed)
        box.provider.call(box.transport.localAddress)
        try await expectPassedOn(box)
        box.provider.acknowledge()
        box.provider.hangUp()
        try await box.wait("our BYE to the caller") { box.provider.count(.bye) == 1 }
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("always: an open page is not even rung")
    func always() async throws {
        let box = try await box(.always)
        let page = await box.page()
        box.provider.answersCalls.store(true, ordering: .relaxed)
        box.provider.call(box.transport.localAddress)
        try await expectPassedOn(box)
        #expect(box.incoming(page) == nil)
        await box.close()
    }

    @Test("unanswered: the page rings first, and is told where the call went")
    func unanswered() async throws {
        let box = try await box(.unanswered, patience: 1)
        let page = await box.page()
        box.provider.answersCalls.store(true, ordering: .relaxed)
        let call = try await box.ring(page)
        #expect(box.provider.count(.invite) == 0)
        try await expectPassedOn(box)
        #expect(box.end(of: call, on: page) == .forwarded)
        await box.close()
    }

    @Test("the page that rang goes away: the call is passed on at once")
    func pageGone() async throws {
        let box = try await box(.unanswered)
        let page = await box.page()
        box.provider.answersCalls.store(true, ordering: .relaxed)
        _ = try await box.ring(page)
        _ = await box.switchboard.handle(.detach(connection: page, departure: .signedOff))
        try await expectPassedOn(box)
        await box.close()
    }

    @Test("a call that a page took is not passed on, and without the setting nothing is")
    func notPassedOn() async throws {
        let box = try await box(.absent)
        let page = await box.page()
        let call = try await box.ring(page)
        _ = await box.switchboard.handle(.end(connection: page, call: call))
        try await box.wait("the refusal") { box.provider.finalStatus == 603 }
        #expect(box.provider.count(.invite) == 0)
        await box.close()
        let plain = try await Box.open()
        plain.provider.call(plain.transport.localAddress)
        try await plain.wait("the refusal") { plain.provider.finalStatus == 480 }
        #expect(plain.provider.count(.invite) == 0)
        await plain.close()
    }

    @Test("a number that cannot be dialled: the caller is refused, and nothing is left")
    func impossible() async throws {
        let box = try await Box.open { settings in
            settings.forwarding = ForwardingSettings(number: Redacted("not a number"))
            settings.forwarding?.occasion = .always
        }
        box.provider.call(box.transport.localAddress)
        try await box.wait("the refusal") { box.provider.finalStatus == 480 }
        try await box.expectNothingLeft()
        await box.close()
    }
}
