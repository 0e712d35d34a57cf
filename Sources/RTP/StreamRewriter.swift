package import Wire

/// Makes ONE continuous outgoing RTP stream out of whatever comes in: other sources after a transfer, another
/// clock rate after a codec switch, restarts, and packets that the box makes itself.
///
/// A receiver, and SRTP above all, sees one SSRC whose sequence numbers never repeat and never jump by more than
/// the losses on the way. Losses stay visible as gaps and reordered packets keep their place, because the far end's
/// jitter buffer conceals and sorts better than the box could.
///
/// ```
///                 same SSRC, ahead < 3000     number + offset             continued (a gap is a loss)
///   incoming ───▶ same SSRC, behind < 64      number + its own offset     late
///                 another SSRC                highest + 1, new offset     rebased
///                 same SSRC, elsewhere        discarded; if the next one follows it: rebased
/// ```
///
/// No outgoing sequence number is given twice, so that no SRTP nonce is (RFC 7714 §8).
package struct StreamRewriter: Equatable, Sendable, Codable {
    package enum Outcome: Equatable, Sendable {
        /// The packet goes on where the stream was.
        case continued
        /// The packet starts a new piece (source, clock or jump) and carries the marker.
        case rebased
        /// The packet is older than one already sent, and takes its own place.
        case late
        /// Duplicate, too old, or a jump that the next packet must confirm: do not send it.
        case discarded
    }

    /// What a packet that the box makes itself carries.
    package struct Stamp: Equatable, Sendable {
        package let sequenceNumber: UInt16
        package let timestamp: UInt32
        /// Whether the packet starts a talk-spurt, or an event.
        package let marker: Bool
    }

    /// The outgoing stream's.
    package let ssrc: UInt32
    private var sequence: SequenceMap
    private var timeline: Timeline
    private var mapping: TimestampMapping?
    private var foreignEvent: ForeignEvent?
    /// Of the event that the box is making.
    private var ownEventTimestamp: UInt32

    /// - Parameters:
    ///   - firstSequenceNumber: random, at most 0x7fff so that SRTP receivers agree on the rollover counter
    ///     (RFC 3711 §3.3.1).
    ///   - firstTimestamp: random (RFC 3550 §5.1).
    package init(ssrc: UInt32, firstSequenceNumber: UInt16, firstTimestamp: UInt32) {
        self.ssrc = ssrc
        sequence = SequenceMap(first: firstSequenceNumber)
        timeline = Timeline(first: firstTimestamp)
        ownEventTimestamp = firstTimestamp
    }

    package init(ssrc: UInt32, using generator: inout some RandomNumberGenerator) {
        self.init(
            ssrc: ssrc, firstSequenceNumber: .random(in: 0...0x7fff, using: &generator),
            firstTimestamp: .random(in: 0...(.max), using: &generator))
    }

    /// The stream that goes on with this one in another process, whose record of what was sent is a little old: under another
    /// SSRC and from a random number on, so that no nonce comes twice whatever was sent since. Timestamps go on by the time
    /// that has passed, so that the far end hears a pause and no jump.
    package func resumed(ssrc: UInt32, using generator: inout some RandomNumberGenerator) -> StreamRewriter {
        var next = StreamRewriter(ssrc: ssrc, using: &generator)
        next.timeline = timeline
        next.ownEventTimestamp = ownEventTimestamp
        return next
    }

    /// The newest sequence number sent; one before the first when nothing was.
    package var highestSequenceNumber: UInt16 { sequence.highest }

    /// Gives an incoming packet its SSRC, sequence number, timestamp and marker in the outgoing stream.
    /// The payload type stays the caller's to set.
    /// - Parameters:
    ///   - sourceClockRate: of the incoming payload type, Hz.
    ///   - clockRate: of the outgoing payload type, Hz. An event never changes the outgoing stream's clock.
    ///   - isEvent: a telephone-event, whose timestamp stands still and whose clock may differ from the sound's.
    ///   - now: when the packet came.
    /// - Returns: `.discarded` if the packet must not be sent; `header` is then unchanged.
    package mutating func rewrite(
        _ header: inout RTPHeader, sourceClockRate: UInt32, clockRate: UInt32, isEvent: Bool = false, now: MonotonicTime
    ) -> Outcome {
        guard let place = sequence.place(header.sequenceNumber, ssrc: header.ssrc) else { return .discarded }
        let outRate = isEvent && timeline.clockRate != 0 ? timeline.clockRate : max(1, clockRate)
        var outcome: Outcome = place.kind == .late ? .late : .continued
        let timestamp: UInt32

        if isEvent, place.kind != .newSource, let mapping, mapping.sourceClockRate != sourceClockRate {
            // The event runs by another clock than the sound (RFC 7160 §4.1): its start is where the stream is now.
            if let foreignEvent, foreignEvent.source == header.timestamp {
                timestamp = foreignEvent.outgoing
            } else {
                guard place.kind != .late else { return .discarded }
                timestamp = timeline.resume(packets: place.step, clockRate: outRate, now: now)
                foreignEvent = ForeignEvent(source: header.timestamp, outgoing: timestamp)
            }
        } else if place.kind == .late {
            guard let mapping, mapping.covers(header.sequenceNumber, sourceClockRate: sourceClockRate) else {
                return .discarded
            }
            timestamp = mapping.outgoing(header.timestamp, clockRate: timeline.clockRate)
        } else if place.kind == .newest, timeline.clockRate == outRate, let mapping,
            mapping.continues(header.timestamp, sourceClockRate: sourceClockRate, now: now)
        {
            timestamp = mapping.outgoing(header.timestamp, clockRate: outRate)
            self.mapping?.advance(to: header.timestamp, sequenceNumber: header.sequenceNumber, now: now)
        } else {
            outcome = .rebased
            timestamp = timeline.resume(packets: place.step, clockRate: outRate, now: now)
            mapping = TimestampMapping(
                sourceClockRate: sourceClockRate, source: header.timestamp, outgoing: timestamp,
                firstSequenceNumber: header.sequenceNumber, now: now)
            foreignEvent = nil
        }

        if place.kind != .late {
            timeline.sent(timestamp, clockRate: outRate, packets: place.step, isEvent: isEvent, now: now)
        }
        sequence.take(place, sequenceNumber: header.sequenceNumber, ssrc: header.ssrc)
        header.ssrc = ssrc
        header.sequenceNumber = place.outgoing
        header.timestamp = timestamp
        if outcome == .rebased { header.marker = true }
        return outcome
    }

    /// The source's packets were kept back (a closed gate, a digit of our own): the next one goes on without
    /// a gap that the far end would count as loss.
    package mutating func pause() {
        sequence.isPaused = true
    }

    /// Places a packet of sound that the box makes itself: a tone, or what a transcoder packs anew.
    /// - Parameters:
    ///   - samples: how long the packet lasts, in ticks of `clockRate`.
    ///   - clockRate: Hz.
    package mutating func generate(samples: UInt32, clockRate: UInt32, now: MonotonicTime) -> Stamp {
        let rate = max(1, clockRate)
        let isNext = mapping == nil && timeline.isSteady(clockRate: rate, now: now)
        let timestamp = timeline.resume(
            packets: 1, clockRate: rate, toleranceMilliseconds: Timeline.ownToleranceMilliseconds, now: now)
        timeline.sent(timestamp, clockRate: rate, packets: 1, now: now)
        timeline.frame = Int64(samples)
        mapping = nil
        return Stamp(sequenceNumber: sequence.insert(), timestamp: timestamp, marker: !isNext)
    }

    /// Places a packet of an event that the box makes itself, in the stream's own clock.
    /// - Parameters:
    ///   - isFirst: the event's first packet; the ones after it repeat its timestamp (RFC 4733 §2.1).
    ///   - clockRate: Hz, for the case that nothing was sent yet.
    package mutating func generateEvent(isFirst: Bool, clockRate: UInt32, now: MonotonicTime) -> Stamp {
        let rate = timeline.clockRate == 0 ? max(1, clockRate) : timeline.clockRate
        if isFirst {
            ownEventTimestamp = timeline.resume(packets: 1, clockRate: rate, now: now)
            timeline.sent(ownEventTimestamp, clockRate: rate, packets: 1, isEvent: true, now: now)
        }
        return Stamp(sequenceNumber: sequence.insert(), timestamp: ownEventTimestamp, marker: isFirst)
    }
}
