import Wire

/// When new calls go to a provider that takes only so many a second: within any second no more, a little later rather
/// than never.
struct CallPace: Equatable {
    /// Nobody waits for longer without hearing anything.
    static let patience: Duration = .seconds(3)

    /// When the last calls go, the newest last; some may be still to come.
    private var starts: [MonotonicTime] = []

    /// How long a call would have to wait.
    /// - Returns: nil for too long.
    func wait(_ perSecond: Int, at now: MonotonicTime) -> Duration? {
        guard starts.count >= perSecond, perSecond > 0 else { return .zero }
        let wait = starts[starts.count - perSecond] + .seconds(1) - now
        return wait > Self.patience ? nil : max(wait, .zero)
    }

    /// A call goes after that time.
    mutating func begin(_ perSecond: Int, after wait: Duration, at now: MonotonicTime) {
        starts.append(now + wait)
        if starts.count > perSecond { starts.removeFirst(starts.count - perSecond) }
    }
}
