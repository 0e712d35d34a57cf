import Glibc

/// One or two sines that go on from buffer to buffer without a seam.
package struct ToneGenerator: Equatable, Sendable, Codable {
    /// One sine; a full turn of its phase is 2³², so that it wraps by itself and never drifts.
    private struct Partial: Equatable, Sendable, Codable {
        static let turn = 4_294_967_296.0

        var phase: UInt32 = 0
        let step: UInt32
        let peak: Double

        init(frequency: Double, dBm0: Double, sampleRate: Int) {
            let rate = Double(max(1, sampleRate))
            let isAudible = frequency > 0 && frequency < rate / 2
            step = isAudible ? UInt32((frequency / rate * Self.turn).rounded()) : 0
            peak = isAudible ? ToneLevel.peak(dBm0: dBm0) : 0
        }

        mutating func next() -> Double {
            defer { phase &+= step }
            return peak * sin(Double(phase) * (2 * Double.pi / Self.turn))
        }
    }

    private var low: Partial
    private var high: Partial?

    /// - Parameters:
    ///   - frequency: Hz; silence if it is not below half the sample rate.
    ///   - second: the other sine of a pair.
    ///   - dBm0: the level of each sine.
    ///   - secondLevel: of the other sine if it differs, dBm0.
    ///   - sampleRate: Hz.
    package init(
        frequency: Double, second: Double? = nil, dBm0: Double, secondLevel: Double? = nil, sampleRate: Int
    ) {
        low = Partial(frequency: frequency, dBm0: dBm0, sampleRate: sampleRate)
        high = second.map { Partial(frequency: $0, dBm0: secondLevel ?? dBm0, sampleRate: sampleRate) }
    }

    /// 1004 Hz at 0 dBm0, the test tone of the telephone network (ITU-T O.6): not 1000 Hz, which at 8 kHz would use
    /// only eight of the codes.
    package static func milliwatt(sampleRate: Int) -> ToneGenerator {
        ToneGenerator(frequency: 1004, dBm0: 0, sampleRate: sampleRate)
    }

    /// Fills the whole buffer; too loud a pair is clipped.
    package mutating func fill(_ samples: UnsafeMutableBufferPointer<Int16>) {
        for index in 0..<samples.count {
            let value = low.next() + (high?.next() ?? 0)
            samples[index] = Int16(min(32767, max(-32768, value.rounded())))
        }
    }
}
