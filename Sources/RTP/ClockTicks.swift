import Wire

extension MonotonicTime {
    /// The time since `earlier` in ticks of an RTP clock, rounded down; wraps instead of trapping after absurd lengths.
    ///
    /// Whole nanoseconds all the way: `Duration` counts in 128 bits, which a packet should not have to pay for.
    func ticks(since earlier: MonotonicTime, at clockRate: UInt32) -> Int64 {
        let (seconds, rest) = (nanoseconds &- earlier.nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        return seconds &* Int64(clockRate) &+ rest * Int64(clockRate) / 1_000_000_000
    }
}

extension Duration {
    /// - Parameter clockRate: ticks a second; zero counts as one.
    init(ticks: Int64, clockRate: UInt32) {
        let rate = Int64(max(1, clockRate))
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: rate)
        self = .seconds(seconds) + .nanoseconds(rest * 1_000_000_000 / rate)
    }
}

/// `value * to / from`, rounded towards minus infinity, so that equal steps stay equal across zero.
func rescale(_ value: Int64, from: UInt32, to: UInt32) -> Int64 {
    guard from != to else { return value }
    let divisor = Int64(max(1, from))
    let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
    // `rest` is smaller than 2³², so the product fits.
    let product = rest * Int64(to)
    let part = product >= 0 ? product / divisor : -((-product + divisor - 1) / divisor)
    return quotient &* Int64(to) &+ part
}
