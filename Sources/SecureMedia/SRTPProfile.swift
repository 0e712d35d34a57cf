import Glibc
package import Wire

/// An SRTP protection profile by its number in the IANA registry (RFC 5764 §4.1.2, RFC 7714 §14.2).
package enum SRTPProfile: UInt16, Sendable, Codable, CaseIterable {
    case aeadAES128GCM = 0x0007
    /// With the tag of 80 bits, for RTP and RTCP alike.
    case aesCM128HMACSHA1 = 0x0001

    /// Best first: GCM costs a third of HMAC-SHA1 in Debian's libsrtp, and the gap widens with every session.
    package static let preference: [SRTPProfile] = [.aeadAES128GCM, .aesCM128HMACSHA1]

    /// As OpenSSL's `SSL_CTX_set_tlsext_use_srtp` spells it.
    package var name: String {
        switch self {
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aesCM128HMACSHA1: "SRTP_AES128_CM_SHA1_80"
        }
    }

    /// Bytes of a master key.
    package var keyLength: Int { 16 }

    /// Bytes of a master salt.
    package var saltLength: Int {
        switch self {
        case .aeadAES128GCM: 12
        case .aesCM128HMACSHA1: 14
        }
    }

    /// Bytes that protection adds to an RTP packet: the authentication tag.
    package var overhead: Int {
        switch self {
        case .aeadAES128GCM: 16
        case .aesCM128HMACSHA1: 10
        }
    }

    /// Bytes that protection adds to an RTCP packet: the tag and the 32-bit index with its E flag.
    package var controlOverhead: Int { overhead + 4 }

    /// Where the SRTCP index stands, counted from the packet's end: behind GCM's tag (RFC 7714 §9.2), before the other's
    /// (RFC 3711 §3.4).
    var controlIndexFromEnd: Int {
        switch self {
        case .aeadAES128GCM: 4
        case .aesCM128HMACSHA1: 4 + overhead
        }
    }
}

/// The two master keys of a DTLS-SRTP association (RFC 5764 §4.2), each as key‖salt.
package struct SRTPKeys: Sendable, Codable, Equatable {
    package var profile: SRTPProfile
    /// Protects what the DTLS client (the browser) sends.
    package var client: Redacted<[UInt8]>
    /// Protects what the DTLS server (the box) sends.
    package var server: Redacted<[UInt8]>

    package init(profile: SRTPProfile, client: Redacted<[UInt8]>, server: Redacted<[UInt8]>) {
        self.profile = profile
        self.client = client
        self.server = server
    }

    /// Overwrites both keys. Reaches the bytes only while nobody else holds the same arrays; another holder keeps its own.
    package mutating func wipe() {
        Self.wipe(&client.revealed)
        Self.wipe(&server.revealed)
    }

    private static func wipe(_ key: inout [UInt8]) {
        key.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
        }
    }

    /// The label under which TLS exports the keys.
    static let exporterLabel = "EXTRACTOR-dtls_srtp"

    /// Cuts the exported bytes: client key, server key, client salt, server salt. Nil if they are too few.
    init?(profile: SRTPProfile, exported: [UInt8]) {
        let key = profile.keyLength
        let salt = profile.saltLength
        guard exported.count == 2 * (key + salt) else { return nil }
        self.init(
            profile: profile,
            client: Redacted(Array(exported[0..<key] + exported[2 * key..<2 * key + salt])),
            server: Redacted(Array(exported[key..<2 * key] + exported[(2 * key + salt)...])))
    }
}
