import Call
import Control
import Media
import Numbering
import SIPMessage
import Settings
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: whether it dials is decided before anything leaves", .serialized)
struct DiallingTests {
    private static let home = "country = \"DE\"\ncalls_at_once_per_user = 2\ncalls_at_once = 3\n"

    private func start(_ box: Box, _ page: ConnectionIdentifier, _ text: String) async -> ControlReply {
        await box.switchboard.handle(.start(connection: page, to: Redacted(text), offer: Box.offer))
    }

    private func started(_ box: Box, _ page: ConnectionIdentifier, _ text: String) async throws -> CallIdentifier {
        let reply = await start(box, page, text)
        guard case .media(let call, _) = reply else { throw Box.TookTooLong(what: "the call: \(reply)") }
        return call
    }

    private func running(_ box: Box) async -> Int { await box.switchboard.dialling.runningCount }

    @Test("What the rules refuse never becomes an INVITE; its rule is told to page, watchers and journal")
    func refuses() async throws {
        let box = try await Box.open(dialling: Self.home)
        let page = await box.page()
        let refused: [(String, DiallingRefusal)] = [
            ("0900 1234567", .premium), ("+881 612345678", .satellite), ("+43 1 5134555", .country),
            ("11833", .shortNumber), ("*21*0301234567#", .providerCode), ("alice", .notANumber),
            ("1234567", .needsAreaCode),
        ]
        for (text, refusal) in refused {
            #expect(await start(box, page, text) == .failed(refusal.problem), "\(text)")
            #expect(
                await box.switchboard.handle(.summon(to: Redacted(text))) == .failed(refusal.problem), "\(text)")
        }
        guard case .events(let events, _) = await box.switchboard.handle(.events(after: 0)) else {
            Issue.record("no events")
            return
        }
        let told = events.filter { $0.kind == .callRefused }
        #expect(told.map(\.code) == refused.flatMap { [$0.1.problem.code, $0.1.problem.code] })
        for event in told {
            #expect(event.direction == .outbound)
            let line = try #require(event.journalLine)
            #expect(line.sentence.hasPrefix("A call was not dialled. "))
            #expect(!"\(line.sentence) \(line.fields)".contains("1234567"))
        }
        #expect(await box.switchboard.calls.isEmpty)
        #expect(await running(box) == 0)

        // What is allowed leaves, in the one form of its number.
        _ = try await started(box, page, "030 / 1234-567")
        try await box.wait("INVITE") { box.provider.request(.invite) != nil }
        #expect(box.provider.count(.invite) == 1)
        #expect(box.provider.request(.invite)?.uri.sip?.user == "+49301234567")
        #expect(await running(box) == 1)
        await box.close()
    }

    @Test("Emergency calls go out whatever is forbidden, used up, or being serviced, and dialled as they are")
    func emergency() async throws {
        let box = try await Box.open(
            dialling: "country = \"DE\"\ncalls_at_once = 0\nnew_calls_per_minute = 0\nblocked_prefixes = [\"1\"]")
        _ = await box.switchboard.handle(.drain(true))
        for _ in 0..<3 {
            let page = await box.page()
            _ = try await started(box, page, "110")
        }
        try await box.wait("INVITEs") { box.provider.count(.invite) == 3 }
        #expect(box.provider.request(.invite)?.uri.sip?.user == "110")
        let page = await box.page()
        guard case .failed(let problem) = await start(box, page, "030 1234567") else {
            Issue.record("not refused")
            return
        }
        #expect(problem.code == "box.draining")
        await box.close()
    }

    @Test("Without a country: the country of the own number, with its country code; reload changes the rules")
    func withoutCountry() async throws {
        let box = try await Box.open(dialling: "")
        let page = await box.page()
        #expect(await start(box, page, "030 1234567") == .failed(DiallingRefusal.countryUnset.problem))
        #expect(await start(box, page, "+49 30 1234567") == .failed(DiallingRefusal.country.problem))
        #expect(await start(box, page, "100") == .failed(DiallingRefusal.shortNumber.problem))
        var settings = try Box.settings(provider: box.provider, dialling: "")
        settings.trunk?.number = Redacted("+493012345")
        #expect(await box.switchboard.apply(settings) == [])
        _ = try await started(box, page, "0049 30 1234567")
        let other = await box.page()
        #expect(await start(box, other, "+43 1 5134555") == .failed(DiallingRefusal.country.problem))
        settings.dialling.countries = [try #require(Region("AT"))]
        #expect(await box.switchboard.apply(settings) == [])
        _ = try await started(box, other, "+43 1 5134555")
        await box.close()
    }

    @Test("Caps count by the page's user, are told, and status shows them; the terminal has a cap of its own")
    func caps() async throws {
        let box = try await Box.open(dialling: Self.home)
        let pages = [await box.page(), await box.page(), await box.page()]
        _ = try await started(box, pages[0], "030 1234567")
        let second = try await started(box, pages[1], "030 1234567")
        #expect(await start(box, pages[2], "030 1234567") == .failed(DiallingRefusal.userBusy.problem))
        // The box's own services cost nothing.
        let service = try await started(box, pages[2], "*43")
        _ = await box.switchboard.handle(.end(connection: pages[2], call: service))
        // Whoever dials at the terminal is somebody else.
        guard case .call = await box.switchboard.handle(.summon(to: Redacted("030 1234567"))) else {
            Issue.record("not summoned")
            return
        }
        let status = await box.switchboard.status()
        #expect(status.callsDialled == 3 && status.callsDialledLimit == 3)
        #expect(
            await box.switchboard.handle(.summon(to: Redacted("030 1234567")))
                == .failed(DiallingRefusal.boxBusy.problem))
        _ = await box.switchboard.handle(.end(connection: pages[1], call: second))
        #expect(await running(box) == 2)
        await box.close()
    }
}
