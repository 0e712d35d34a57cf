import COpus
import CShims
import Synchronization

/// Speech at 8 kHz mono into Opus packets. Belongs to one thread at a time; encoding allocates nothing.
package final class OpusEncoder {
    private let state: OpaquePointer

    /// - Parameters:
    ///   - complexity: 0 to 10. 5 costs about 60 µs for 20 ms of sound, 10 almost twice as much.
    ///   - bitsPerSecond: 24,000 keeps narrowband speech and tones clean and leaves room for FEC.
    ///   - expectedLossPercent: how much loss the in-band FEC is made for; 0 sends none.
    /// - Throws: `.library` when libopus has no memory or refuses a value.
    package init(complexity: Int32 = 5, bitsPerSecond: Int32 = 24_000, expectedLossPercent: Int32 = 5) throws(OpusError)
    {
        var status: Int32 = 0
        let made = opus_encoder_create(Int32(OpusFormat.sampleRate), 1, OPUS_APPLICATION_VOIP, &status)
        guard let made, status == OPUS_OK else { throw OpusError(status: status) }
        state = made
        OpusObjects.encoderCount.add(1, ordering: .relaxed)
        try set(OPUS_SET_COMPLEXITY_REQUEST, complexity)
        try set(OPUS_SET_BITRATE_REQUEST, bitsPerSecond)
        try set(OPUS_SET_INBAND_FEC_REQUEST, 1)
        try set(OPUS_SET_PACKET_LOSS_PERC_REQUEST, expectedLossPercent)
    }

    deinit {
        opus_encoder_destroy(state)
        OpusObjects.encoderCount.subtract(1, ordering: .relaxed)
    }

    /// Tunes the in-band FEC to the loss that the receiver reports, in percent (0 to 100).
    /// - Throws: `.library` for a value outside the range.
    package func expectLoss(percent: Int32) throws(OpusError) {
        try set(OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent)
    }

    /// Encodes one frame.
    /// - Parameters:
    ///   - samples: as many as `OpusFormat.frameSamples` permits; 160 for 20 ms.
    ///   - payload: where the packet goes; 400 bytes hold any frame of 20 ms at 24 kbit/s.
    /// - Returns: the packet's length in bytes.
    /// - Throws: `.wrongFrameSize` for other counts, `.noRoom` for a payload buffer that is too small.
    package func encode(
        _ samples: UnsafeBufferPointer<Int16>, into payload: UnsafeMutableRawBufferPointer
    ) throws(OpusError) -> Int {
        guard OpusFormat.frameSamples.contains(samples.count), let source = samples.baseAddress else {
            throw .wrongFrameSize
        }
        guard let target = payload.baseAddress, payload.count > 1 else { throw .noRoom }
        let length = opus_encode(
            state, source, Int32(truncatingIfNeeded: samples.count), target.assumingMemoryBound(to: UInt8.self),
            Int32(clamping: payload.count))
        guard length > 0 else { throw OpusError(status: length) }
        return Int(length)
    }

    private func set(_ request: Int32, _ value: Int32) throws(OpusError) {
        let status = sipcall_opus_encoder_set(state, request, value)
        guard status == OPUS_OK else { throw OpusError(status: status) }
    }
}
