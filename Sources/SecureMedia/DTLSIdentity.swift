import COpenSSL
import Wire

/// Why a DTLS object could not be made.
package enum DTLSSetupError: Error, Equatable, Sendable {
    /// The peer's fingerprint names a hash that is not accepted, or has not that hash's length.
    case unsupportedFingerprint
    /// OpenSSL refused; its own reason, which holds nothing personal.
    case library(reason: String)
}

/// The box's DTLS identity: a P-256 key and a self-signed certificate made at start, and what all legs share.
///
/// Browsers know the certificate by the fingerprint in the SDP alone (RFC 8122), so it needs no authority and is
/// never stored: a new one with each start tells nobody that it is the same box.
package final class DTLSIdentity: @unchecked Sendable {
    // Unchecked because of the pointers: OpenSSL counts the references of SSL_CTX with atomics, and nothing here
    // changes after init.

    /// As it stands in SDP (RFC 8122 §5).
    package let fingerprintAlgorithm = "sha-256"
    /// SHA-256 over the certificate's DER form.
    package let fingerprint: [UInt8]

    let context: OpaquePointer
    let datagramMethod: OpaquePointer

    /// - Parameter profiles: the SRTP profiles to accept, best first: this order decides, not the browser's.
    /// - Throws: `.library`.
    package init(profiles: [SRTPProfile] = SRTPProfile.preference) throws(DTLSSetupError) {
        ERR_clear_error()
        let key = try Self.makeKey()
        defer { EVP_PKEY_free(key) }
        let certificate = try Self.makeCertificate(for: key)
        defer { X509_free(certificate) }
        guard let digest = CertificateDigest.sha256.of(certificate) else { throw .lastReason }
        guard let method = DatagramPort.makeMethod() else { throw .lastReason }
        guard let context = SSL_CTX_new(DTLS_server_method()) else {
            BIO_meth_free(method)
            throw .lastReason
        }
        fingerprint = digest
        self.context = context
        datagramMethod = method
        try configure(profiles, certificate, key)
    }

    deinit {
        SSL_CTX_free(context)
        BIO_meth_free(datagramMethod)
    }

    private func configure(
        _ profiles: [SRTPProfile], _ certificate: OpaquePointer, _ key: OpaquePointer
    ) throws(DTLSSetupError) {
        let names = profiles.map(\.name).joined(separator: ":")
        let suites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384"
        let groups = "X25519:P-256"
        SSL_CTX_set_options(context, OpenSSLOption.all)
        let accepted =
            SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(DTLS1_2_VERSION), nil) == 1
            && SSL_CTX_set_cipher_list(context, suites) == 1
            && groups.withCString { text in
                SSL_CTX_ctrl(context, SSL_CTRL_SET_GROUPS_LIST, 0, UnsafeMutableRawPointer(mutating: text)) == 1
            }
            && SSL_CTX_use_certificate(context, certificate) == 1
            && SSL_CTX_use_PrivateKey(context, key) == 1
            // This function alone says 0 when it succeeded.
            && SSL_CTX_set_tlsext_use_srtp(context, names) == 0
        guard accepted else { throw .lastReason }
        SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        // The longest handshake message that is put together for a stranger, in bytes; the default is 100 KiB.
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, 16_384, nil)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        SSL_CTX_set_cert_verify_callback(context, verifyPeer, nil)
    }

    private static func makeKey() throws(DTLSSetupError) -> OpaquePointer {
        guard let generator = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { throw .lastReason }
        defer { EVP_PKEY_CTX_free(generator) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(generator) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(generator, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_keygen(generator, &key) == 1, let key
        else { throw .lastReason }
        return key
    }

    private static func makeCertificate(for key: OpaquePointer) throws(DTLSSetupError) -> OpaquePointer {
        guard let certificate = X509_new() else { throw .lastReason }
        let day = 86_400
        var serial: UInt64 = 0
        let signed =
            withUnsafeMutableBytes(of: &serial) { bytes in
                RAND_bytes(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(bytes.count)) == 1
            }
            // Version 3 is written as 2.
            && X509_set_version(certificate, 2) == 1
            && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1
            // From yesterday, because clocks differ; for ten years, because a box may run that long unattended.
            && X509_gmtime_adj(X509_getm_notBefore(certificate), -day) != nil
            && X509_gmtime_adj(X509_getm_notAfter(certificate), 3_650 * day) != nil
            && "sipcall".withCString { name in
                X509_NAME_add_entry_by_NID(
                    X509_get_subject_name(certificate), NID_commonName, MBSTRING_FLAG,
                    UnsafeRawPointer(name).assumingMemoryBound(to: UInt8.self), -1, -1, 0) == 1
            }
            && X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1
            && X509_set_pubkey(certificate, key) == 1
            && X509_sign(certificate, key, EVP_sha256()) > 0
        guard signed else {
            X509_free(certificate)
            throw .lastReason
        }
        return certificate
    }
}

/// Options that `<openssl/ssl.h>` writes as shifts in macros, which Swift does not see.
enum OpenSSLOption {
    /// SSL_OP_NO_QUERY_MTU: without it the MTU that is set is overwritten by 256.
    static let noQueryMTU: UInt64 = 1 << 12
    /// SSL_OP_NO_TICKET: every leg makes new keys, nothing is resumed.
    static let noTicket: UInt64 = 1 << 14
    /// SSL_OP_NO_RENEGOTIATION.
    static let noRenegotiation: UInt64 = 1 << 30

    static let all = noQueryMTU | noTicket | noRenegotiation
}

extension DTLSSetupError {
    /// What OpenSSL's error queue says last.
    static var lastReason: DTLSSetupError { .library(reason: openSSLReason()) }
}

/// The newest entry of this thread's OpenSSL error queue as text.
func openSSLReason() -> String {
    let code = ERR_peek_last_error()
    guard code != 0, let text = ERR_reason_error_string(code) else { return "no reason given" }
    return String(cString: text)
}
