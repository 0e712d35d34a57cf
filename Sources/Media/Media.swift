// Media: the sockets and threads that carry sound.
//
// In the room: the media loop (one epoll thread), the one UDP port of all browsers, the trunk's RTP and
// RTCP port pairs, the demultiplexer (RFC 7983, RFC 5761), legs, bridges, the transcoder, the services
// that make sound themselves, and the engine that the Switchboard talks to.
// Never in the room: SIP, decisions about calls, personal data, a log line per packet.
//
// The packet path is one synchronous call on the loop's thread, from `recvmmsg` to `sendmmsg`:
//
//     browser port ─ demultiplex ─ unprotect ─┐                         ┌─ protect ─ browser port
//                                             ├─ Leg ─ route ─ (decode, encode) ─ Leg ─┤
//     trunk port ──── source latch ───────────┘                         └─ trunk port
//
// It allocates nothing, takes no lock and awaits nothing. What it answers to: RFC 3550 (RTP, RTCP),
// RFC 3551 (profile), RFC 4733 (telephone-event), RFC 5764 (DTLS-SRTP), RFC 7675 (consent),
// RFC 7587 (Opus), RFC 7983 (demultiplexing), RFC 8445 (ICE-lite).
