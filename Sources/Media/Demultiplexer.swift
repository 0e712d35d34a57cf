/// What a datagram on the browsers' port is, by its first bytes.
///
///     first byte  0...3     STUN                    (RFC 7983 §7)
///                20...63    DTLS
///               128...191   RTP or RTCP; RTCP when the second byte is 192...223 (RFC 5761 §4)
///               all others  nothing that is spoken here (ZRTP, TURN channels, QUIC)
enum PacketKind: Equatable {
    case stun
    case dtls
    case rtp
    case rtcp

    /// - Returns: nil for a datagram that is none of them or too short to be told.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 else { return nil }
        switch bytes[0] {
        case 0...3: self = .stun
        case 20...63: self = .dtls
        case 128...191: self = (192...223).contains(bytes[1]) ? .rtcp : .rtp
        default: return nil
        }
    }
}
