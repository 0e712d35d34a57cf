package import Wire

/// What a sender report says about a stream that goes out (RFC 3550 §6.4.1).
package struct SenderStatistics: Equatable, Sendable, Codable {
    package let ssrc: UInt32
    package private(set) var packets: UInt32 = 0
    /// Payload bytes, without headers and padding; wraps as on the wire.
    package private(set) var bytes: UInt32 = 0
    private var lastTimestamp: UInt32 = 0
    private var lastSentAt: MonotonicTime = .zero
    private var clockRate: UInt32 = 0
    private var packetsAtLastReport: UInt32 = 0

    package init(ssrc: UInt32) {
        self.ssrc = ssrc
    }

    /// Counts a packet that was handed to the socket.
    /// - Parameters:
    ///   - clockRate: of the outgoing stream, Hz.
    ///   - isTimed: false for telephone-events, whose timestamp is not that of the moment of sending.
    package mutating func sent(
        timestamp: UInt32, payloadBytes: Int, clockRate: UInt32, isTimed: Bool = true, now: MonotonicTime
    ) {
        packets &+= 1
        bytes &+= UInt32(truncatingIfNeeded: payloadBytes)
        guard isTimed || self.clockRate == 0 else { return }
        lastTimestamp = timestamp
        lastSentAt = now
        self.clockRate = max(1, clockRate)
    }

    /// What a sender report says now, or nil if nothing was sent since the last one: then a receiver report is due.
    /// - Parameter ntp: the wall clock at `now`.
    package mutating func makeReport(ntp: NTPTime, now: MonotonicTime) -> SenderInformation? {
        guard packets != packetsAtLastReport else { return nil }
        packetsAtLastReport = packets
        let since = UInt32(truncatingIfNeeded: max(0, now.ticks(since: lastSentAt, at: clockRate)))
        return SenderInformation(
            ntp: ntp, timestamp: lastTimestamp &+ since, packets: packets, bytes: bytes)
    }
}
