import RTP
import SDP
import Wire

/// One direction of a call: what one leg says, on its way to another.
///
/// Sound whose codec the other leg also agreed on passes untouched; anything else is transcoded. A closed
/// gate lets nothing through; the listener's stream goes on without a gap when it opens.
final class Bridge {
    let listener: Leg
    var isOpen: Bool
    private var transcoder: Transcoder?
    private var isTranscoding = false

    init(to listener: Leg, isOpen: Bool) {
        self.listener = listener
        self.isOpen = isOpen
    }

    private var mayPass: Bool {
        guard isOpen, listener.isReady, !listener.isOccupied else {
            listener.rewriter.pause()
            return false
        }
        return true
    }

    /// A packet of sound.
    func sound(_ header: RTPHeader, _ payload: UnsafeRawBufferPointer, _ codec: AudioCodec, _ context: LoopContext) {
        guard mayPass, let target = listener.outgoing(for: codec) else { return }
        if listener.player?.givesWay == true { listener.player = nil }
        listener.codecOut = target.codec
        if target.codec == codec {
            if isTranscoding {
                isTranscoding = false
                transcoder?.rest()
            }
            pass(header, payload, codec, target.payloadType, context)
        } else {
            isTranscoding = true
            transcode(header, payload, codec, to: target, context)
        }
    }

    private func pass(
        _ source: RTPHeader, _ payload: UnsafeRawBufferPointer, _ codec: AudioCodec, _ payloadType: UInt8,
        _ context: LoopContext
    ) {
        guard payload.count <= SendQueue.longestPayload else {
            context.dropped.count(.oversized)
            return
        }
        var header = plain(source, payloadType)
        header.sequenceNumber &+= transcoder?.sequenceOffset ?? 0
        let rate = codec.clockRate
        let outcome = listener.rewriter.rewrite(&header, sourceClockRate: rate, clockRate: rate, now: context.now)
        guard outcome != .discarded else { return }
        let slot = context.queue.reserve()
        SendQueue.payload(of: slot).copyMemory(from: payload)
        listener.transmit(header, payloadLength: payload.count, in: slot, clockRate: rate, context)
    }

    private func transcode(
        _ source: RTPHeader, _ payload: UnsafeRawBufferPointer, _ codec: AudioCodec,
        to target: (codec: AudioCodec, payloadType: UInt8), _ context: LoopContext
    ) {
        if transcoder == nil { transcoder = Transcoder() }
        if let reason = transcoder?.take(source, payload, from: codec, to: target.codec) {
            context.dropped.count(reason)
            guard reason == .codec else { return }
        }
        let samples = listener.formats.packetSamples
        let rate = target.codec.clockRate
        while var header = transcoder?.next(samples: samples) {
            header.payloadType = target.payloadType
            let outcome = listener.rewriter.rewrite(&header, sourceClockRate: rate, clockRate: rate, now: context.now)
            guard outcome != .discarded else {
                transcoder?.discard(samples: samples)
                continue
            }
            let slot = context.queue.reserve()
            let room = SendQueue.payload(of: slot)
            guard let length = transcoder?.encode(samples: samples, as: target.codec, into: room) else {
                context.dropped.count(.codec)
                continue
            }
            listener.transmit(header, payloadLength: length, in: slot, clockRate: rate, context)
        }
    }

    /// A telephone-event (RFC 4733), with its duration and timestamp in the listener's clock. A listener that
    /// agreed on none hears the tones instead, when the digit is complete.
    func event(_ source: RTPHeader, _ event: TelephoneEvent, clockRate: UInt32, _ context: LoopContext) {
        transcoder?.passed(source)
        guard mayPass else { return }
        let soundRate = (listener.codecOut ?? listener.formats.preferred)?.clockRate ?? clockRate
        guard let target = listener.formats.event(clockRate: soundRate) else { return }
        var header = plain(source, target.payloadType)
        var sourceRate = clockRate
        if isTranscoding, let transcoder {
            (header, sourceRate) = transcoder.eventHeader(header, clockRate: clockRate)
        } else {
            header.sequenceNumber &+= transcoder?.sequenceOffset ?? 0
        }
        let outcome = listener.rewriter.rewrite(
            &header, sourceClockRate: sourceRate, clockRate: target.clockRate, isEvent: true, now: context.now)
        guard outcome != .discarded else { return }
        let slot = context.queue.reserve()
        let converted = event.converted(from: clockRate, to: target.clockRate)
        guard let length = try? converted.write(into: SendQueue.payload(of: slot)) else { return }
        listener.transmit(
            header, payloadLength: length, in: slot, clockRate: target.clockRate, isTimed: false, context)
    }

    /// The header without what belongs to the source's own leg: extensions, contributing sources, padding.
    private func plain(_ source: RTPHeader, _ payloadType: UInt8) -> RTPHeader {
        RTPHeader(
            payloadType: payloadType, marker: source.marker, sequenceNumber: source.sequenceNumber,
            timestamp: source.timestamp, ssrc: source.ssrc)
    }
}
