/// How far an SRTP session has come, without its keys: with them, what another process needs to go on with it.
///
/// **What comes in** goes on where it was: the rollover counter and the newest sequence number of each source, so that the
/// next packet decrypts on either side of a wrap, and nothing up to there passes a second time.
///
/// **What goes out** never goes on under the same SSRC. A checkpoint is always a little older than the last packet, GCM
/// forgives no repeated nonce (RFC 7714 §8.1), and libsrtp can set no SRTCP index at all. No guess at how far to skip is safe,
/// and none is needed: the nonce of both profiles holds the SSRC, so the indices of a fresh SSRC were never used. The
/// restored session refuses each SSRC under which the one before it sent (`spent`), and its sender takes another (RFC 3550
/// §8.2: every receiver must be ready for that).
package struct SRTPProgress: Sendable, Codable, Equatable {
    /// One source of the peer's.
    package struct Heard: Sendable, Codable, Equatable {
        package var ssrc: UInt32
        /// The newest authenticated RTP packet; nil if only RTCP was heard.
        package var index: PacketIndex?
        /// The newest SRTCP index, 31 bits; nil if no RTCP was heard.
        package var controlIndex: UInt32?
    }

    /// The SSRCs that this end has protected anything under, those of the sessions before it included.
    package var spent: [UInt32]
    package var heard: [Heard]
}
