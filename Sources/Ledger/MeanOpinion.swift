import Wire

extension CallQuality.Direction {
    /// What a listener would have given for this, from bad (1,000) to as good as a telephone gets (some 4,400), in thousandths: the
    /// E-model's estimate (ITU-T G.107 §7 and annex B) with its default values for everything that the box does not measure.
    ///
    ///     R = 93.2 − Id − Ie,eff        93.2: all defaults, no delay, no loss
    ///     Id: delay from mouth to ear   Ie,eff: codec and lost packets
    ///
    /// The codec is taken for G.711 with concealment (ITU-T G.113 appendix I: Ie 0, Bpl 25.1): every call is one on its way through
    /// the trunk, and Opus, for which G.113 has no values, conceals no worse. Losses are taken as independent of each other.
    ///
    /// - Parameters:
    ///   - loss: lost packets, 0...1.
    ///   - jitter: as RFC 3550 §6.4.1 has it. A listener's buffer is taken to hold twice as much, and a packet of 20 ms.
    ///   - roundTrip: nil when no report told it: then nothing is taken off for the way.
    package static func meanOpinion(loss: Double, jitter: Duration, roundTrip: Duration?) -> Int64 {
        let milliseconds = 1e-6
        let way = Double((roundTrip ?? .zero).nanoseconds) * milliseconds / 2
        let delay = way + 2 * Double(jitter.nanoseconds) * milliseconds + 20
        // The usual approximation of Id for a call without echo: flat, and steeper from 177.3 ms on (Cole and Rosenbluth, 2001).
        let delayImpairment = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0)
        let percent = min(max(loss, 0), 1) * 100
        let lossImpairment = 95 * percent / (percent + 25.1)
        let rating = min(max(93.2 - delayImpairment - lossImpairment, 0), 100)
        let opinion = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6
        return Int64(max(opinion, 1) * 1000)
    }
}
