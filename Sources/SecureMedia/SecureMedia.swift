// SecureMedia: OpenSSL's DTLS and libsrtp made safe, so that keys and packets are all that leaves the room.
//
// In the room: the box's certificate (DTLSIdentity), one DTLS server per browser leg (DTLSServer), the keys that
// its handshake exports (SRTPKeys), and the SRTP and SRTCP transforms over the caller's buffers (SRTPSession).
// Never in the room: sockets, clocks, SDP, ICE, packet rewriting, any C pointer in a signature.
// Every C handle is owned by one final class whose deinit frees it; SecureMediaObjects counts them.
//
// RFC 6347 (DTLS 1.2), RFC 5764 (DTLS-SRTP), RFC 8122 (certificate fingerprints), RFC 3711 (SRTP), RFC 7714 (AES-GCM).

import Synchronization

/// How many C-backed objects live at this moment, for leak checks and the status page.
package enum SecureMediaObjects {
    static let dtls = Atomic<Int>(0)
    static let srtp = Atomic<Int>(0)

    /// DTLSServer objects, closed and failed ones included until they are released.
    package static var dtlsServers: Int { dtls.load(ordering: .relaxed) }
    package static var srtpSessions: Int { srtp.load(ordering: .relaxed) }
}
