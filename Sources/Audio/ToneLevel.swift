import Glibc

/// Power relative to the milliwatt of the telephone network, in dBm0.
///
/// A sine of 3.17 dBm0 just fills the range of µ-law (ITU-T G.711 §4); A-law differs by 0.03 dB.
package enum ToneLevel {
    /// The peak of a sine at `overload`: µ-law's 8159, in 16 bits.
    static let overloadPeak = 32636.0
    static let overload = 3.17

    /// The peak of a sine at that level, in samples' units.
    package static func peak(dBm0: Double) -> Double {
        overloadPeak * pow(10, (dBm0 - overload) / 20)
    }

    /// The level of a root-mean-square value in samples' units; −∞ for silence.
    package static func dBm0(rootMeanSquare: Double) -> Double {
        20 * log10(rootMeanSquare * 2.0.squareRoot() / overloadPeak) + overload
    }
}
