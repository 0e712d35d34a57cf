import Audio
import RTP
import SDP
import Wire

/// Makes sound for a leg, 20 ms each tick: a steady tone, or digits' tone pairs one after the other.
final class ServicePlayer {
    enum Program {
        /// 1004 Hz at 0 dBm0 until the leg ends.
        case milliwatt
        /// Nothing to hear, until the first sound from somebody comes: a browser whose jitter buffer runs already
        /// plays that sound from its first millisecond.
        case silence
        /// Until other sound is wanted.
        case music
        /// Tone pairs as they are asked for. Between them silence if `steady`, which keeps the far end's
        /// jitter buffer settled; else nothing, and the player is over when it has played all.
        case digits(steady: Bool)
    }

    /// Of each packet: 20 ms at 8 kHz.
    static let packetSamples = 160
    /// A digit sounds for 200 ms, and 60 ms of silence follow (ITU-T Q.24 asks for 40 ms at least).
    private static let digitPackets = 10
    private static let pausePackets = 3
    /// Digits that wait; more are refused.
    private static let capacity = 64

    private let program: Program
    private let encoder = SoundEncoder()
    private let samples: UnsafeMutableBufferPointer<Int16>
    private var tone: ToneGenerator?
    private var music: HoldMusic?
    private var waiting: [Character] = []
    /// Packets of this digit and its pause that are still to be played.
    private var left = 0

    init(_ program: Program) {
        self.program = program
        samples = .allocate(capacity: Self.packetSamples)
        samples.initialize(repeating: 0)
        if case .milliwatt = program { tone = .milliwatt(sampleRate: 8_000) }
        if case .music = program { music = HoldMusic(sampleRate: 8_000) }
    }

    deinit {
        samples.deallocate()
    }

    func enqueue(_ digit: Character) {
        if waiting.count < Self.capacity { waiting.append(digit) }
    }

    /// Whether other sound may pass, and then ends the program.
    var givesWay: Bool {
        if case .silence = program { true } else { false }
    }

    /// Whether there is nothing more to play, ever.
    var isOver: Bool {
        if case .digits(steady: false) = program { left == 0 && waiting.isEmpty } else { false }
    }

    /// Sends the next 20 ms to the leg: in the codec that it speaks itself; silence in PCMU where that was agreed on,
    /// because most trunks speak it and a jitter buffer starts anew when the clock changes.
    func tick(_ leg: Leg, _ context: LoopContext) {
        guard leg.isReady, let target = leg.outgoing(for: givesWay ? .pcmu : leg.codecIn) else { return }
        fill()
        let slot = context.queue.reserve()
        let room = SendQueue.payload(of: slot)
        guard let length = encoder.encode(UnsafeBufferPointer(samples), as: target.codec, into: room) else {
            context.dropped.count(.codec)
            return
        }
        let rate = target.codec.clockRate
        let stamp = leg.rewriter.generate(
            samples: UInt32(Self.packetSamples) * target.codec.ticksPerSample, clockRate: rate, now: context.now)
        let header = RTPHeader(
            payloadType: target.payloadType, marker: stamp.marker, sequenceNumber: stamp.sequenceNumber,
            timestamp: stamp.timestamp, ssrc: leg.rewriter.ssrc)
        leg.codecOut = target.codec
        leg.transmit(header, payloadLength: length, in: slot, clockRate: rate, context)
    }

    private func fill() {
        if case .digits = program { advanceDigit() }
        if music != nil {
            music?.fill(samples)
        } else if tone != nil {
            tone?.fill(samples)
        } else {
            samples.update(repeating: 0)
        }
    }

    private func advanceDigit() {
        if left > 0 { left -= 1 }
        if left == 0, !waiting.isEmpty {
            tone = ToneGenerator(digit: waiting.removeFirst(), sampleRate: 8_000)
            left = Self.digitPackets + Self.pausePackets
        } else if left <= Self.pausePackets {
            tone = nil
        }
    }
}
