package import Wire

/// What a receiver says about one source (RFC 3550 §6.4.1).
///
///     |                         SSRC of the source                    |
///     | fraction lost |       cumulative number of packets lost       |
///     |           extended highest sequence number received           |
///     |                      interarrival jitter                      |
///     |                         last SR (LSR)                         |
///     |                   delay since last SR (DLSR)                  |
package struct ReportBlock: Equatable, Sendable {
    package static let length = 24

    package var ssrc: UInt32
    /// Since the last report, in 1/256.
    package var fractionLost: UInt8
    /// −2²³..<2²³; negative when duplicates outnumber losses.
    package var cumulativeLost: Int32
    package var extendedHighest: UInt32
    /// In ticks of the source's clock rate.
    package var jitter: UInt32
    /// `NTPTime.middle` of the last sender report; 0 for none.
    package var lastSenderReport: UInt32
    /// In 1/65536 s.
    package var delaySinceLastSenderReport: UInt32

    package init(
        ssrc: UInt32, fractionLost: UInt8, cumulativeLost: Int32, extendedHighest: UInt32, jitter: UInt32,
        lastSenderReport: UInt32, delaySinceLastSenderReport: UInt32
    ) {
        self.ssrc = ssrc
        self.fractionLost = fractionLost
        self.cumulativeLost = cumulativeLost
        self.extendedHighest = extendedHighest
        self.jitter = jitter
        self.lastSenderReport = lastSenderReport
        self.delaySinceLastSenderReport = delaySinceLastSenderReport
    }

    init(reading reader: inout ByteReader) throws(WireError) {
        ssrc = try reader.readUInt32()
        let loss = try reader.readUInt32()
        fractionLost = UInt8(truncatingIfNeeded: loss >> 24)
        cumulativeLost = Int32(bitPattern: loss << 8) >> 8
        extendedHighest = try reader.readUInt32()
        jitter = try reader.readUInt32()
        lastSenderReport = try reader.readUInt32()
        delaySinceLastSenderReport = try reader.readUInt32()
    }

    func write(to writer: inout ByteWriter) throws(WireError) {
        try writer.write(ssrc)
        try writer.write(UInt32(fractionLost) << 24 | UInt32(bitPattern: cumulativeLost) & 0xff_ffff)
        try writer.write(extendedHighest)
        try writer.write(jitter)
        try writer.write(lastSenderReport)
        try writer.write(delaySinceLastSenderReport)
    }

    /// The way there and back, from a block about a stream of ours (RFC 3550 §6.4.1: A − LSR − DLSR).
    /// - Parameter arrival: when the block came, by the clock that our sender reports carry.
    /// - Returns: nil if the other side had no sender report of ours yet, or for more than a minute, which is no
    ///   round trip but a clock that was set or a block that is not true. Slightly negative becomes zero.
    package func roundTrip(arrival: NTPTime) -> Duration? {
        guard lastSenderReport != 0 else { return nil }
        let ticks = Int32(bitPattern: arrival.middle &- lastSenderReport &- delaySinceLastSenderReport)
        guard ticks < 60 * 65536, ticks > -65536 else { return nil }
        return Duration(ticks: Int64(max(0, ticks)), clockRate: 65536)
    }
}

/// The sender's part of a sender report (RFC 3550 §6.4.1).
package struct SenderInformation: Equatable, Sendable {
    package static let length = 20

    package var ntp: NTPTime
    /// The same moment in the stream's RTP clock.
    package var timestamp: UInt32
    package var packets: UInt32
    package var bytes: UInt32

    package init(ntp: NTPTime, timestamp: UInt32, packets: UInt32, bytes: UInt32) {
        self.ntp = ntp
        self.timestamp = timestamp
        self.packets = packets
        self.bytes = bytes
    }

    init(reading reader: inout ByteReader) throws(WireError) {
        ntp = NTPTime(bits: try reader.readUInt64())
        timestamp = try reader.readUInt32()
        packets = try reader.readUInt32()
        bytes = try reader.readUInt32()
    }

    func write(to writer: inout ByteWriter) throws(WireError) {
        try writer.write(ntp.bits)
        try writer.write(timestamp)
        try writer.write(packets)
        try writer.write(bytes)
    }
}
