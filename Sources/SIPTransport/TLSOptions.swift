import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Wire

/// What the owner says about TLS.
package struct TLSOptions: Sendable {
    /// Our own certificate, for those who connect to us.
    package struct Identity: Sendable, Equatable {
        /// PEM, our own certificate first.
        package var certificateFile: String
        package var keyFile: String

        package init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// PEM of the authorities to be trusted; nil for those of the system.
    package var authorityFile: String?
    /// The same for single providers, by their domain in lower case.
    package var authorityFiles: [String: String] = [:]
    package var identity: Identity?
    /// Where those with TLS are listened to, if there is an identity.
    package var listenPort = defaultListenPort
    /// RFC 3261 §19.1.2
    package static let defaultListenPort: UInt16 = 5061

    package init(
        authorityFile: String? = nil, authorityFiles: [String: String] = [:], identity: Identity? = nil
    ) {
        self.authorityFile = authorityFile
        self.authorityFiles = authorityFiles
        self.identity = identity
    }
}

extension TLSOptions {
    /// Reads files: not for an event loop.
    ///
    /// The chain is verified by the library; the name is not, because it would let a `*` stand for any label, which
    /// RFC 5922 §7.2 forbids.
    /// - Parameter name: of the provider.
    func clientContext(for name: String?) throws(Problem) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .noHostnameVerification
        if let authorityFile = authorityFile(for: name) {
            guard let authorities = try? NIOSSLCertificate.fromPEMFile(authorityFile) else {
                throw Problem(
                    code: "trunk.authority-file",
                    sentence:
                        "The file of the authorities that the provider's certificate is checked against cannot be used.",
                    remedy: "Let trunk.ca_file name a readable file with certificates in PEM form, or leave it out.")
            }
            configuration.trustRoots = .certificates(authorities)
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Problem(
                code: "trunk.authority-file", sentence: "The machine's list of certificate authorities cannot be read.",
                remedy: "Install the package ca-certificates, or name a file in trunk.ca_file.")
        }
    }

    func authorityFile(for name: String?) -> String? { name.flatMap { authorityFiles[$0] } ?? authorityFile }

    /// Reads files: not for an event loop.
    /// - Returns: nil without an identity.
    func serverContext() throws(Problem) -> NIOSSLContext? {
        guard let identity else { return nil }
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(identity.certificateFile)
            let key = try NIOSSLPrivateKey(file: identity.keyFile, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Problem(
                code: "sip.certificate",
                sentence: "The box's own certificate for SIP over TLS, or its key, cannot be used.",
                remedy: "Let sip.certificate and sip.key name readable PEM files that belong together.")
        }
    }
}

/// The contexts for outbound connections, one for each set of authorities: made when the first one is wanted, on a thread
/// that may read files.
final class TLSClient {
    private var options: TLSOptions
    private let loop: any EventLoop
    /// By the authorities' file, or nothing for those of the system.
    private var contexts: [String: EventLoopFuture<NIOSSLContext>] = [:]

    init(_ options: TLSOptions, loop: any EventLoop) {
        self.options = options
        self.loop = loop
    }

    /// On the loop.
    /// - Parameter name: of the provider.
    func ready(for name: String?) -> EventLoopFuture<NIOSSLContext> {
        let key = options.authorityFile(for: name) ?? ""
        if let context = contexts[key] { return context }
        let options = options
        let made = NIOThreadPool.singleton.runIfActive(eventLoop: loop) { try options.clientContext(for: name) }
        contexts[key] = made
        // The file may be there the next time.
        made.assumeIsolated().whenFailure { _ in if self.contexts[key] === made { self.contexts[key] = nil } }
        return made
    }

    /// On the loop. Files are read anew, even if their names are the former ones.
    func setAuthorities(_ files: [String: String]) {
        options.authorityFiles = files
        contexts = [:]
    }
}
