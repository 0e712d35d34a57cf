import Call
import Control
import Logging
import Media
import SIPMessage
import SIPTransport
import Testing
import Wire

@testable import Switchboard

@Suite("Switchboard: what it tells its watchers", .serialized)
struct EventTests {
    @Test("A call asked for at the terminal rings the pages first, then dials")
    func summons() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let other = await box.page()
        guard case .call(let call) = await box.switchboard.handle(.summon(to: Redacted("+49 30 555100"))) else {
            Issue.record("the pages could not be summoned")
            return
        }
        #expect(box.provider.request(.invite) == nil)
        try await box.wait("the summons") { box.summons(page) == call && box.summons(other) == call }
        guard case .media = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer)) else {
            Issue.record("the page could not join")
            return
        }
        #expect(await box.switchboard.status().list.first?.state == .summoning)
        #expect(await box.switchboard.handle(.answer(connection: page, call: call)) == .done)
        try await box.wait("INVITE") { box.provider.request(.invite) != nil }
        #expect(box.provider.request(.invite)?.uri.text.contains("+4930555100") == true)
        try await box.wait("the other page's news") { box.end(of: call, on: other) == .answeredElsewhere }
        #expect(await box.switchboard.handle(.hangUp(call: call)) == .done)
        try await box.wait("the page's news") { box.end(of: call, on: page) == .hungUpHere }
        #expect(await box.kinds(of: call).prefix(3) == [.callCreated, .callSummoning, .callDialling])
        #expect(await box.kinds(of: call).contains(.callEnded))
        #expect(await box.switchboard.handle(.hangUp(call: call)) == .failed(Switchboard.noSuchCall))
        await box.close()
    }

    @Test("Without a page nothing is summoned, and nothing is left")
    func noPage() async throws {
        let box = try await Box.open()
        #expect(await box.switchboard.handle(.summon(to: Redacted("100"))) == .failed(Switchboard.noPageOpen))
        _ = await box.page()
        #expect(
            await box.switchboard.handle(.summon(to: Redacted("none"))) == .failed(DiallingRefusal.notANumber.problem))
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("A declined summons dials nobody")
    func declined() async throws {
        let box = try await Box.open()
        let page = await box.page()
        guard case .call(let call) = await box.switchboard.handle(.summon(to: Redacted("100"))) else {
            Issue.record("the page could not be summoned")
            return
        }
        #expect(await box.switchboard.handle(.end(connection: page, call: call)) == .done)
        try await box.wait("the page's news") { box.end(of: call, on: page) == .declined }
        #expect(box.provider.request(.invite) == nil)
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("A summons ends when the last page goes")
    func lastPageGoes() async throws {
        let box = try await Box.open()
        let page = await box.page()
        guard case .call(let call) = await box.switchboard.handle(.summon(to: Redacted("100"))) else {
            Issue.record("the page could not be summoned")
            return
        }
        _ = await box.switchboard.handle(.detach(connection: page, departure: .signedOff))
        #expect(await box.switchboard.calls[call] == nil)
        try await box.expectNothingLeft()
        await box.close()
    }

    @Test("The provider is asked, and its answer or its silence is told")
    func asks() async throws {
        let box = try await Box.open()
        guard case .providers(let reports) = await box.switchboard.handle(.askProviders), let report = reports.first
        else {
            Issue.record("no report")
            return
        }
        #expect(report.status == 200)
        #expect(report.address == box.provider.address)
        #expect(report.roundTripMilliseconds ?? -1 >= 0)
        await box.provider.transport.close()
        guard case .providers(let later) = await box.switchboard.handle(.askProviders), let silent = later.first else {
            Issue.record("no report")
            return
        }
        #expect(silent.status == nil)
        #expect(["trunk.no-reply", "trunk.unreachable"].contains(silent.problem?.code))
        #expect(await box.switchboard.questions.isEmpty)
        await box.close()
    }

    @Test("Numbers grow by one, a call's story is whole, and what was missed can be asked for")
    func story() async throws {
        let box = try await Box.open()
        let page = await box.page()
        let call = try await box.ring(page)
        _ = await box.switchboard.handle(.offer(connection: page, call: call, offer: Box.offer))
        _ = await box.switchboard.handle(.answer(connection: page, call: call))
        _ = await box.switchboard.handle(.end(connection: page, call: call))
        try await box.wait("the sound's figures") { await box.kinds(of: call).count { $0 == .callSound } == 2 }
        #expect(
            await box.kinds(of: call) == [
                .callCreated, .callRinging, .callAnswered, .callEnded, .callSound, .callSound,
            ])
        guard case .events(let events, let newest) = await box.switchboard.handle(.events(after: 0)) else {
            Issue.record("no events")
            return
        }
        #expect(events.map(\.number) == events.map(\.number).sorted())
        #expect(events.last?.number == newest)
        let ended = try #require(events.first { $0.kind == .callEnded })
        #expect(ended.code == "call.hung-up-here")
        #expect(ended.talkMilliseconds ?? -1 >= 0)
        #expect(ended.far?.revealed == "+493023125000")
        await box.close()
    }
}

@Suite("A call's lines in the journal")
struct JournalLineTests {
    @Test("no line has a number or a key in it, whatever the event carries", arguments: BoxEvent.Kind.allCases)
    func noNumbers(kind: BoxEvent.Kind) throws {
        var generator = SeededGenerator(seed: 3)
        var event = BoxEvent(number: 1, time: WallTime(milliseconds: 0), kind: kind)
        event.call = CallIdentifier(using: &generator)
        event.far = Redacted("+4930555123")
        event.digit = Redacted("7777")
        event.direction = .inbound
        event.code = "call.busy"
        event.sentence = "Why."
        event.sound = BoxEvent.Sound(packetsIn: 1, packetsOut: 2, lost: 0, jitterMilliseconds: 1.5)
        guard let line = event.journalLine else { return }
        let text = "\(line.sentence) \(line.fields)"
        #expect(!text.contains("555123") && !text.contains("7777"))
        #expect(line.fields["call"] == "\(try #require(event.call))")
        #expect(line.fields["event"] == "\(kind.rawValue)")
        #expect(line.sentence.hasSuffix(".") && line.sentence.first?.isUppercase == true)
    }

    @Test("the end tells reason, length and keys")
    func end() {
        var event = BoxEvent(number: 1, time: WallTime(milliseconds: 0), kind: .callEnded)
        event.sentence = "You hung up."
        event.code = "call.hung-up-here"
        event.talkMilliseconds = 61_250
        event.digits = 4
        #expect(event.journalLine?.sentence == "The call ended. You hung up. They talked for 61.2 s.")
        #expect(event.journalLine?.fields["digits"] == "4")
        #expect(event.journalLine?.fields["code"] == "call.hung-up-here")
    }
}
