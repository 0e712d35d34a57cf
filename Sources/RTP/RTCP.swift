/// The control packets of RTP (RFC 3550 §6), and how to tell them from RTP on the same port.
package enum RTCP {
    /// The fixed part of every packet, before the SSRC.
    static let headerLength = 4

    package enum PacketType {
        package static let senderReport: UInt8 = 200
        package static let receiverReport: UInt8 = 201
        package static let sourceDescription: UInt8 = 202
        package static let goodbye: UInt8 = 203
        package static let application: UInt8 = 204
        /// Transport-layer feedback (RFC 4585 §6.2): NACK, transport-wide congestion control.
        package static let transportFeedback: UInt8 = 205
        /// Payload-specific feedback (RFC 4585 §6.3): PLI, REMB.
        package static let payloadFeedback: UInt8 = 206
    }

    /// RFC 5761 §4: the second byte of RTCP is 192...223, which no RTP payload type of ours collides with.
    package static func isRTCP(_ datagram: UnsafeRawBufferPointer) -> Bool {
        datagram.count >= 8 && datagram[0] >> 6 == 2 && (192...223).contains(datagram[1])
    }
}

/// Why bytes are not a compound RTCP packet.
package enum RTCPError: Error, Equatable, Sendable {
    case tooShort(count: Int)
    case unknownVersion(UInt8)
    /// The second byte is not an RTCP packet type (RFC 5761 §4).
    case unknownType(UInt8)
    /// A packet's length field runs over the end of the datagram.
    case lengthBeyondEnd(words: UInt16)
    /// A packet is shorter than its own counts say.
    case truncated(type: UInt8)
    /// Padding on a packet that is not the last, or its count is not a multiple of four within the packet.
    case paddingInvalid
}
