/// The tone pairs of the keys (ITU-T Q.23).
///
///             1209  1336  1477  1633 Hz
///      697 Hz   1     2     3     A
///      770 Hz   4     5     6     B
///      852 Hz   7     8     9     C
///      941 Hz   *     0     #     D
package enum DTMF {
    /// Levels of the low and the high group; the high one suffers more on the way (ITU-T Q.24).
    package static let lowLevel = -8.0
    package static let highLevel = -6.0

    package struct Pair: Equatable, Sendable {
        /// Hz
        package let low: Double
        /// Hz
        package let high: Double
    }

    /// - Parameter digit: `0`...`9`, `*`, `#`, `A`...`D` in either case.
    /// - Returns: nil for anything else.
    package static func pair(for digit: Character) -> Pair? {
        switch digit {
        case "1": Pair(low: 697, high: 1209)
        case "2": Pair(low: 697, high: 1336)
        case "3": Pair(low: 697, high: 1477)
        case "A", "a": Pair(low: 697, high: 1633)
        case "4": Pair(low: 770, high: 1209)
        case "5": Pair(low: 770, high: 1336)
        case "6": Pair(low: 770, high: 1477)
        case "B", "b": Pair(low: 770, high: 1633)
        case "7": Pair(low: 852, high: 1209)
        case "8": Pair(low: 852, high: 1336)
        case "9": Pair(low: 852, high: 1477)
        case "C", "c": Pair(low: 852, high: 1633)
        case "*": Pair(low: 941, high: 1209)
        case "0": Pair(low: 941, high: 1336)
        case "#": Pair(low: 941, high: 1477)
        case "D", "d": Pair(low: 941, high: 1633)
        default: nil
        }
    }
}

extension ToneGenerator {
    /// The tone of a key, or nil for what is no key.
    package init?(digit: Character, sampleRate: Int) {
        guard let pair = DTMF.pair(for: digit) else { return nil }
        self.init(
            frequency: pair.low, second: pair.high, dBm0: DTMF.lowLevel, secondLevel: DTMF.highLevel,
            sampleRate: sampleRate)
    }
}
