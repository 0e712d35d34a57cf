import Audio
import OpusCodec
import SDP

/// One direction's encoders: made when first needed, freed with the direction.
final class SoundEncoder {
    private var opus: OpusEncoder?

    /// Encodes samples at 8 kHz.
    /// - Returns: the payload's length, or nil if the codec refused or could not be made.
    func encode(
        _ samples: UnsafeBufferPointer<Int16>, as codec: AudioCodec, into payload: UnsafeMutableRawBufferPointer
    ) -> Int? {
        switch codec {
        case .pcmu:
            guard payload.count >= samples.count else { return nil }
            return G711.muLaw.encode(samples, into: payload)
        case .pcma:
            guard payload.count >= samples.count else { return nil }
            return G711.aLaw.encode(samples, into: payload)
        case .opus:
            if opus == nil { opus = try? OpusEncoder() }
            return try? opus?.encode(samples, into: payload)
        }
    }
}

/// One direction's decoders.
final class SoundDecoder {
    private var opus: OpusDecoder?

    /// - Returns: the number of samples at 8 kHz, or nil if the payload does not decode.
    func decode(
        _ payload: UnsafeRawBufferPointer, as codec: AudioCodec, into samples: UnsafeMutableBufferPointer<Int16>
    ) -> Int? {
        switch codec {
        case .pcmu:
            guard payload.count <= samples.count else { return nil }
            return G711.muLaw.decode(payload, into: samples)
        case .pcma:
            guard payload.count <= samples.count else { return nil }
            return G711.aLaw.decode(payload, into: samples)
        case .opus:
            if opus == nil { opus = try? OpusDecoder() }
            return try? opus?.decode(payload, into: samples)
        }
    }

    /// Fills a gap of `missing` samples in front of `next`, whose packet may carry the last lost one again
    /// (in-band FEC). Only Opus can; the far end conceals the losses of G.711.
    /// - Returns: the number of samples written.
    func conceal(
        _ missing: Int, before next: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>
    ) -> Int {
        guard let opus, let each = try? OpusDecoder.samples(in: next), samples.count >= missing else { return 0 }
        let recovered = min(each, missing)
        var written = 0
        if missing > recovered {
            written = (try? opus.conceal(missing - recovered, into: samples)) ?? 0
        }
        let rest = UnsafeMutableBufferPointer(rebasing: samples[written...])
        written += (try? opus.recover(recovered, before: next, into: rest)) ?? 0
        return written
    }
}
