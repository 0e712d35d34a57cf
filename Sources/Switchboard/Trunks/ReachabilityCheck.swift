import Wire

/// Whether the provider of an account without registration is there: OPTIONS from time to time (RFC 3261 §11).
///
/// ```
///   due ──▶ asking ──any final answer but 503──▶ answers ────┐
///    ▲        └──── 503, silence, no connection ▶ does not ──┤
///    └──────────────── the interval ◀────────────────────────┘
/// ```
/// Each answer also keeps a NAT's mapping towards the provider open, by which its calls come in.
struct ReachabilityCheck: Equatable {
    /// What is due when time has passed.
    enum Step: Equatable {
        case ask
        /// Nothing came back.
        case giveUp
    }

    /// Longer than any way there and back, with four repetitions; people wait for none of it. An answer that comes later
    /// still counts.
    static let patience: Duration = .seconds(8)
    /// Whoever is away is asked again no later than that.
    static let patienceWhileAway: Duration = .seconds(30)

    /// Between two questions.
    let interval: Duration
    /// The newest question, whose answer is waited for or was given up.
    private(set) var question: UInt64?
    /// Nil before the first answer, or the first time without one.
    private(set) var answers: Bool?
    private var dueAt: MonotonicTime?
    private var waitsUntil: MonotonicTime?

    init(interval: Duration, now: MonotonicTime) {
        self.interval = interval
        dueAt = now
    }

    var deadline: MonotonicTime? { waitsUntil ?? dueAt }

    mutating func advance(to now: MonotonicTime) -> Step? {
        guard let deadline, deadline <= now else { return nil }
        return waitsUntil == nil ? .ask : .giveUp
    }

    mutating func asked(_ number: UInt64, now: MonotonicTime) {
        question = number
        (dueAt, waitsUntil) = (nil, now + Self.patience)
    }

    /// The question could not be asked, or has its outcome.
    /// - Parameter answers: nil where there is no outcome.
    mutating func concluded(
        _ answers: Bool?, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        if let answers { self.answers = answers }
        waitsUntil = nil
        let pause = answers == false ? min(interval, Self.patienceWhileAway) : interval
        // Many boxes that one power failure started must not ask in step.
        dueAt = now + pause * Int.random(in: 90...110, using: &generator) / 100
    }
}
