import Systemd
import Testing
import Wire

@Suite("The watchdog's judgement")
struct WatchdogTests {
    private static let probes = [
        Watchdog.Probe(part: "media loop", deadline: .seconds(1)),
        Watchdog.Probe(part: "switchboard", deadline: .seconds(2)),
    ]
    private static let problem = Problem(code: "x.disk-full", sentence: "The disk is full.")

    private static func at(_ seconds: Double) -> MonotonicTime {
        .zero + .milliseconds(1000) + .nanoseconds(Int64(seconds * 1e9))
    }

    /// A manager that allows 8 s: a turn each 2 s.
    private static func make() -> Watchdog {
        Watchdog(interval: .seconds(8), probes: probes, now: at(0))
    }

    @Test("Feeds at once and each quarter of the interval while every part answers")
    func healthy() {
        var watchdog = Self.make()
        for turn in 0..<100 {
            let now = Self.at(Double(turn) * 2)
            #expect(watchdog.nextDeadline == now)
            #expect(
                watchdog.advance(to: now) == [.feed, .probe(part: "media loop"), .probe(part: "switchboard")])
            #expect(watchdog.returned("switchboard", .passed, now: now + .milliseconds(1)) == [])
            #expect(watchdog.returned("media loop", .passed, now: now + .milliseconds(2)) == [])
        }
    }

    @Test("Between two turns there is nothing to do")
    func early() {
        var watchdog = Self.make()
        _ = watchdog.advance(to: Self.at(0))
        #expect(watchdog.advance(to: Self.at(0.5)) == [])
        #expect(watchdog.nextDeadline == Self.at(1), "the first part's deadline")
    }

    @Test("A part that does not return is named once, and nothing is fed any more")
    func hung() {
        var watchdog = Self.make()
        _ = watchdog.advance(to: Self.at(0))
        _ = watchdog.returned("switchboard", .passed, now: Self.at(0.1))
        #expect(watchdog.advance(to: Self.at(1)) == [.withhold(part: "media loop", after: .seconds(1))])
        #expect(watchdog.hungParts == ["media loop"])
        #expect(watchdog.advance(to: Self.at(2)) == [.probe(part: "switchboard")])
        _ = watchdog.returned("switchboard", .passed, now: Self.at(2.1))
        #expect(watchdog.advance(to: Self.at(4)) == [.probe(part: "switchboard")])
    }

    @Test("Nothing is fed until the last of several hung parts is back, and then at once")
    func recovered() {
        var watchdog = Self.make()
        _ = watchdog.advance(to: Self.at(0))
        _ = watchdog.advance(to: Self.at(1))
        #expect(watchdog.advance(to: Self.at(2)) == [.withhold(part: "switchboard", after: .seconds(2))])
        #expect(watchdog.hungParts == ["media loop", "switchboard"])
        #expect(
            watchdog.returned("media loop", .passed, now: Self.at(2.5))
                == [.recovered(part: "media loop", after: .milliseconds(2500))])
        #expect(
            watchdog.returned("switchboard", .passed, now: Self.at(3))
                == [.recovered(part: "switchboard", after: .seconds(3)), .feed])
        #expect(watchdog.advance(to: Self.at(4)) == [.feed, .probe(part: "media loop"), .probe(part: "switchboard")])
    }

    @Test("A part that wants a pause is asked in the first turn after it")
    func pause() {
        var watchdog = Watchdog(
            interval: .seconds(8), probes: [.init(part: "storage", deadline: .seconds(30), pause: .seconds(5))],
            now: Self.at(0))
        #expect(watchdog.advance(to: Self.at(0)) == [.feed, .probe(part: "storage")])
        _ = watchdog.returned("storage", .passed, now: Self.at(0.5))
        for turn in [2.0, 4.0] { #expect(watchdog.advance(to: Self.at(turn)) == [.feed]) }
        #expect(watchdog.advance(to: Self.at(6)) == [.feed, .probe(part: "storage")])
    }

    @Test("A probe that fails is an answer: the part is degraded and the feed goes on")
    func degraded() {
        var watchdog = Self.make()
        _ = watchdog.advance(to: Self.at(0))
        _ = watchdog.returned("media loop", .failed(Self.problem), now: Self.at(0.1))
        _ = watchdog.returned("switchboard", .passed, now: Self.at(0.1))
        #expect(watchdog.degradedParts.map(\.part) == ["media loop"])
        #expect(watchdog.degradedParts.first?.problem == Self.problem)
        #expect(watchdog.advance(to: Self.at(2)).contains(.feed))
        _ = watchdog.returned("media loop", .passed, now: Self.at(2.1))
        #expect(watchdog.degradedParts.isEmpty)
    }

    @Test("An answer that nobody waits for, and one of an unknown part, change nothing")
    func unasked() {
        var watchdog = Self.make()
        _ = watchdog.advance(to: Self.at(0))
        _ = watchdog.returned("media loop", .passed, now: Self.at(0.1))
        let before = watchdog
        #expect(watchdog.returned("media loop", .failed(Self.problem), now: Self.at(0.2)) == [])
        #expect(watchdog.returned("spool", .passed, now: Self.at(0.2)) == [])
        #expect(watchdog == before)
    }

    @Test("Time in which the whole process stood still counts against no part")
    func standstill() {
        var watchdog = Self.make()
        _ = watchdog.advance(to: Self.at(0))
        let woken = watchdog.advance(to: Self.at(3600))
        #expect(woken == [.feed], "both parts are still asked, and alive as far as anybody knows")
        #expect(watchdog.nextDeadline > Self.at(3600))
        // A part that truly hangs is found out all the same.
        var hung: [Watchdog.Effect] = []
        for _ in 0..<5 { hung += watchdog.advance(to: watchdog.nextDeadline) }
        #expect(watchdog.hungParts == ["media loop", "switchboard"])
        #expect(!hung.contains(.feed), "the turn comes after both deadlines")
    }

    @Test("A turn that is a little late excuses nobody")
    func late() {
        var watchdog = Self.make()
        _ = watchdog.advance(to: Self.at(0))
        #expect(
            watchdog.advance(to: Self.at(2.5)) == [
                .withhold(part: "media loop", after: .milliseconds(2500)),
                .withhold(part: "switchboard", after: .milliseconds(2500)),
            ])
    }

    @Test("A hung part is noticed in time for the manager to act, whenever it hangs", arguments: 0..<200)
    func noticedInTime(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var watchdog = Self.make()
        let hangs = Self.at(Double.random(in: 0...20, using: &generator))
        var now = Self.at(0)
        var lastFeed = now
        while watchdog.hungParts.isEmpty, now < Self.at(60) {
            now = watchdog.nextDeadline
            for effect in watchdog.advance(to: now) {
                switch effect {
                case .feed: lastFeed = now
                case .probe(let part) where part == "switchboard" || now < hangs:
                    _ = watchdog.returned(part, .passed, now: now)
                default: break
                }
            }
        }
        // A period until it is asked, its deadline; the feed before that starts the manager's own interval.
        #expect(watchdog.hungParts == ["media loop"])
        #expect(now - hangs <= .seconds(3))
        #expect(lastFeed - hangs <= .seconds(2))
    }

    @Test("A hang is a problem with a code and the part's name")
    func problemOfHang() {
        let problem = Watchdog.problem(part: "media loop", after: .milliseconds(1500))
        #expect(problem.code == "watchdog.part-hung")
        #expect(problem.sentence == "The media loop has not answered for 1500 ms.")
    }
}
