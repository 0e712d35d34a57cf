import Wire

/// Walks through a compound RTCP packet (RFC 3550 §6.1), or one of reduced size (RFC 5506).
///
///     |V=2|P|   RC    |      PT       |  length in words, less one    |
///
/// The checks are those of RFC 3550 A.2, without "SR or RR comes first", which RFC 5506 lifts.
package struct RTCPReader {
    private let datagram: UnsafeRawBufferPointer
    private var position = 0

    /// Checks the whole chain of lengths before the first packet is read.
    package init(_ datagram: UnsafeRawBufferPointer) throws(RTCPError) {
        guard datagram.count >= RTCP.headerLength else { throw .tooShort(count: datagram.count) }
        self.datagram = datagram
        var start = 0
        while start < datagram.count {
            guard datagram.count - start >= RTCP.headerLength else { throw .tooShort(count: datagram.count - start) }
            let first = datagram[start]
            guard first >> 6 == 2 else { throw .unknownVersion(first >> 6) }
            guard (192...223).contains(datagram[start + 1]) else { throw .unknownType(datagram[start + 1]) }
            let words = bigEndian16(datagram, at: start + 2)
            let end = start + RTCP.headerLength + 4 * Int(words)
            guard end <= datagram.count else { throw .lengthBeyondEnd(words: words) }
            if first & 0x20 != 0 {
                let padding = Int(datagram[end - 1])
                guard end == datagram.count, words > 0, padding > 0, padding % 4 == 0, padding <= 4 * Int(words) else {
                    throw .paddingInvalid
                }
            }
            start = end
        }
    }

    /// The next packet, or nil after the last.
    /// - Throws: `truncated` if a packet is shorter than its counts say; reading can go on after it.
    package mutating func next() throws(RTCPError) -> RTCPPacket? {
        guard position < datagram.count else { return nil }
        let start = position
        let first = datagram[start]
        let type = datagram[start + 1]
        position = start + RTCP.headerLength + 4 * Int(bigEndian16(datagram, at: start + 2))
        let padding = first & 0x20 != 0 ? Int(datagram[position - 1]) : 0
        let body = UnsafeRawBufferPointer(rebasing: datagram[start + RTCP.headerLength..<position - padding])
        do {
            return try Self.parse(type: type, count: Int(first & 0x1f), body: body)
        } catch {
            throw .truncated(type: type)
        }
    }

    private static func parse(type: UInt8, count: Int, body: UnsafeRawBufferPointer) throws(WireError) -> RTCPPacket {
        var reader = ByteReader(body)
        switch type {
        case RTCP.PacketType.senderReport:
            let ssrc = try reader.readUInt32()
            let information = try SenderInformation(reading: &reader)
            let rest = try reader.readBytes(reader.remaining)
            return .senderReport(ssrc: ssrc, information, try ReportBlocks(count: count, in: rest))
        case RTCP.PacketType.receiverReport:
            let ssrc = try reader.readUInt32()
            let rest = try reader.readBytes(reader.remaining)
            return .receiverReport(ssrc: ssrc, try ReportBlocks(count: count, in: rest))
        case RTCP.PacketType.sourceDescription:
            return .sourceDescription(try SourceDescriptions(count: count, in: body))
        case RTCP.PacketType.goodbye:
            return .goodbye(try GoodbyeSources(count: count, in: body))
        case RTCP.PacketType.transportFeedback, RTCP.PacketType.payloadFeedback:
            let sender = try reader.readUInt32()
            let media = try reader.readUInt32()
            let control = try reader.readBytes(reader.remaining)
            return .feedback(
                type: type, format: UInt8(truncatingIfNeeded: count), sender: sender, media: media, control: control)
        default:
            return .other(type: type)
        }
    }
}
