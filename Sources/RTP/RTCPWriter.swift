package import Wire

/// Writes a compound RTCP packet into a buffer of the caller's: a report first, then SDES, then BYE
/// (RFC 3550 §6.1). After `noRoom` the buffer's content is of no use.
package struct RTCPWriter {
    /// The length field of a text is one byte.
    private static let longestText = 255

    private var writer: ByteWriter

    package init(_ buffer: UnsafeMutableRawBufferPointer) {
        writer = ByteWriter(buffer)
    }

    /// Bytes written so far.
    package var length: Int { writer.position }

    package mutating func senderReport(
        ssrc: UInt32, _ information: SenderInformation, _ block: ReportBlock?
    ) throws(WireError) {
        let body = 4 + SenderInformation.length + (block == nil ? 0 : ReportBlock.length)
        try header(count: block == nil ? 0 : 1, type: RTCP.PacketType.senderReport, body: body)
        try writer.write(ssrc)
        try information.write(to: &writer)
        try block?.write(to: &writer)
    }

    package mutating func receiverReport(ssrc: UInt32, _ block: ReportBlock?) throws(WireError) {
        let body = 4 + (block == nil ? 0 : ReportBlock.length)
        try header(count: block == nil ? 0 : 1, type: RTCP.PacketType.receiverReport, body: body)
        try writer.write(ssrc)
        try block?.write(to: &writer)
    }

    /// One chunk with one item, CNAME, which every compound packet must have (RFC 3550 §6.5).
    /// - Parameter canonicalName: cut after 255 bytes.
    package mutating func sourceDescription(ssrc: UInt32, canonicalName: String) throws(WireError) {
        let text = min(canonicalName.utf8.count, Self.longestText)
        // SSRC, item type and length, text, at least one zero, up to 32 bits.
        let body = (4 + 2 + text + 1 + 3) / 4 * 4
        try header(count: 1, type: RTCP.PacketType.sourceDescription, body: body)
        try writer.write(ssrc)
        try writer.write(UInt8(1))
        try write(canonicalName, text: text)
        for _ in 0..<body - 6 - text { try writer.write(UInt8(0)) }
    }

    /// - Parameter reason: cut after 255 bytes; empty for none.
    package mutating func goodbye(ssrc: UInt32, reason: String = "") throws(WireError) {
        let text = min(reason.utf8.count, Self.longestText)
        let body = text == 0 ? 4 : (4 + 1 + text + 3) / 4 * 4
        try header(count: 1, type: RTCP.PacketType.goodbye, body: body)
        try writer.write(ssrc)
        guard text > 0 else { return }
        try write(reason, text: text)
        for _ in 0..<body - 5 - text { try writer.write(UInt8(0)) }
    }

    private mutating func header(count: UInt8, type: UInt8, body: Int) throws(WireError) {
        try writer.write(0x80 | count)
        try writer.write(type)
        try writer.write(UInt16(truncatingIfNeeded: body / 4))
    }

    /// A length byte and that many bytes.
    private mutating func write(_ string: String, text: Int) throws(WireError) {
        try writer.write(UInt8(truncatingIfNeeded: text))
        var left = text
        for byte in string.utf8 {
            guard left > 0 else { break }
            try writer.write(byte)
            left -= 1
        }
    }
}

extension RTCP {
    /// The report that is due for one stream out and one in: SR if anything was sent since the last, else RR; then
    /// CNAME, and BYE at the end.
    /// - Returns: how many bytes of the buffer are the packet. 104 and the name's length are always enough.
    package static func writeReport(
        into buffer: UnsafeMutableRawBufferPointer, sender: inout SenderStatistics, receiver: inout ReceiverStatistics,
        canonicalName: String, isGoodbye: Bool = false, ntp: NTPTime, now: MonotonicTime
    ) throws(WireError) -> Int {
        var writer = RTCPWriter(buffer)
        let block = receiver.makeReport(now: now)
        if let information = sender.makeReport(ntp: ntp, now: now) {
            try writer.senderReport(ssrc: sender.ssrc, information, block)
        } else {
            try writer.receiverReport(ssrc: sender.ssrc, block)
        }
        try writer.sourceDescription(ssrc: sender.ssrc, canonicalName: canonicalName)
        if isGoodbye { try writer.goodbye(ssrc: sender.ssrc) }
        return writer.length
    }
}
