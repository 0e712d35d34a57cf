import Synchronization
package import Systemd
package import Wire

/// Asks the parts of this process whether they still work, and feeds the service manager's watchdog while they do.
///
///     own thread ──ask──▶ part ──answer, from whichever thread──▶ queue ──▶ own thread: `Watchdog` ──▶ feed
///
/// It waits for time and for answers, never for a part: asking returns at once. It depends on no thread but its own, so
/// that a part that hangs can be named while it does.
package final class WatchdogDriver: Sendable {
    /// Tells that the probe came back, once for each time that it was asked.
    package typealias Answer = @Sendable (Watchdog.Outcome) -> Void

    /// A part, and how it is asked.
    package struct Part: Sendable {
        package var probe: Watchdog.Probe
        /// Must return at once, whatever the part does.
        package var ask: @Sendable (@escaping Answer) -> Void

        package init(_ probe: Watchdog.Probe, ask: @escaping @Sendable (@escaping Answer) -> Void) {
            self.probe = probe
            self.ask = ask
        }
    }

    /// What the journal and the status have to be told.
    package enum News: Sendable, Equatable {
        case hung(part: String, Problem)
        case answeredAfterAll(part: String, after: Duration)
        case degraded(part: String, Problem)
        case mended(part: String)
    }

    private struct State {
        var watchdog: Watchdog
        var answers: [(part: String, outcome: Watchdog.Outcome)] = []
        var degraded: [String: Problem] = [:]
        var isStopped = false
    }

    private let state: Mutex<State>
    private let wake = Wakeup()
    private let parts: [String: Part]
    private let order: [String]
    private let notifier: Notifier

    /// - Parameter interval: what the manager allows between two feeds (`Watchdog.interval()`). Where no manager watches
    ///   the parts are asked all the same: their failures belong in the status.
    package init(interval: Duration, parts: [Part], notifier: Notifier) {
        state = Mutex(State(watchdog: Watchdog(interval: interval, probes: parts.map(\.probe), now: .now())))
        self.parts = Dictionary(parts.map { ($0.probe.part, $0) }) { first, _ in first }
        order = parts.map(\.probe.part)
        self.notifier = notifier
    }

    /// - Parameter report: called on the driver's thread; must return at once.
    /// - Throws: `watchdog.no-thread`.
    package func start(report: @escaping @Sendable (News) -> Void) throws(Problem) {
        guard OwnThread.start(named: "watchdog", { self.run(report) }) else {
            throw Problem(
                code: "watchdog.no-thread", sentence: "The system has no thread left for the watchdog.",
                remedy: "Raise TasksMax= of the unit, or end what uses up the machine's threads.")
        }
    }

    /// Nothing is asked and nothing fed any more.
    package func stop() {
        state.withLock { $0.isStopped = true }
        wake.signal()
    }

    /// The parts whose last answer was a failure, in the order in which they were named.
    package var degraded: [(part: String, problem: Problem)] {
        let degraded = state.withLock { $0.degraded }
        return order.compactMap { part in degraded[part].map { (part, $0) } }
    }

    private func run(_ report: (News) -> Void) {
        while let (effects, news) = turn() {
            for effect in effects { carryOut(effect, report) }
            for each in news { report(each) }
            let next = state.withLock { $0.watchdog.nextDeadline }
            wake.wait(atMost: max(.zero, next - .now()))
        }
    }

    /// - Returns: nil once it is stopped.
    private func turn() -> (effects: [Watchdog.Effect], news: [News])? {
        state.withLock { state in
            guard !state.isStopped else { return nil }
            let now = MonotonicTime.now()
            var effects: [Watchdog.Effect] = []
            // Answers first: what came back while this thread had no turn was in time.
            for answer in state.answers { effects += state.watchdog.returned(answer.part, answer.outcome, now: now) }
            state.answers = []
            effects += state.watchdog.advance(to: now)
            let degraded = Dictionary(state.watchdog.degradedParts.map { ($0.part, $0.problem) }) { first, _ in first }
            let former = state.degraded
            state.degraded = degraded
            let news = order.compactMap { part -> News? in
                switch (former[part], degraded[part]) {
                case (let old, let new?) where old != new: .degraded(part: part, new)
                case (_?, nil): .mended(part: part)
                default: nil
                }
            }
            return (effects, news)
        }
    }

    private func carryOut(_ effect: Watchdog.Effect, _ report: (News) -> Void) {
        switch effect {
        case .feed: notifier.feedWatchdog()
        case .probe(let part):
            parts[part]?.ask { outcome in
                self.state.withLock { $0.answers.append((part, outcome)) }
                self.wake.signal()
            }
        case .withhold(let part, let after): report(.hung(part: part, Watchdog.problem(part: part, after: after)))
        case .recovered(let part, let after): report(.answeredAfterAll(part: part, after: after))
        }
    }
}
