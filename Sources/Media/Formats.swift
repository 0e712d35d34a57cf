import SDP
import Wire

/// What a payload type means on one leg.
enum Format: Equatable {
    case unknown
    case audio(AudioCodec)
    case event(clockRate: UInt32)
}

/// The payload types that were agreed on with one leg, both ways round.
struct Formats {
    /// By payload type, 0...127.
    private var meanings = [Format](repeating: .unknown, count: 128)
    private var opus: UInt8?
    private var pcmu: UInt8?
    private var pcma: UInt8?
    /// By clock rate; a leg has one or two of them.
    private var events: [(clockRate: UInt32, payloadType: UInt8)] = []
    /// What is sent when the source's own codec was not agreed on.
    private(set) var preferred: AudioCodec?
    /// How long a packet of ours lasts, in samples at 8 kHz.
    private(set) var packetSamples = 160

    static let none = Formats()

    /// Before a trunk's answer: what every carrier may send (RFC 3551 §6), to be heard only.
    static let provisional: Formats = {
        var formats = Formats()
        formats.meanings[0] = .audio(.pcmu)
        formats.meanings[8] = .audio(.pcma)
        return formats
    }()

    private init() {}

    init(_ audio: BrowserAudio) {
        for (codec, payloadType) in audio.agreed { add(codec, payloadType) }
        for (clockRate, payloadType) in audio.telephoneEvents { addEvent(clockRate, payloadType) }
    }

    init(_ audio: TrunkAudio) {
        add(audio.codec, audio.payloadType)
        if let payloadType = audio.telephoneEvent { addEvent(audio.codec.rtpClockRate, payloadType) }
        packetSamples = Self.packetSamples(milliseconds: audio.packetMilliseconds)
    }

    /// The nearest length that every codec here has a frame of.
    static func packetSamples(milliseconds: Int) -> Int {
        switch milliseconds {
        case ..<15: 80
        case ..<35: 160
        case ..<55: 320
        default: 480
        }
    }

    private mutating func add(_ codec: AudioCodec, _ payloadType: UInt8) {
        guard payloadType < 128 else { return }
        meanings[Int(payloadType)] = .audio(codec)
        switch codec {
        case .opus: opus = payloadType
        case .pcmu: pcmu = payloadType
        case .pcma: pcma = payloadType
        }
        if preferred == nil { preferred = codec }
    }

    private mutating func addEvent(_ clockRate: UInt32, _ payloadType: UInt8) {
        guard payloadType < 128, events.count < 4 else { return }
        meanings[Int(payloadType)] = .event(clockRate: clockRate)
        events.append((clockRate, payloadType))
    }

    subscript(payloadType: UInt8) -> Format { meanings[Int(payloadType & 0x7f)] }

    /// - Returns: nil if the codec was not agreed on.
    func payloadType(_ codec: AudioCodec) -> UInt8? {
        switch codec {
        case .opus: opus
        case .pcmu: pcmu
        case .pcma: pcma
        }
    }

    /// The telephone-event that goes with sound of this clock rate, or the leg's other one.
    func event(clockRate: UInt32) -> (clockRate: UInt32, payloadType: UInt8)? {
        for event in events where event.clockRate == clockRate { return event }
        return events.first
    }
}

extension AudioCodec {
    /// Of the RTP timestamps; Opus always counts at 48 kHz (RFC 7587 §4.1).
    var rtpClockRate: UInt32 { self == .opus ? 48_000 : 8_000 }

    /// Ticks of the RTP clock for each sample at 8 kHz, the rate that sound is handled at here.
    var ticksPerSample: UInt32 { rtpClockRate / 8_000 }
}
