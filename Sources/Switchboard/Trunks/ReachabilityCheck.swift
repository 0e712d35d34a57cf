import Wire

/// Whether the provider of an account without registration is there: OPTIONS from time to time (RFC 3261 §11), and what it
/// says in calls.
///
/// ```
///   due ──▶ asking ──any final answer but 503──▶ answers ────┐
///    ▲        └──── 503, silence, no connection ▶ does not ──┤
///    └──────────────── the interval ◀────────────────────────┘
/// ```
/// Some providers answer no OPTIONS at all. Whoever never did, and takes or makes calls, is there; until a call meets silence.
///
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
    /// It answered a question once, so that silence means something.
    private var knowsOptions = false
    /// The last sign of life that no question asked for, if nothing has spoken against it since.
    private var livedAt: MonotonicTime?
    private var askedAt: MonotonicTime?

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
        (dueAt, waitsUntil, askedAt) = (nil, now + Self.patience, now)
    }

    /// The provider answered an invitation, or sent one.
    mutating func lived(at now: MonotonicTime) {
        (livedAt, answers) = (now, true)
    }

    /// An invitation met silence: what was seen of it before says nothing any more.
    mutating func wasSilent() { livedAt = nil }

    /// Whether a question without an answer says nothing against it.
    var silenceMeansNothing: Bool {
        guard let livedAt else { return false }
        return !knowsOptions || askedAt.map { livedAt >= $0 } ?? false
    }

    /// The question could not be asked, or has its outcome.
    /// - Parameters:
    ///   - answers: nil where there is no outcome.
    ///   - retryAfter: the provider wants to be left alone for so long.
    mutating func concluded(
        _ answers: Bool?, retryAfter: Duration = .zero, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        if let answers {
            self.answers = answers
            if answers { knowsOptions = true } else { livedAt = nil }
        }
        waitsUntil = nil
        let pause = answers == false ? min(interval, Self.patienceWhileAway) : interval
        // Many boxes that one power failure started must not ask in step.
        dueAt = now + max(pause * Int.random(in: 90...110, using: &generator) / 100, retryAfter)
    }
}
