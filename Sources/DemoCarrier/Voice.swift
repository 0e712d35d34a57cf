import Audio

/// What one caller hears: a state machine that makes 20 ms of sound at a time.
///
///     silence ──play──▶ ringing, greeting ──its end──▶ echo
///
/// A pressed key is heard as its tone in place of whatever plays.
struct Voice: Sendable {
    enum Source: Equatable, Sendable {
        case silence
        case ringing
        case greeting
        case echo
    }

    /// Samples in 20 ms.
    static let frame = G711.sampleRate / 50
    /// So late that people hear it as an echo, not as their own voice.
    private static let echoDelay = G711.sampleRate * 2 / 5
    /// How far a far end's clock may run ahead before some of its sound is left out.
    private static let echoSlack = G711.sampleRate / 5
    private static let keyLength = 10
    private static let keyPause = 3
    private static let keyLimit = 32

    private let greeting: [Int16]
    private(set) var source = Source.silence
    /// Frames since the source began.
    private var frames = 0
    /// A tone of 2 s each 6 s, as in North America (ITU-T E.180).
    private var ringTone = ToneGenerator(frequency: 440, second: 480, dBm0: -16, sampleRate: G711.sampleRate)
    private var heard: [Int16] = []
    private var keys: [Character] = []
    private var key: (tone: ToneGenerator, frames: Int)?

    init(greeting: Prompt) {
        self.greeting = greeting.samples
    }

    mutating func play(_ source: Source) {
        self.source = source
        frames = 0
        heard = []
    }

    /// Sound from the far end.
    mutating func heard(_ samples: some Sequence<Int16>) {
        guard source == .echo else { return }
        if heard.isEmpty { heard = [Int16](repeating: 0, count: Self.echoDelay) }
        heard += samples
        let surplus = heard.count - Self.echoDelay - Self.echoSlack
        if surplus > 0 { heard.removeFirst(surplus) }
    }

    /// A key that the far end pressed.
    mutating func pressed(_ digit: Character) {
        if keys.count < Self.keyLimit { keys.append(digit) }
    }

    /// Makes the next 20 ms.
    /// - Parameter frame: as long as ``frame``.
    /// - Returns: whether the greeting ended with it.
    mutating func fill(_ frame: UnsafeMutableBufferPointer<Int16>) -> Bool {
        frame.update(repeating: 0)
        defer { frames += 1 }
        var isGreetingOver = false
        switch source {
        case .silence: break
        case .ringing:
            if frames % 300 < 100 { ringTone.fill(frame) }
        case .greeting:
            let start = frames * Self.frame
            for (index, sample) in greeting.dropFirst(start).prefix(frame.count).enumerated() { frame[index] = sample }
            if start + frame.count >= greeting.count {
                isGreetingOver = true
                play(.echo)
            }
        case .echo:
            for (index, sample) in heard.prefix(frame.count).enumerated() { frame[index] = sample }
            heard.removeFirst(min(frame.count, heard.count))
        }
        fillKey(frame)
        return isGreetingOver
    }

    private mutating func fillKey(_ frame: UnsafeMutableBufferPointer<Int16>) {
        if key == nil, !keys.isEmpty {
            key = ToneGenerator(digit: keys.removeFirst(), sampleRate: G711.sampleRate).map { ($0, 0) }
        }
        guard var current = key else { return }
        if current.frames < Self.keyLength { current.tone.fill(frame) } else { frame.update(repeating: 0) }
        current.frames += 1
        key = current.frames < Self.keyLength + Self.keyPause ? current : nil
    }
}
