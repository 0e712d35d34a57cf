/// How often a line may be written that strangers can cause: a few at once, then one each so often.
///
/// Without it, forged datagrams would fill the journal and push out what matters.
package struct LineLimit: Sendable, Equatable {
    private let burst: Int
    private let interval: Duration
    private var left: Int
    /// When the next line is earned, while there are less than `burst`.
    private var nextAt = MonotonicTime.zero
    private var unwritten = 0

    /// - Parameters:
    ///   - burst: lines at once, at least 1.
    ///   - interval: in which one more is earned.
    package init(burst: Int, interval: Duration) {
        self.burst = max(1, burst)
        self.interval = max(interval, .milliseconds(1))
        left = self.burst
    }

    /// Asks for one line.
    /// - Returns: nil if it must not be written; else how many were not written since the last one that was.
    package mutating func admits(at now: MonotonicTime) -> Int? {
        while left < burst, now >= nextAt {
            left += 1
            nextAt += interval
        }
        guard left > 0 else {
            unwritten += 1
            return nil
        }
        if left == burst { nextAt = now + interval }
        left -= 1
        defer { unwritten = 0 }
        return unwritten
    }
}
