import Glibc

/// What somebody hears who waits: the opening of Bach's first prelude (BWV 846), plucked, over and over.
///
/// Written out here instead of recorded: it needs no file, no licence and no decoder, and sounds clean in G.711. Its level stays
/// far below speech's peaks, so that whoever comes back is not startled.
package struct HoldMusic: Equatable, Sendable, Codable {
    /// Five notes of each half bar, as half steps from the A of 440 Hz; the last three are played twice.
    private static let chords: [(Int, Int, Int, Int, Int)] = [
        (-9, -5, -2, 3, 7), (-9, -7, 0, 5, 8), (-10, -7, -2, 5, 8), (-9, -5, -2, 3, 7),
        (-9, -5, 0, 7, 12), (-9, -7, -3, 0, 5), (-10, -7, -2, 5, 10), (-10, -9, -5, -2, 3),
    ]
    private static let order = [0, 1, 2, 3, 4, 2, 3, 4]
    /// Of each note, in seconds.
    private static let length = 0.24
    /// The level at which a string is plucked, dBm0, and how fast it fades, in s to 1/e.
    private static let level = -17.0
    private static let fading = 0.55

    /// One string: a decaying sine.
    private struct Tone: Equatable, Codable {
        var amplitude = 0.0
        var phase = 0.0
        var step = 0.0
    }

    private let sampleRate: Double
    private let decay: Double
    private var ringing = Tone()
    private var former = Tone()
    private var note = 0
    private var left = 0

    /// - Parameter sampleRate: Hz.
    package init(sampleRate: Int) {
        self.sampleRate = Double(max(1, sampleRate))
        decay = exp(-1 / (self.sampleRate * Self.fading))
    }

    /// Fills the whole buffer with what follows.
    package mutating func fill(_ samples: UnsafeMutableBufferPointer<Int16>) {
        for index in 0..<samples.count {
            if left == 0 { pluck() }
            left -= 1
            samples[index] = Int16(min(32767, max(-32768, (next(&ringing) + next(&former)).rounded())))
        }
    }

    private mutating func pluck() {
        let chord = Self.chords[note / (2 * Self.order.count) % Self.chords.count]
        let halfSteps =
            switch Self.order[note % Self.order.count] {
            case 0: chord.0
            case 1: chord.1
            case 2: chord.2
            case 3: chord.3
            default: chord.4
            }
        former = ringing
        let hertz = 440 * pow(2, Double(halfSteps) / 12)
        ringing = Tone(amplitude: ToneLevel.peak(dBm0: Self.level), step: 2 * Double.pi * hertz / sampleRate)
        note = (note + 1) % (2 * Self.order.count * Self.chords.count)
        left = max(1, Int(Self.length * sampleRate))
    }

    private func next(_ tone: inout Tone) -> Double {
        defer {
            tone.amplitude *= decay
            tone.phase += tone.step
            if tone.phase >= 2 * Double.pi { tone.phase -= 2 * Double.pi }
        }
        return tone.amplitude * sin(tone.phase)
    }
}
