import RTP
import SDP
import Wire

/// Digits that the box makes or reads.
extension MediaLoop {
    /// A digit was pressed at the far side of a leg.
    func pressed(_ digit: Character, _ leg: Leg) {
        context.emit(.digit(leg.identifier, digit))
        if leg.isReadingBack {
            leg.player?.enqueue(digit)
        } else if let bridge = leg.bridge, bridge.isOpen, bridge.listener !== leg, bridge.listener.takesDigits,
            !bridge.listener.formats.hasEvents, leg.countedEvent?.isTwin != true
        {
            play(digit, to: bridge.listener)
        }
    }

    /// Passes a telephone-event on; one that begins with its end is pressed anew as a whole.
    ///
    /// Chromium sends an event with a 48 kHz clock as its three last packets only, and the first packets of any
    /// event can be lost. RFC 4733 §2.5.1.4 lets a receiver take that for a digit, but not every telephone does.
    func relay(_ event: TelephoneEvent, _ header: RTPHeader, clockRate: UInt32, from leg: Leg) {
        guard !isTwin(event, header, of: leg), let bridge = leg.bridge, bridge.listener.takesDigits else { return }
        if leg.eventTimestamp != header.timestamp {
            leg.eventTimestamp = header.timestamp
            leg.eventBeganWithEnd = event.isEnd && bridge.listener !== leg && bridge.listener.formats.hasEvents
            if leg.eventBeganWithEnd, bridge.isOpen, let digit = event.digit {
                send(String(digit), to: bridge.listener)
            }
        }
        if !leg.eventBeganWithEnd {
            bridge.event(header, event, clockRate: clockRate, context)
        }
    }

    /// Whether a telephone-event is a key that signalling brought before, and that went on then.
    private func isTwin(_ event: TelephoneEvent, _ header: RTPHeader, of leg: Leg) -> Bool {
        if let counted = leg.countedEvent {
            if counted.timestamp == header.timestamp { return counted.isTwin }
            // A packet of the event before, overtaken by this one's first.
            if counted.timestamp &- header.timestamp < Self.overtakenTicks { return true }
        }
        let isTwin = event.digit.map { !leg.heardKeys.hears($0, by: .sound, now: context.now) } ?? false
        leg.countedEvent = (header.timestamp, isTwin)
        return isTwin
    }

    /// Ten seconds of an 8 kHz clock: an event that begins anew is hardly ever so little before the last one.
    private static let overtakenTicks: UInt32 = 80_000

    /// A key of `source`'s that came by signalling, perhaps while the sound brings it, or shortly before.
    func relay(_ digit: Character, from source: Leg, to leg: Leg) {
        guard source.heardKeys.hears(digit, by: .message, now: context.now) else { return }
        send(String(digit), to: leg)
    }

    /// Presses digits towards a leg: as telephone-events, or as tones where none were agreed on.
    func send(_ digits: String, to leg: Leg) {
        let clockRate = (leg.codecOut ?? leg.formats.preferred)?.clockRate ?? 8_000
        guard let format = leg.formats.event(clockRate: clockRate) else {
            for digit in digits { play(digit, to: leg) }
            return
        }
        if leg.digitSender == nil || leg.digitFormat?.payloadType != format.payloadType {
            leg.digitFormat = format
            leg.digitSender = TelephoneEventSender(clockRate: format.clockRate)
        }
        for digit in digits { _ = leg.digitSender?.enqueue(digit) }
    }

    private func play(_ digit: Character, to leg: Leg) {
        guard TelephoneEvent.code(for: digit) != nil else { return }
        if leg.player == nil || leg.player?.givesWay == true { leg.player = ServicePlayer(.digits(steady: false)) }
        leg.player?.enqueue(digit)
    }

    /// Sends what is due of the digits that the box presses.
    func advanceDigits(_ leg: Leg) {
        guard let format = leg.digitFormat, leg.isReady else { return }
        while let packet = leg.digitSender?.next(now: context.now) {
            let stamp = leg.rewriter.generateEvent(
                isFirst: packet.isFirst, clockRate: format.clockRate, now: context.now)
            let header = RTPHeader(
                payloadType: format.payloadType, marker: stamp.marker, sequenceNumber: stamp.sequenceNumber,
                timestamp: stamp.timestamp, ssrc: leg.rewriter.ssrc)
            let slot = context.queue.reserve()
            guard let length = try? packet.event.write(into: SendQueue.payload(of: slot)) else { return }
            leg.transmit(
                header, payloadLength: length, in: slot, clockRate: format.clockRate, isTimed: false, context)
        }
        if leg.digitSender?.isIdle == true { leg.digitSender = nil }
    }
}
