import RTP
import SDP
import Wire

/// Turns one leg's packets into packets of another codec, driven by the packets alone: no clock of its own
/// and no playout buffer, because the far end has one.
///
/// Its output is described as a stream of its own that follows the source's closely: sequence numbers keep
/// the source's gaps (unless the gap was concealed), timestamps are the source's, scaled to the outgoing
/// clock. The leg's `StreamRewriter` then places that stream in what goes out.
struct Transcoder {
    /// Longer gaps are not concealed: after 120 ms concealment has faded to silence anyway.
    static let longestConcealment = 960

    private let decoder = SoundDecoder()
    private let encoder = SoundEncoder()
    private let queue = SampleQueue()

    /// Outgoing minus incoming sequence number.
    private(set) var sequenceOffset: UInt16 = 0
    private var source: UInt32?
    /// The newest sequence number of the source, telephone-events included.
    private var newest: UInt16 = 0
    private var sourceTimestamp: UInt32 = 0
    private var sourceRate: UInt32 = 0
    private var outgoingRate: UInt32 = 0
    /// The outgoing timestamp that belongs to `sourceTimestamp`.
    private var outgoingTimestamp: UInt32 = 0
    /// The outgoing timestamp of the first sample in the queue.
    private var frontTimestamp: UInt32 = 0
    private var hasFront = false
    private var nextSequenceNumber: UInt16 = 0
    private var marker = false

    /// Notes a packet of the source that is not decoded here, so that it is not taken for a loss.
    mutating func passed(_ header: RTPHeader) {
        if source == header.ssrc, header.sequenceNumber.distance(after: newest) > 0 {
            newest = header.sequenceNumber
        }
    }

    /// Sound passes through from here on; what waits for the rest of a frame is dropped.
    mutating func rest() {
        queue.removeAll()
        hasFront = false
        source = nil
    }

    /// Decodes a packet into the queue.
    /// - Returns: why not, if not.
    mutating func take(
        _ header: RTPHeader, _ payload: UnsafeRawBufferPointer, from codec: AudioCodec, to target: AudioCodec
    ) -> DropReason? {
        let scale = target.ticksPerSample
        var lost = 0
        if source == header.ssrc, sourceRate == codec.clockRate, outgoingRate == target.clockRate {
            let step = header.sequenceNumber.distance(after: newest)
            if step <= 0, step > -1000 { return .late }
            lost = step > 0 && step < 1000 ? step - 1 : 0
            outgoingTimestamp &+= scaled(header.timestamp.distance(after: sourceTimestamp))
        } else {
            queue.removeAll()
            hasFront = false
            source = header.ssrc
            sourceRate = codec.clockRate
            outgoingRate = target.clockRate
            outgoingTimestamp = scaled(Int(header.timestamp))
        }
        newest = header.sequenceNumber
        sourceTimestamp = header.timestamp
        marker = marker || header.marker
        nextSequenceNumber = header.sequenceNumber &+ sequenceOffset

        let end = frontTimestamp &+ UInt32(truncatingIfNeeded: queue.count) &* scale
        let gap = hasFront ? outgoingTimestamp.distance(after: end) : 0
        if hasFront, gap != 0 {
            let missing = gap / Int(scale)
            var concealed = 0
            if codec == .opus, lost > 0, missing > 0, missing <= Self.longestConcealment, missing % 20 == 0 {
                concealed = decoder.conceal(missing, before: payload, into: queue.room)
                queue.append(concealed)
            }
            if concealed > 0, concealed == missing {
                nextSequenceNumber &-= UInt16(truncatingIfNeeded: lost)
            } else if concealed > 0 || gap.magnitude >= scale {
                queue.removeAll()
                hasFront = false
            }
        }
        if !hasFront {
            frontTimestamp = outgoingTimestamp
            hasFront = true
        }
        guard let count = decoder.decode(payload, as: codec, into: queue.room) else { return .codec }
        queue.append(count)
        return nil
    }

    /// The next full frame's header, or nil when the packet is used up. `encode` must follow.
    mutating func next(samples: Int) -> RTPHeader? {
        guard let source, queue.count >= samples else {
            sequenceOffset = nextSequenceNumber &- 1 &- newest
            return nil
        }
        let header = RTPHeader(
            payloadType: 0, marker: marker, sequenceNumber: nextSequenceNumber, timestamp: frontTimestamp, ssrc: source)
        nextSequenceNumber &+= 1
        frontTimestamp &+= UInt32(truncatingIfNeeded: samples) &* (outgoingRate / 8_000)
        marker = false
        return header
    }

    /// Encodes the frame that `next` announced.
    func encode(samples: Int, as codec: AudioCodec, into payload: UnsafeMutableRawBufferPointer) -> Int? {
        guard let frame = queue.front(samples) else { return nil }
        defer { queue.remove(samples) }
        return encoder.encode(frame, as: codec, into: payload)
    }

    /// Drops the frame that `next` announced.
    func discard(samples: Int) {
        queue.remove(samples)
    }

    /// A telephone-event's header in terms of the outgoing stream, and the clock that its timestamp then has.
    ///
    /// An event that shares the sound's clock is scaled like it. One with a clock of its own (Firefox sends
    /// telephone-event/8000 beside Opus) gets a clock rate that is no stream's, so that the rewriter starts it
    /// where the outgoing stream is.
    func eventHeader(_ header: RTPHeader, clockRate: UInt32) -> (header: RTPHeader, clockRate: UInt32) {
        var copy = header
        copy.sequenceNumber &+= sequenceOffset
        guard source == header.ssrc else { return (copy, clockRate) }
        guard clockRate == sourceRate else { return (copy, 1) }
        copy.timestamp = outgoingTimestamp &+ scaled(header.timestamp.distance(after: sourceTimestamp))
        return (copy, outgoingRate)
    }

    private func scaled(_ ticks: Int) -> UInt32 {
        guard sourceRate != outgoingRate, sourceRate > 0 else { return UInt32(truncatingIfNeeded: ticks) }
        return UInt32(truncatingIfNeeded: ticks * Int(outgoingRate) / Int(sourceRate))
    }
}
