import SDP
import Wire

/// What a payload type means on one leg.
enum Format: Equatable, Codable, Sendable {
    case unknown
    case audio(AudioCodec)
    case event(clockRate: UInt32)
}

/// What telephone-events are sent as.
struct EventFormat: Equatable, Codable, Sendable {
    var clockRate: UInt32
    var payloadType: UInt8
}

/// The payload types that were agreed on with one leg. Each direction has its own: the numbers of what comes
/// in were named by us, those of what goes out by the peer (RFC 3264 §5.1).
struct Formats: Equatable, Sendable {
    /// What comes in, by payload type, 0...127.
    private var meanings = [Format](repeating: .unknown, count: 128)
    private var opus: UInt8?
    private var pcmu: UInt8?
    private var pcma: UInt8?
    /// By clock rate; a leg has one or two of them.
    private var events: [EventFormat] = []
    /// What is sent when the source's own codec was not agreed on.
    private(set) var preferred: AudioCodec?
    /// How long a packet of ours lasts, in samples at 8 kHz.
    private(set) var packetSamples = 160

    /// False while the peer holds the call or will not hear.
    private(set) var sends = true

    /// Before a trunk's answer: what every carrier may send (RFC 3551 §6), to be heard only.
    static let provisional: Formats = {
        var formats = Formats()
        formats.meanings[0] = .audio(.pcmu)
        formats.meanings[8] = .audio(.pcma)
        return formats
    }()

    private init() {}

    init(_ audio: BrowserAudio) {
        for format in audio.formats {
            hear(.audio(format.codec), as: format.payloadType)
            speak(format.codec, as: format.payloadType)
        }
        for (clockRate, payloadType) in audio.telephoneEvents {
            hear(.event(clockRate: clockRate), as: payloadType)
            speakEvent(clockRate, as: payloadType)
        }
        sends = audio.direction.sends
    }

    init(_ audio: TrunkAudio) {
        for format in audio.receivable { hear(.audio(format.codec), as: format.payloadType) }
        if let payloadType = audio.receivableTelephoneEvent {
            hear(.event(clockRate: audio.telephoneEventClockRate), as: payloadType)
        }
        speak(audio.codec, as: audio.payloadType)
        if let payloadType = audio.telephoneEvent { speakEvent(audio.telephoneEventClockRate, as: payloadType) }
        packetSamples = Self.packetSamples(milliseconds: audio.packetMilliseconds)
        sends = audio.direction.sends && !audio.remote.host.isUnspecified && audio.remote.port != 0
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

    private mutating func hear(_ format: Format, as payloadType: UInt8) {
        guard payloadType < 128 else { return }
        meanings[Int(payloadType)] = format
    }

    private mutating func speak(_ codec: AudioCodec, as payloadType: UInt8) {
        guard payloadType < 128, self.payloadType(codec) == nil else { return }
        switch codec {
        case .opus: opus = payloadType
        case .pcmu: pcmu = payloadType
        case .pcma: pcma = payloadType
        }
        if preferred == nil { preferred = codec }
    }

    private mutating func speakEvent(_ clockRate: UInt32, as payloadType: UInt8) {
        guard payloadType < 128, events.count < 4 else { return }
        events.append(EventFormat(clockRate: clockRate, payloadType: payloadType))
    }

    /// What an incoming packet holds.
    subscript(payloadType: UInt8) -> Format { meanings[Int(payloadType & 0x7f)] }

    /// What to send a codec as; nil if the peer did not agree to it.
    func payloadType(_ codec: AudioCodec) -> UInt8? {
        switch codec {
        case .opus: opus
        case .pcmu: pcmu
        case .pcma: pcma
        }
    }

    /// Whether the peer takes telephone-events.
    var hasEvents: Bool { !events.isEmpty }

    /// What to send telephone-events as: the one that goes with sound of this clock rate, or the leg's other one.
    func event(clockRate: UInt32) -> EventFormat? {
        for event in events where event.clockRate == clockRate { return event }
        return events.first
    }
}

extension Formats: Codable {
    private enum Key: String, CodingKey {
        case meanings, opus, pcmu, pcma, events, preferred, packetSamples, sends
    }

    /// - Throws: `DecodingError`, for a payload type that RTP has no room for as well.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for (payloadType, format) in try container.decode([UInt8: Format].self, forKey: .meanings) {
            guard payloadType < 128 else {
                throw DecodingError.dataCorruptedError(
                    forKey: .meanings, in: container, debugDescription: "a payload type has 7 bits")
            }
            meanings[Int(payloadType)] = format
        }
        opus = try container.decodeIfPresent(UInt8.self, forKey: .opus)
        pcmu = try container.decodeIfPresent(UInt8.self, forKey: .pcmu)
        pcma = try container.decodeIfPresent(UInt8.self, forKey: .pcma)
        events = try container.decode([EventFormat].self, forKey: .events)
        preferred = try container.decodeIfPresent(AudioCodec.self, forKey: .preferred)
        packetSamples = try container.decode(Int.self, forKey: .packetSamples)
        sends = try container.decode(Bool.self, forKey: .sends)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        let known = meanings.enumerated().filter { $0.element != .unknown }
        try container.encode(
            Dictionary(known.map { (UInt8($0.offset), $0.element) }) { first, _ in first }, forKey: .meanings)
        try container.encodeIfPresent(opus, forKey: .opus)
        try container.encodeIfPresent(pcmu, forKey: .pcmu)
        try container.encodeIfPresent(pcma, forKey: .pcma)
        try container.encode(events, forKey: .events)
        try container.encodeIfPresent(preferred, forKey: .preferred)
        try container.encode(packetSamples, forKey: .packetSamples)
        try container.encode(sends, forKey: .sends)
    }
}

extension AudioCodec {
    /// Ticks of the RTP clock for each sample at 8 kHz, the rate that sound is handled at here.
    var ticksPerSample: UInt32 { clockRate / 8_000 }
}
