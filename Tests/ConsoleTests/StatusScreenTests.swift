import Call
import Console
import Control
import Testing
import Wire

@Suite("Durations and sizes in words")
struct WordsTests {
    @Test(
        "name their two largest units",
        arguments: [
            (0, "0 s"), (59, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (3661, "1 h 1 min"),
            (86_400, "1 day"), (3 * 86_400 + 4 * 3600 + 5, "3 days 4 h"), (-5, "0 s"),
        ])
    func durations(seconds: Int, text: String) {
        #expect(words(seconds: seconds) == text)
    }

    @Test(
        "count bytes",
        arguments: [(0, "0 MiB"), (36 << 20, "36 MiB"), (1 << 30, "1.0 GiB"), (.max, "8589934592.0 GiB")])
    func sizes(bytes: Int, text: String) {
        #expect(words(bytes: bytes).prefix(3) == text.prefix(3))
    }
}

@Suite("sipcall status")
struct StatusScreenTests {
    private var status: BoxStatus {
        var generator = SeededGenerator(seed: 1)
        var status = BoxStatus(version: "1.2.3", uptimeSeconds: 90_000)
        status.trunk = TrunkStatus(name: "Telnyx", state: .registered, expires: 300)
        status.calls = 1
        status.pages = 2
        status.list = [
            CallStatus(
                call: CallIdentifier(using: &generator), direction: .outbound, state: .active, far: "…67", seconds: 70,
                talkSeconds: 63)
        ]
        return status
    }

    private func lines(_ status: BoxStatus, _ processes: [ProcessReport] = []) -> [String] {
        StatusScreen(status, processes: processes).lines(Style(isColoured: false))
    }

    @Test("says first that everything works, then what is going on")
    func works() {
        let lines = lines(status)
        #expect(lines.first == "Everything works.")
        #expect(lines.contains("Provider   Telnyx, registered for 5 min"))
        #expect(lines.contains { $0.contains("to   …67    talking    for 1 min 3 s") })
        #expect(lines.last == "SIPCall    1.2.3, up 1 day 1 h")
        #expect(lines.allSatisfy { !$0.contains("\u{1b}") })
    }

    @Test("an account without registration: whether its provider answers")
    func unregistered() {
        var status = status
        status.trunk.state = .ready
        status.trunk.expires = nil
        status.trunks = []
        #expect(lines(status).contains("Provider   Telnyx, needs no registration, not heard from yet"))
        status.trunk.isAsked = false
        #expect(lines(status).contains("Provider   Telnyx, needs no registration, not asked whether it is there"))
        status.trunk.answers = true
        #expect(lines(status).contains("Provider   Telnyx, reachable, needs no registration"))
        #expect(Finding.registration(status.trunk).sentence == "Telnyx answers, and wants no registration.")
        status.trunk.state = .failed
        status.trunk.answers = false
        #expect(lines(status).contains("Provider   Telnyx, not reachable"))
        #expect(Finding.registration(status.trunk).sentence == "Telnyx is not reachable.")
    }

    @Test("says first what does not work, the worst first, with the remedy")
    func troubles() {
        var broken = status
        broken.trunk.state = .failed
        broken.trunk.problem = Problem(code: "trunk.no-reply", sentence: "No reply.", remedy: "Wait.")
        let core = ProcessReport(part: "core", process: 1, isOutdated: true)
        let web = ProcessReport(part: "web", process: 2)
        #expect(Array(lines(broken, [core, web]).prefix(2)) == ["No reply.", "  Wait."])
        #expect(StatusScreen(broken, processes: [core, web]).verdict == .broken)
        #expect(StatusScreen(status, processes: [core, web]).verdict == .limited)
        #expect(StatusScreen(status, processes: [core]).troubles.first?.problem.code == "status.no-page")
        #expect(StatusScreen(status, processes: [web]).verdict == .works)
    }

    @Test("what the core can do only in part is shown, and that it takes no calls")
    func limited() {
        var limited = status
        limited.draining = true
        limited.degraded = [
            DegradedPart(part: "storage", problem: Problem(code: "storage.full", sentence: "Storage is full."))
        ]
        #expect(
            StatusScreen(limited, processes: []).troubles.map(\.problem.code) == ["storage.full", "status.draining"])
    }

    @Test("colours only where they are wanted")
    func colour() {
        let lines = StatusScreen(status, processes: []).lines(Style(isColoured: true))
        #expect(lines.first == "\u{1b}[32;1mEverything works.\u{1b}[0m")
    }

    @Test("many calls do not scroll the verdict away")
    func many() {
        var busy = status
        busy.list = Array(repeating: busy.list[0], count: 200)
        #expect(lines(busy).count < 30)
        #expect(lines(busy).contains { $0.contains("and 188 more") })
    }
}
