import COpus
import Synchronization

/// Opus packets of any bandwidth, mono or stereo, into 8 kHz mono. Belongs to one thread at a time; decoding
/// allocates nothing.
package final class OpusDecoder {
    private let state: OpaquePointer

    /// - Throws: `.library` when libopus has no memory.
    package init() throws(OpusError) {
        var status: Int32 = 0
        let made = opus_decoder_create(Int32(OpusFormat.sampleRate), 1, &status)
        guard let made, status == OPUS_OK else { throw OpusError(status: status) }
        state = made
        OpusObjects.decoderCount.add(1, ordering: .relaxed)
    }

    deinit {
        opus_decoder_destroy(state)
        OpusObjects.decoderCount.subtract(1, ordering: .relaxed)
    }

    /// How many samples a packet decodes to, read from its first bytes.
    /// - Throws: `.invalidPacket`.
    package static func samples(in payload: UnsafeRawBufferPointer) throws(OpusError) -> Int {
        guard let (bytes, length) = Self.view(payload) else { throw .invalidPacket }
        let count = opus_packet_get_nb_samples(bytes, length, Int32(OpusFormat.sampleRate))
        guard count > 0 else { throw .invalidPacket }
        return Int(count)
    }

    /// Decodes one packet.
    /// - Parameter samples: room for what the packet holds; `OpusFormat.longestPacketSamples` always suffices.
    /// - Returns: the number of samples written.
    /// - Throws: `.invalidPacket`, `.noRoom`.
    package func decode(
        _ payload: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>
    ) throws(OpusError) -> Int {
        let expected = try Self.samples(in: payload)
        guard let (bytes, length) = Self.view(payload) else { throw .invalidPacket }
        guard samples.count >= expected else { throw .noRoom }
        return try run(bytes, length, into: samples, count: expected, recovering: false)
    }

    /// Fills a gap without any packet: packet loss concealment, which fades out as the gap grows.
    /// - Parameter count: the gap in samples, a multiple of 20 (2.5 ms), at most `OpusFormat.longestPacketSamples`.
    /// - Returns: `count`.
    /// - Throws: `.wrongFrameSize`, `.noRoom`.
    package func conceal(_ count: Int, into samples: UnsafeMutableBufferPointer<Int16>) throws(OpusError) -> Int {
        try check(gap: count, samples)
        return try run(nil, 0, into: samples, count: count, recovering: false)
    }

    /// Restores the packet that was lost right before `next` from its in-band FEC, or conceals where it has none.
    /// Decode `next` itself afterwards.
    /// - Parameter count: the lost packet's samples, a multiple of 20 (2.5 ms), at most `longestPacketSamples`.
    /// - Returns: `count`.
    /// - Throws: `.invalidPacket`, `.wrongFrameSize`, `.noRoom`.
    package func recover(
        _ count: Int, before next: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>
    ) throws(OpusError) -> Int {
        try check(gap: count, samples)
        _ = try Self.samples(in: next)
        guard let (bytes, length) = Self.view(next) else { throw .invalidPacket }
        return try run(bytes, length, into: samples, count: count, recovering: true)
    }

    private func check(gap count: Int, _ samples: UnsafeMutableBufferPointer<Int16>) throws(OpusError) {
        guard count > 0, count <= OpusFormat.longestPacketSamples, count % OpusFormat.concealmentStep == 0 else {
            throw .wrongFrameSize
        }
        guard samples.count >= count else { throw .noRoom }
    }

    private func run(
        _ bytes: UnsafePointer<UInt8>?, _ length: Int32, into samples: UnsafeMutableBufferPointer<Int16>, count: Int,
        recovering: Bool
    ) throws(OpusError) -> Int {
        guard let target = samples.baseAddress else { throw .noRoom }
        let written = opus_decode(
            state, bytes, length, target, Int32(truncatingIfNeeded: count), recovering ? 1 : 0)
        guard written >= 0 else { throw OpusError(status: written) }
        return Int(written)
    }

    /// The payload as libopus wants it. An empty one is refused here: libopus would take it for a loss.
    private static func view(_ payload: UnsafeRawBufferPointer) -> (UnsafePointer<UInt8>, Int32)? {
        guard let base = payload.baseAddress, payload.count > 0, let length = Int32(exactly: payload.count) else {
            return nil
        }
        return (base.assumingMemoryBound(to: UInt8.self), length)
    }
}
