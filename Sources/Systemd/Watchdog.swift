package import Wire

/// Decides whether this process deserves to live: it feeds the service manager's watchdog only while every part of
/// the process answers its probe.
///
///     each part:   resting ──advance (a turn; its pause is over)──▶ asked ──returned──▶ resting
///                                                                    │ its deadline is over
///                                                                    ▼
///                                                                  hung ──returned──▶ resting
///
/// A probe that returns with a failure is an answer: the part is degraded, which is said in the status, and the feed
/// goes on, because a restart would not mend a full disk. Only a probe that does not return withholds the feed.
///
/// Time in which this process as a whole did not run (SIGSTOP, a suspended machine, a starved processor) counts
/// against no part: nobody could have answered. That case is the manager's own to notice.
package struct Watchdog: Equatable, Sendable {
    /// A question that a part answers by doing what it is there for.
    package struct Probe: Hashable, Sendable {
        /// Names the part to people: `media loop`.
        package var part: String
        /// How long the answer may take.
        package var deadline: Duration
        /// How long the part is left alone after an answer; zero: until the next turn.
        package var pause: Duration

        package init(part: String, deadline: Duration, pause: Duration = .zero) {
            self.part = part
            self.deadline = deadline
            self.pause = pause
        }
    }

    package enum Outcome: Equatable, Sendable {
        case passed
        case failed(Problem)
    }

    package enum Effect: Equatable, Sendable {
        /// Ask this part now; its answer is told by ``returned(_:_:now:)``.
        case probe(part: String)
        /// Tell the service manager that the process is alive.
        case feed
        /// This part has not answered for so long; nothing is fed until it does. Once for each hang.
        case withhold(part: String, after: Duration)
        /// A part that hung has answered after all.
        case recovered(part: String, after: Duration)
    }

    private enum State: Equatable {
        case resting
        case asked(since: MonotonicTime)
        case hung(since: MonotonicTime)
    }

    private struct Part: Equatable {
        let probe: Probe
        var state = State.resting
        var restsUntil: MonotonicTime?
        var problem: Problem?

        var deadline: MonotonicTime? {
            if case .asked(let since) = state { since + probe.deadline } else { nil }
        }
    }

    /// Between two feeds: a quarter of what the manager allows, so that a late turn or two costs nothing.
    package let period: Duration
    private var parts: [Part]
    private var nextTurn: MonotonicTime

    /// - Parameters:
    ///   - interval: after how long without a feed the manager ends the process (``interval()``).
    ///   - probes: one for each part.
    package init(interval: Duration, probes: [Probe], now: MonotonicTime) {
        period = interval / 4
        parts = probes.map { Part(probe: $0) }
        nextTurn = now
    }

    /// When ``advance(to:)`` must be called next.
    package var nextDeadline: MonotonicTime {
        parts.compactMap(\.deadline).reduce(nextTurn, min)
    }

    /// Time has passed.
    package mutating func advance(to now: MonotonicTime) -> [Effect] {
        forgiveStandstill(until: now)
        var effects: [Effect] = []
        for index in parts.indices {
            guard case .asked(let since) = parts[index].state, now - since >= parts[index].probe.deadline else {
                continue
            }
            parts[index].state = .hung(since: since)
            effects.append(.withhold(part: parts[index].probe.part, after: now - since))
        }
        guard now >= nextTurn else { return effects }
        nextTurn = now + period
        if hungParts.isEmpty { effects.append(.feed) }
        for index in parts.indices where parts[index].state == .resting {
            if let end = parts[index].restsUntil, now < end { continue }
            parts[index].state = .asked(since: now)
            effects.append(.probe(part: parts[index].probe.part))
        }
        return effects
    }

    /// A part has answered its probe. An answer that nobody waits for is ignored.
    package mutating func returned(_ part: String, _ outcome: Outcome, now: MonotonicTime) -> [Effect] {
        guard let index = parts.firstIndex(where: { $0.probe.part == part }) else { return [] }
        let former = parts[index].state
        guard former != .resting else { return [] }
        parts[index].state = .resting
        parts[index].restsUntil = now + parts[index].probe.pause
        parts[index].problem = if case .failed(let problem) = outcome { problem } else { nil }
        guard case .hung(let since) = former else { return [] }
        return [.recovered(part: part, after: now - since)] + (hungParts.isEmpty ? [.feed] : [])
    }

    /// The parts that did not answer in time, in the order in which they were named.
    package var hungParts: [String] {
        parts.compactMap { if case .hung = $0.state { $0.probe.part } else { nil } }
    }

    /// The parts whose last answer was a failure.
    package var degradedParts: [(part: String, problem: Problem)] {
        parts.compactMap { part in part.problem.map { (part.probe.part, $0) } }
    }

    /// A turn that comes more than a period late means that this process stood still: every part that is asked has
    /// its whole time again from now, since this look may well come before the parts have had a chance to go on.
    private mutating func forgiveStandstill(until now: MonotonicTime) {
        guard now - nextDeadline > period else { return }
        for index in parts.indices {
            if case .asked = parts[index].state { parts[index].state = .asked(since: now) }
        }
    }
}

extension Watchdog {
    /// What the journal is told of ``Effect/withhold(part:after:)``.
    package static func problem(part: String, after: Duration) -> Problem {
        Problem(
            code: "watchdog.part-hung",
            sentence: "The \(part) has not answered for \(Int64(after.milliseconds)) ms.",
            remedy: "Unless it answers soon, systemd ends this process and starts it again.")
    }
}
