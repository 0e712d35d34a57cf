import Glibc

/// How much of sound is one frequency: Goertzel's filter, collected over buffers.
///
/// It answers "does the far end hear the tone, and nothing else?" without a transform.
package struct ToneMeter: Equatable, Sendable, Codable {
    private let coefficient: Double
    private var last = 0.0
    private var beforeLast = 0.0
    private var energy = 0.0
    /// Measured so far.
    package private(set) var samples = 0

    /// - Parameters:
    ///   - frequency: Hz, below half the sample rate.
    ///   - sampleRate: Hz.
    package init(frequency: Double, sampleRate: Int) {
        coefficient = 2 * cos(2 * Double.pi * frequency / Double(max(1, sampleRate)))
    }

    package mutating func measure(_ buffer: UnsafeBufferPointer<Int16>) {
        for sample in buffer {
            let value = Double(sample)
            let next = value + coefficient * last - beforeLast
            beforeLast = last
            last = next
            energy += value * value
        }
        samples += buffer.count
    }

    /// The share of the power that is the tone, 0...1; 0 for silence. Over whole turns of the tone a clean sine
    /// gives 1; over n turns and a part it may be off by about 1/n.
    package var purity: Double {
        guard energy > 0 else { return 0 }
        let power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast
        return min(1, max(0, 2 * power / (energy * Double(samples))))
    }

    /// Begins anew with the same frequency.
    package mutating func reset() {
        (last, beforeLast, energy, samples) = (0, 0, 0, 0)
    }
}
