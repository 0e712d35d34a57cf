// OpusCodec: libopus made safe, at the 8 kHz mono API rate that G.711 trunks need.
//
// In the room: one encoder and one decoder class over the caller's buffers, with loss concealment and in-band FEC.
// Never in the room: RTP, jitter buffers, G.711, resampling, other rates.
// Why 8 kHz: G.711 holds nothing above 4 kHz, so libopus itself resamples for less than half the cost.
//
// RFC 6716 (Opus), RFC 7587 (its RTP payload).

import COpus
import Synchronization

/// How many libopus states live at this moment, for leak checks and the status page.
package enum OpusObjects {
    static let encoderCount = Atomic<Int>(0)
    static let decoderCount = Atomic<Int>(0)

    package static var encoders: Int { encoderCount.load(ordering: .relaxed) }
    package static var decoders: Int { decoderCount.load(ordering: .relaxed) }
}

/// The figures of the room's one format.
package enum OpusFormat {
    /// Samples a second at the API. On the wire Opus counts its RTP timestamps at 48,000 Hz, six times as fast.
    package static let sampleRate = 8_000
    /// The longest packet: 120 ms (RFC 6716 §3.2.5), in samples.
    package static let longestPacketSamples = 960
    /// The samples that one encoded frame may have: 2.5, 5, 10, 20, 40 and 60 ms.
    package static let frameSamples: Set<Int> = [20, 40, 80, 160, 320, 480]
    /// The longest concealment is a packet's, and it comes in steps of 2.5 ms (20 samples).
    static let concealmentStep = 20
}

/// Why nothing was encoded or decoded.
package enum OpusError: Error, Equatable, Sendable {
    /// The payload is not a valid Opus packet (RFC 6716 §3.4).
    case invalidPacket
    /// The number of samples is none that Opus has.
    case wrongFrameSize
    /// The result does not fit into the caller's buffer.
    case noRoom
    /// Any other status of libopus, by its number (negative).
    case library(Int32)

    init(status: Int32) {
        switch status {
        case OPUS_INVALID_PACKET: self = .invalidPacket
        case OPUS_BUFFER_TOO_SMALL: self = .noRoom
        default: self = .library(status)
        }
    }
}
