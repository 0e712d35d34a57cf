// RTP: the packets that carry sound, and what is counted about them.
//
// In the room: RTP headers (RFC 3550 §5), one continuous outgoing stream made of whatever comes in
// (StreamRewriter), receiver and sender statistics (RFC 3550 §6.4, appendix A), RTCP compound packets
// (RFC 3550 §6, RFC 5506, RFC 5761), telephone events (RFC 4733).
// Everything here runs once per packet: it works in the caller's buffers and allocates nothing after init.
// Never in the room: sockets, clocks, encryption, codecs, jitter buffers.
