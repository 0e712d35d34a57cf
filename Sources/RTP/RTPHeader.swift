package import Wire

/// Why bytes are not an RTP packet.
package enum RTPError: Error, Equatable, Sendable {
    /// Fewer than the 12 bytes of the fixed header.
    case tooShort(count: Int)
    /// The version field is not 2.
    case unknownVersion(UInt8)
    /// The list of contributing sources runs over the end.
    case sourcesTruncated(count: Int)
    /// The header extension runs over the end.
    case extensionTruncated(words: Int)
    /// The padding count is zero or larger than what follows the header.
    case paddingInvalid(count: UInt8)
}

/// An RTP header (RFC 3550 §5.1), and where its packet's payload lies.
///
///      0                   1                   2                   3
///     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///     |                           timestamp                           |
///     |                             SSRC                              |
///     |                    CSRC, CC times (0...15)                    |
///     |      profile of the extension |  its length in 32-bit words   |  if X
package struct RTPHeader: Equatable, Sendable {
    /// Bytes of a header without contributing sources and extension.
    package static let fixedLength = 12

    package var marker: Bool
    /// 0...127; greater values lose their highest bit when written.
    package var payloadType: UInt8
    package var sequenceNumber: UInt16
    /// In units of the payload type's clock rate.
    package var timestamp: UInt32
    package var ssrc: UInt32

    /// How many contributing sources the parsed packet lists, 0...15.
    package private(set) var contributingSources = 0
    /// "Defined by profile" of the parsed packet's header extension: 0xBEDE for one-byte elements (RFC 8285).
    package private(set) var extensionProfile: UInt16?
    /// Where the extension's data lies in the parsed packet, without its own four-byte header.
    package private(set) var extensionData: Range<Int> = 0..<0
    /// Where the payload lies in the parsed packet, without padding; empty for a packet that is only padding.
    package private(set) var payload: Range<Int> = fixedLength..<fixedLength

    package init(payloadType: UInt8, marker: Bool = false, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32) {
        self.payloadType = payloadType
        self.marker = marker
        self.sequenceNumber = sequenceNumber
        self.timestamp = timestamp
        self.ssrc = ssrc
    }

    /// Reads and checks the header of a whole packet, padding included.
    /// - Throws: what makes the bytes no RTP packet; RTCP is not told apart here (see `RTCP.isRTCP`).
    package init(parsing packet: UnsafeRawBufferPointer) throws(RTPError) {
        guard packet.count >= Self.fixedLength else { throw .tooShort(count: packet.count) }
        let first = packet[0]
        guard first >> 6 == 2 else { throw .unknownVersion(first >> 6) }
        marker = packet[1] & 0x80 != 0
        payloadType = packet[1] & 0x7f
        sequenceNumber = bigEndian16(packet, at: 2)
        timestamp = bigEndian32(packet, at: 4)
        ssrc = bigEndian32(packet, at: 8)

        contributingSources = Int(first & 0x0f)
        var end = Self.fixedLength + 4 * contributingSources
        guard end <= packet.count else { throw .sourcesTruncated(count: contributingSources) }
        if first & 0x10 != 0 {
            guard end + 4 <= packet.count else { throw .extensionTruncated(words: 0) }
            let words = Int(bigEndian16(packet, at: end + 2))
            guard end + 4 + 4 * words <= packet.count else { throw .extensionTruncated(words: words) }
            extensionProfile = bigEndian16(packet, at: end)
            extensionData = end + 4..<end + 4 + 4 * words
            end += 4 + 4 * words
        }
        var padding = 0
        if first & 0x20 != 0 {
            let count = packet[packet.count - 1]
            guard count > 0, Int(count) <= packet.count - end else { throw .paddingInvalid(count: count) }
            padding = Int(count)
        }
        payload = end..<packet.count - padding
    }
}

extension RTPHeader {
    /// Writes marker, payload type, sequence number, timestamp and SSRC over those of a packet, and leaves
    /// version, padding, extension and contributing sources as they are.
    /// - Throws: `noRoom` if the buffer is shorter than a fixed header.
    package func rewrite(in packet: UnsafeMutableRawBufferPointer) throws(WireError) {
        guard packet.count >= Self.fixedLength else { throw .noRoom(needed: Self.fixedLength, left: packet.count) }
        packet[1] = payloadType & 0x7f | (marker ? 0x80 : 0)
        putBigEndian(sequenceNumber, into: packet, at: 2)
        putBigEndian(timestamp, into: packet, at: 4)
        putBigEndian(ssrc, into: packet, at: 8)
    }

    /// Writes a plain header of 12 bytes to the start of the buffer: no padding, extension or sources.
    /// - Returns: 12, where the payload goes.
    /// - Throws: `noRoom` if the buffer is shorter.
    @discardableResult
    package func write(into buffer: UnsafeMutableRawBufferPointer) throws(WireError) -> Int {
        guard buffer.count >= Self.fixedLength else { throw .noRoom(needed: Self.fixedLength, left: buffer.count) }
        buffer[0] = 0x80
        try rewrite(in: buffer)
        return Self.fixedLength
    }

    /// Puts a plain header of 12 bytes directly before the payload of the packet that this header was parsed
    /// from, so that neither its extension (which belongs to the other leg) nor its padding goes on.
    /// - Returns: where the new packet lies in the same buffer; nothing was moved.
    /// - Throws: `noRoom` if the buffer is not the parsed packet's (it is shorter).
    package func writeBeforePayload(in packet: UnsafeMutableRawBufferPointer) throws(WireError) -> Range<Int> {
        let start = payload.lowerBound - Self.fixedLength
        guard start >= 0, payload.upperBound <= packet.count else {
            throw .noRoom(needed: payload.upperBound, left: packet.count)
        }
        try write(into: UnsafeMutableRawBufferPointer(rebasing: packet[start..<payload.upperBound]))
        return start..<payload.upperBound
    }
}
