import Synchronization
import Systemd
import Testing
import Wire

@testable import Supervision

@Suite("Whether the wall clock can be believed")
struct ClockProbeTests {
    private static let today = WallTime(milliseconds: 1_795_612_800_000)
    private static let boot = MonotonicTime(nanoseconds: 5_000_000_000)

    private final class Heard: Sendable {
        let sentences = Mutex<[String]>([])
        func hear(_ problem: Problem) {
            #expect(problem.code == "clock.jumped")
            sentences.withLock { $0.append(problem.sentence) }
        }
    }

    private static func code(_ outcome: Watchdog.Outcome) -> String? {
        if case .failed(let problem) = outcome { problem.code } else { nil }
    }

    @Test("A clock that runs, however long, and is slewed by half a second is nothing to talk about")
    func runs() {
        let heard = Heard()
        let probe = ClockProbe(wall: Self.today, sinceBoot: Self.boot) { heard.hear($0) }
        for day in Int64(0)..<30 {
            let wall = WallTime(milliseconds: Self.today.milliseconds + day * 86_400_000 + day % 2 * 500)
            #expect(probe.look(wall: wall, sinceBoot: Self.boot + .seconds(day * 86_400)) == .passed)
        }
        #expect(heard.sentences.withLock { $0 } == [])
    }

    @Test(
        "A clock that is set is told of once, with direction and size",
        arguments: [
            (3 * 86_400_000, "forward by 3 days"), (-3 * 86_400_000, "back by 3 days"), (3000, "forward by 3 s"),
            (-600_000, "back by 10 min"), (10_800_000, "forward by 3 h"),
        ] as [(Int64, String)])
    func jumps(by milliseconds: Int64, words: String) {
        let heard = Heard()
        let probe = ClockProbe(wall: Self.today, sinceBoot: Self.boot) { heard.hear($0) }
        let wall = WallTime(milliseconds: Self.today.milliseconds + milliseconds)
        #expect(probe.look(wall: wall, sinceBoot: Self.boot) == .passed)
        #expect(probe.look(wall: wall, sinceBoot: Self.boot) == .passed)
        #expect(heard.sentences.withLock { $0 } == ["The clock was set \(words); it is \(wall) now."])
    }

    @Test(
        "A clock that was never set is wrong, and right again once it is set",
        arguments: [0, 1_767_225_599_999, 1 << 60])
    func wrong(milliseconds: Int64) {
        let heard = Heard()
        let wall = WallTime(milliseconds: milliseconds)
        let probe = ClockProbe(wall: wall, sinceBoot: Self.boot) { heard.hear($0) }
        #expect(Self.code(probe.look(wall: wall, sinceBoot: Self.boot)) == "clock.wrong")
        #expect(probe.look(wall: Self.today, sinceBoot: Self.boot) == .passed)
        #expect(heard.sentences.withLock { $0.count } == 1)
    }
}
