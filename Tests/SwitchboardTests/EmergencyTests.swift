import Call
import Control
import Ledger
import SIPMessage
import SIPTransport
import Settings
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: emergency calls pass every cap, and other calls of the page make way", .serialized)
struct EmergencyTests {
    private func dial(_ box: Box, _ page: ConnectionIdentifier, _ text: String) async throws -> CallIdentifier {
        let reply = await box.switchboard.handle(.start(connection: page, to: Redacted(text), offer: Box.offer))
        guard case .media(let call, _) = reply else { throw Box.TookTooLong(what: "the call: \(reply)") }
        return call
    }

    private func hold(_ box: Box, _ page: ConnectionIdentifier, _ call: CallIdentifier) async -> ControlReply {
        await box.switchboard.handle(.hold(connection: page, call: call, wanted: true))
    }

    @Test("Whom the page talks with is held; what only rings there ends and is told why")
    func makesWay() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let talking = try await box.talk(page)
        let emergency = try await dial(box, page, "112")
        #expect(await box.switchboard.calls[talking]?.call.isHeldHere == true)
        #expect(box.held(talking, on: page)?.here == true)
        try await box.wait("the emergency call") {
            await box.switchboard.calls[emergency]?.call.publicState == .active
        }
        #expect(box.provider.requests.contains { $0.method == .invite && $0.uri.sip?.user == "112" })
        await box.close()

        let other = try await Box.open()
        let second = await other.page()
        let dialling = try await dial(other, second, "100")
        _ = try await dial(other, second, "112")
        #expect(other.end(of: dialling, on: second) == .madeWay)
        #expect(await other.switchboard.calls.count == 1)
        await other.close()
    }

    @Test(
        "Beside two calls already: both wait; of more than two that wait the oldest ends, and never another emergency")
    func third() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let first = try await box.talk(page)
        #expect(await hold(box, page, first) == .done)
        let second = try await box.talk(page, to: "200")
        // Anything else is refused.
        let refused = await box.switchboard.handle(
            .start(connection: page, to: Redacted("300"), offer: Box.offer))
        #expect(refused == .failed(Switchboard.busyHere))
        let emergency = try await box.talk(page, to: "112")
        #expect(await box.switchboard.calls[first]?.call.isHeldHere == true)
        #expect(await box.switchboard.calls[second]?.call.isHeldHere == true)
        _ = try await box.talk(page, to: "110")
        #expect(box.end(of: first, on: page) == .madeWay)
        #expect(await box.switchboard.calls[second] != nil)
        #expect(await box.switchboard.calls[emergency]?.call.isHeldHere == true)
        await box.close()
    }

    @Test("From the terminal every page rings, also those in a call, and may take it")
    func summoned() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let talking = try await box.talk(page)
        #expect(
            await box.switchboard.handle(.summon(to: Redacted("100"))) == .failed(Switchboard.pagesBusy))
        guard case .call(let call) = await box.switchboard.handle(.summon(to: Redacted("112"))) else {
            Issue.record("not summoned")
            return
        }
        #expect(await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer)).isMedia)
        #expect(await box.switchboard.handle(.answer(connection: page, call: call)) == .done)
        #expect(await box.switchboard.calls[talking]?.call.isHeldHere == true)
        await box.close()
    }
}

@Suite("Switchboard: a hidden number, and what is known of whoever calls", .serialized)
struct PrivacyTests {
    private static let number = "+493099"

    /// The INVITE that this call became.
    private func invite(_ trunk: String, to text: String, hidden: Bool?) async throws -> SIPRequest {
        let box = try await Box.open(trunk: "number = \"\(Self.number)\"\nidentity = \"p-asserted-identity\"\n" + trunk)
        let page = await box.page()
        let reply = await box.switchboard.handle(
            .start(connection: page, to: Redacted(text), offer: Box.offer, hidesNumber: hidden))
        #expect(reply.isMedia)
        try await box.wait("INVITE") { box.provider.first(.invite) != nil }
        let invite = try #require(box.provider.first(.invite))
        await box.close()
        return invite
    }

    @Test(
        "As the call says, or else the account; emergency services always see who calls",
        arguments: [
            ("", "100", nil as Bool?, false), ("", "100", true, true), ("hide_number = true", "100", nil, true),
            ("hide_number = true", "100", false, false), ("hide_number = true", "112", true, false),
        ])
    func hides(trunk: String, text: String, hidden: Bool?, expected: Bool) async throws {
        let invite = try await invite(trunk, to: text, hidden: hidden)
        #expect(invite.headers.privacy == (expected ? ["id"] : []))
        #expect((invite.headers.from?.uri.text == "sip:anonymous@anonymous.invalid") == expected)
        #expect((invite.headers.contact?.uri.user == "anonymous") == expected)
        #expect(invite.headers.assertedIdentities.first?.uri.user == Self.number)
    }

    @Test(
        "What the provider says of the caller's number is told to page, watchers and ledger",
        arguments: [
            ("TN-Validation-Passed", CallerVerification.passed), ("TN-Validation-Failed", .failed),
            ("No-TN-Validation", .notDone), ("Whatever", nil),
        ])
    func verification(word: String, expected: CallerVerification?) async throws {
        let box = try await Box.open()
        let page = await box.page()
        box.provider.call(box.transport.localAddress, asserted: "<sip:+15551;verstat=\(word)@example.net>")
        try await box.wait("ringing") { box.incoming(page) != nil }
        let call = try #require(box.incoming(page))
        #expect(box.verification(page) == expected)
        #expect(await box.switchboard.snapshot().calls.first?.verification == expected)
        #expect(box.records(of: call).first?.verification == expected)
        guard case .events(let events, _) = await box.switchboard.handle(.events(after: 0)) else {
            Issue.record("no events")
            return
        }
        #expect(events.first { $0.kind == .callCreated }?.verification == expected)
        await box.close()
    }
}
