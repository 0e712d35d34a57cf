import COpenSSL

/// The hash functions that a certificate fingerprint may use (RFC 8122 §5), weak ones left out.
enum CertificateDigest: String {
    case sha256 = "sha-256"
    case sha384 = "sha-384"
    case sha512 = "sha-512"

    /// Bytes of a fingerprint.
    var length: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The fingerprint of an X509 certificate, over its DER form. Nil if OpenSSL has no memory.
    func of(_ certificate: OpaquePointer) -> [UInt8]? {
        let function =
            switch self {
            case .sha256: EVP_sha256()
            case .sha384: EVP_sha384()
            case .sha512: EVP_sha512()
            }
        var bytes = [UInt8](repeating: 0, count: 64)
        var written: UInt32 = 0
        guard X509_digest(certificate, function, &bytes, &written) == 1, written == length else { return nil }
        bytes.removeLast(bytes.count - length)
        return bytes
    }
}

/// The fingerprint that the peer's certificate must have, as its SDP promised.
struct ExpectedFingerprint {
    let digest: CertificateDigest
    let bytes: [UInt8]

    /// Nil for an unknown hash function or a wrong length. Names are compared without regard to case.
    init?(algorithm: String, bytes: [UInt8]) {
        guard let digest = CertificateDigest(rawValue: algorithm.lowercased()), bytes.count == digest.length else {
            return nil
        }
        self.digest = digest
        self.bytes = bytes
    }

    func matches(_ certificate: OpaquePointer) -> Bool {
        digest.of(certificate) == bytes
    }
}

/// OpenSSL's question whether the peer's certificate is right, asked within the handshake so that a wrong one ends it
/// with an alert and the page sees `failed`. No chain, name or date counts, only the fingerprint.
func verifyPeer(_ store: OpaquePointer?, _: UnsafeMutableRawPointer?) -> Int32 {
    guard let store,
        let raw = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let attached = SSL_get_ex_data(OpaquePointer(raw), 0),
        let certificate = X509_STORE_CTX_get0_cert(store)
    else { return 0 }
    let port = Unmanaged<DatagramPort>.fromOpaque(attached).takeUnretainedValue()
    let matches = port.expected.matches(certificate)
    port.mismatched = !matches
    if !matches {
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
    }
    return matches ? 1 : 0
}
