import COpenSSL
import Wire

@testable import SecureMedia

/// OpenSSL's DTLS client over memory BIOs: the browser's part of the handshake.
final class DTLSClient {
    private let context: OpaquePointer
    private let ssl: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private(set) var isFinished = false
    private(set) var isClosedByServer = false
    private(set) var hasFailed = false

    init?(identity: DTLSIdentity) {
        guard let context = SSL_CTX_new(DTLS_client_method()) else { return nil }
        SSL_CTX_use_certificate(context, SSL_CTX_get0_certificate(identity.context))
        SSL_CTX_use_PrivateKey(context, SSL_CTX_get0_privatekey(identity.context))
        SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80")
        SSL_CTX_set_options(context, OpenSSLOption.noQueryMTU)
        guard let ssl = SSL_new(context), let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
            SSL_CTX_free(context)
            return nil
        }
        BIO_ctrl(input, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        SSL_set_bio(ssl, input, output)
        SSL_ctrl(ssl, SSL_CTRL_SET_MTU, 1_200, nil)
        SSL_set_connect_state(ssl)
        (self.context, self.ssl, self.input, self.output) = (context, ssl, input, output)
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    func start() { step() }

    func receive(_ datagram: [UInt8]) {
        BIO_write(input, datagram, Int32(datagram.count))
        step()
    }

    private func step() {
        ERR_clear_error()
        var result: Int32
        if isFinished {
            var scratch = [UInt8](repeating: 0, count: 2_048)
            result = SSL_read(ssl, &scratch, 2_048)
        } else {
            result = SSL_do_handshake(ssl)
            isFinished = result == 1
        }
        guard result <= 0 else { return }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
        case SSL_ERROR_ZERO_RETURN: isClosedByServer = true
        default: hasFailed = true
        }
    }

    /// One datagram for each record: a memory BIO joins what was written apart.
    func takeOutput() -> [[UInt8]] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = BIO_read(output, &bytes, Int32(bytes.count))
        guard count > 0 else { return [] }
        var rest = bytes[..<Int(count)]
        var datagrams: [[UInt8]] = []
        while rest.count >= 13 {
            let first = rest.startIndex
            let length = 13 + Int(rest[first + 11]) << 8 + Int(rest[first + 12])
            datagrams.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return datagrams
    }

    /// RFC 5764 §4.2
    func keys() -> SRTPKeys? {
        guard let selected = SSL_get_selected_srtp_profile(ssl),
            let profile = SRTPProfile(rawValue: UInt16(truncatingIfNeeded: selected.pointee.id))
        else { return nil }
        let salt = profile.saltLength
        var material = [UInt8](repeating: 0, count: 32 + 2 * salt)
        let label = "EXTRACTOR-dtls_srtp"
        guard SSL_export_keying_material(ssl, &material, material.count, label, label.utf8.count, nil, 0, 0) == 1
        else { return nil }
        return SRTPKeys(
            profile: profile, client: Redacted(Array(material[0..<16]) + Array(material[32..<32 + salt])),
            server: Redacted(Array(material[16..<32]) + Array(material[(32 + salt)...])))
    }
}
