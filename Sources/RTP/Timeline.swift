import Wire

/// Where the outgoing timestamps are, so that a new piece can go on by the time that has passed.
struct Timeline: Equatable, Sendable, Codable {
    /// A packet this much off the beat still counts as the next one when a stream goes on.
    static let toleranceMilliseconds: Int64 = 60
    /// The same for packets of the box's own making, which a transcoder hands over in bursts.
    static let ownToleranceMilliseconds: Int64 = 150
    /// No packet of sound is longer (RFC 6716 §2.1.4).
    static let longestPacketMilliseconds: Int64 = 120

    /// The highest timestamp sent; before the first packet, what that one will carry.
    private(set) var last: UInt32
    /// When it was sent first.
    private var sentAt: MonotonicTime = .zero
    /// Hz; 0 before the first packet.
    private(set) var clockRate: UInt32 = 0
    /// How long one packet lasts, in ticks; 0 while unknown.
    var frame: Int64 = 0

    init(first: UInt32) {
        last = first
    }

    /// Whether the next packet comes when the last one ends, or nearly.
    func isSteady(clockRate: UInt32, now: MonotonicTime) -> Bool {
        guard self.clockRate == clockRate, frame > 0 else { return false }
        let late = now.ticks(since: sentAt, at: clockRate) &- frame
        return late.magnitude <= (Self.ownToleranceMilliseconds * Int64(clockRate) / 1000).magnitude
    }

    /// The timestamp of a packet that starts a new piece.
    ///
    /// The time that passed counts, but within the tolerance of the beat the beat does: network jitter must not
    /// become jitter of the timestamps, and two packets never share one.
    /// - Parameter packets: how many packets after the last one sent this one is.
    func resume(
        packets: Int, clockRate: UInt32, toleranceMilliseconds: Int64 = Timeline.toleranceMilliseconds,
        now: MonotonicTime
    ) -> UInt32 {
        guard self.clockRate != 0 else { return last }
        let elapsed = max(0, now.ticks(since: sentAt, at: clockRate))
        let beat = rescale(frame, from: self.clockRate, to: clockRate) &* Int64(packets)
        let tolerance = (toleranceMilliseconds * Int64(clockRate) / 1000).magnitude
        let isOnBeat = frame > 0 && (elapsed &- beat).magnitude <= tolerance
        return last &+ UInt32(truncatingIfNeeded: max(1, isOnBeat ? beat : elapsed))
    }

    /// Notes a packet that is not late.
    mutating func sent(_ timestamp: UInt32, clockRate: UInt32, packets: Int, now: MonotonicTime) {
        guard self.clockRate != 0 else {
            (self.clockRate, last, sentAt) = (clockRate, timestamp, now)
            return
        }
        if clockRate != self.clockRate {
            frame = rescale(frame, from: self.clockRate, to: clockRate)
            self.clockRate = clockRate
        }
        let ahead = timestamp.distance(after: last)
        guard ahead > 0 else { return }
        let each = Int64(ahead) / Int64(max(1, packets))
        if each > 0, each <= Self.longestPacketMilliseconds * Int64(clockRate) / 1000 { frame = each }
        last = timestamp
        sentAt = now
    }
}

/// How one piece of a source's timestamps becomes the outgoing ones.
struct TimestampMapping: Equatable, Sendable, Codable {
    /// A timestamp this far ahead of the time that passed is a new beginning.
    static let greatestLead: Int64 = 3
    /// One this far behind too; events stand still for up to 8.2 s while sound may go on beside them.
    static let greatestLag: Int64 = 10

    let sourceClockRate: UInt32
    private let anchor: UInt32
    /// The source's sequence number with which the piece begins.
    private let firstSequenceNumber: UInt16
    /// The source's highest timestamp, when it first came, and how far it is from the piece's beginning.
    private var highest: UInt32
    private var heardAt: MonotonicTime
    private var sinceAnchor: Int64 = 0

    init(
        sourceClockRate: UInt32, source: UInt32, outgoing: UInt32, firstSequenceNumber: UInt16, now: MonotonicTime
    ) {
        self.sourceClockRate = sourceClockRate
        anchor = outgoing
        self.firstSequenceNumber = firstSequenceNumber
        highest = source
        heardAt = now
    }

    /// Whether a packet newer than all others belongs to the same piece.
    func continues(_ timestamp: UInt32, sourceClockRate: UInt32, now: MonotonicTime) -> Bool {
        guard sourceClockRate == self.sourceClockRate else { return false }
        let ahead = Int64(timestamp.distance(after: highest))
        let second = Int64(sourceClockRate)
        guard ahead >= 0 else { return ahead > -Self.greatestLag * second }
        return ahead &- now.ticks(since: heardAt, at: sourceClockRate) <= Self.greatestLead * second
    }

    /// Whether a late packet belongs to this piece and not to the one before.
    func covers(_ sequenceNumber: UInt16, sourceClockRate: UInt32) -> Bool {
        sourceClockRate == self.sourceClockRate && sequenceNumber.distance(after: firstSequenceNumber) >= 0
    }

    func outgoing(_ timestamp: UInt32, clockRate: UInt32) -> UInt32 {
        let distance = sinceAnchor &+ Int64(timestamp.distance(after: highest))
        return anchor &+ UInt32(truncatingIfNeeded: rescale(distance, from: sourceClockRate, to: clockRate))
    }

    mutating func advance(to timestamp: UInt32, now: MonotonicTime) {
        let ahead = timestamp.distance(after: highest)
        guard ahead > 0 else { return }
        sinceAnchor &+= Int64(ahead)
        highest = timestamp
        heardAt = now
    }
}

/// The start of an event whose clock is not the sound's.
struct ForeignEvent: Equatable, Sendable, Codable {
    let source: UInt32
    let outgoing: UInt32
}
