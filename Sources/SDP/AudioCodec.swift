/// A voice codec that the box can carry.
package enum AudioCodec: String, Codable, Sendable, CaseIterable {
    /// RFC 6716, 7587
    case opus
    /// G.711 µ-law
    case pcmu
    /// G.711 A-law
    case pcma

    /// Ticks of the RTP timestamp in a second. Opus always says 48,000, whatever it was made from (RFC 7587 §4.1).
    package var clockRate: UInt32 {
        switch self {
        case .opus: 48_000
        case .pcmu, .pcma: 8_000
        }
    }

    /// What `a=rtpmap` says after the payload type; Opus always says two channels (RFC 7587 §7).
    package var encoding: String {
        switch self {
        case .opus: "opus/48000/2"
        case .pcmu: "PCMU/8000"
        case .pcma: "PCMA/8000"
        }
    }

    /// The payload type that never needs an `a=rtpmap` (RFC 3551 §6); nil for Opus.
    package var staticPayloadType: UInt8? {
        switch self {
        case .opus: nil
        case .pcmu: 0
        case .pcma: 8
        }
    }

    /// - Returns: nil for an encoding that the box cannot carry. Names compare without case (RFC 8866 §6.6).
    init?(_ map: RTPMap) {
        switch (map.encodingName, map.clockRate) {
        case ("opus", 48_000): self = .opus
        case ("pcmu", 8_000) where map.channels == 1: self = .pcmu
        case ("pcma", 8_000) where map.channels == 1: self = .pcma
        default: return nil
        }
    }
}

/// A codec under the payload type number that one session knows it by.
package struct AudioFormat: Hashable, Sendable, Codable {
    package var codec: AudioCodec
    /// 0...127
    package var payloadType: UInt8
    /// The value of `a=fmtp` without the payload type; empty if there was none.
    package var parameters: String

    package init(codec: AudioCodec, payloadType: UInt8, parameters: String = "") {
        self.codec = codec
        self.payloadType = payloadType
        self.parameters = parameters
    }
}
