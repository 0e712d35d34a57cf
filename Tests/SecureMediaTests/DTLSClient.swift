import COpenSSL
import Testing
import Wire

@testable import SecureMedia

/// OpenSSL's own DTLS client over memory BIOs: the browser's part in the tests.
final class DTLSClient {
    struct Options {
        var profiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"
        /// OpenSSL takes no less than 256, which cuts the ClientHello into pieces when `padding` makes it long.
        var mtu = 1_200
        var padding = 0
        /// Refuse the server's certificate with an alert in clear.
        var refusesServer = false
    }

    private let context: OpaquePointer
    let ssl: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private(set) var finished = false
    /// The reason in OpenSSL's words once the client has failed.
    private(set) var failure: String?
    private(set) var closedByServer = false

    init(identity: DTLSIdentity, options: Options = Options()) throws {
        context = try #require(SSL_CTX_new(DTLS_client_method()))
        SSL_CTX_use_certificate(context, SSL_CTX_get0_certificate(identity.context))
        SSL_CTX_use_PrivateKey(context, SSL_CTX_get0_privatekey(identity.context))
        SSL_CTX_set_verify(context, options.refusesServer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if !options.profiles.isEmpty {
            #expect(SSL_CTX_set_tlsext_use_srtp(context, options.profiles) == 0)
        }
        SSL_CTX_set_options(context, OpenSSLOption.noQueryMTU)
        ssl = try #require(SSL_new(context))
        input = try #require(BIO_new(BIO_s_mem()))
        output = try #require(BIO_new(BIO_s_mem()))
        // BIO_set_mem_eof_return(bio, -1): an empty one means "later", not "closed".
        BIO_ctrl(input, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nil)
        SSL_set_bio(ssl, input, output)
        SSL_ctrl(ssl, SSL_CTRL_SET_MTU, options.mtu, nil)
        DTLS_set_timer_cb(ssl) { _, previous in previous == 0 ? 120_000 : min(previous &* 2, 1_000_000) }
        var protocols: [UInt8] = []
        while protocols.count < options.padding {
            protocols += [200] + [UInt8](repeating: 0x78, count: 200)
        }
        if !protocols.isEmpty {
            SSL_set_alpn_protos(ssl, protocols, UInt32(protocols.count))
        }
        SSL_set_connect_state(ssl)
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

    func timePassed() {
        guard failure == nil else { return }
        ERR_clear_error()
        SSL_ctrl(ssl, DTLS_CTRL_HANDLE_TIMEOUT, 0, nil)
    }

    func close() {
        ERR_clear_error()
        SSL_shutdown(ssl)
    }

    private func step() {
        guard failure == nil else { return }
        ERR_clear_error()
        var result: Int32
        if finished {
            var scratch = [UInt8](repeating: 0, count: 2_048)
            result = SSL_read(ssl, &scratch, 2_048)
        } else {
            result = SSL_do_handshake(ssl)
            finished = result == 1
        }
        guard result <= 0 else { return }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
        case SSL_ERROR_ZERO_RETURN: closedByServer = true
        default: failure = openSSLReason()
        }
    }

    /// What the client wrote, cut at the records again, because a memory BIO joins them: one datagram each.
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

    /// The keys by RFC 5764 §4.2, cut here a second time so that a slip in the room shows.
    func keys() throws -> SRTPKeys {
        let selected = try #require(SSL_get_selected_srtp_profile(ssl))
        let profile = try #require(SRTPProfile(rawValue: UInt16(selected.pointee.id)))
        let salt = profile == .aeadAES128GCM ? 12 : 14
        var material = [UInt8](repeating: 0, count: 32 + 2 * salt)
        let label = "EXTRACTOR-dtls_srtp"
        #expect(SSL_export_keying_material(ssl, &material, material.count, label, 19, nil, 0, 0) == 1)
        return SRTPKeys(
            profile: profile,
            client: Redacted(Array(material[0..<16]) + Array(material[32..<32 + salt])),
            server: Redacted(Array(material[16..<32]) + Array(material[(32 + salt)...])))
    }

    /// SHA-256 of the certificate that the server showed.
    func serverFingerprint() -> [UInt8]? {
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return nil }
        defer { X509_free(certificate) }
        return CertificateDigest.sha256.of(certificate)
    }
}
