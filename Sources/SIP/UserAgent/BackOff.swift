/// How long to wait before the next try after a failure: doubling, bounded, with jitter (RFC 5626 §4.5).
///
/// The jitter, 50–100 % of the bound, keeps a thousand boxes from returning to a restarted provider at once.
package struct BackOff: Hashable, Sendable, Codable {
    /// The bound after the first failure.
    package var base: Duration
    /// No bound is longer than this.
    package var maximum: Duration
    /// Failures since the last success.
    package private(set) var failures = 0

    package init(base: Duration, maximum: Duration) {
        self.base = base
        self.maximum = maximum
    }

    package mutating func succeeded() {
        failures = 0
    }

    /// - Returns: how long to wait from now on.
    package mutating func failed(using generator: inout some RandomNumberGenerator) -> Duration {
        // 2^20 times any base is past any maximum in use; the shift must not overflow.
        let bound = min(base * (1 << min(failures, 20)), maximum)
        failures = min(failures + 1, 1_000)
        return bound * Double.random(in: 0.5...1, using: &generator)
    }
}
