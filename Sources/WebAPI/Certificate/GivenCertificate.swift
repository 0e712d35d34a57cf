import Crypto
package import FoundationEssentials
import NIOCore
import NIOSSL
import SwiftASN1
package import Wire
import X509
import _CryptoExtras

/// A certificate for the page that somebody else signed (RFC 5280), with its key: uploaded by the owner, or from an ACME server.
///
/// What is refused here would be found out by every visitor otherwise: a key that belongs to another certificate, a chain in the
/// wrong order or with a gap, an end in the past.
package struct GivenCertificate: Sendable {
    /// The text of both files together.
    package static let largest = 64 * 1024
    /// The same in JSON, where each line break takes two bytes.
    static let largestRequest = largest * 9 / 8
    /// As many as any authority has between a root and its customers, and some.
    private static let longestChain = 8

    /// The page's own first, each signed by the one behind it.
    let chain: [Certificate]
    private let key: Certificate.PrivateKey

    private var leaf: Certificate { chain[0] }

    /// - Parameters:
    ///   - chain: certificates in PEM (RFC 7468).
    ///   - key: an unencrypted private key in PEM: RSA, or ECDSA on P-256 or P-384.
    /// - Throws: `certificate.*`, which says what is wrong.
    package init(chain: String, key: Redacted<String>, now: Date = .now) throws(Problem) {
        guard chain.utf8.count + key.revealed.utf8.count <= Self.largest else { throw CertificateProblem.tooLarge }
        self.key = try Self.privateKey(key)
        self.chain = try Self.certificates(chain)
        guard leaf.publicKey == self.key.publicKey else { throw CertificateProblem.otherKey }
        for (certificate, issuer) in zip(self.chain, self.chain.dropFirst()) {
            guard certificate.issuer == issuer.subject,
                issuer.publicKey.isValidSignature(certificate.signature, for: certificate)
            else { throw CertificateProblem.brokenChain }
        }
        guard leaf.notValidBefore <= now else { throw CertificateProblem.notYetValid }
        guard leaf.notValidAfter > now else { throw CertificateProblem.expired }
        guard Self.isForServers(leaf) else { throw CertificateProblem.notForServers }
        guard !names.isEmpty else { throw CertificateProblem.withoutNames }
    }

    /// From the one file in which it is kept; that it has expired since is no reason to have none.
    init(kept text: String) throws(Problem) {
        guard let documents = try? PEMDocument.parseMultiple(pemString: text),
            let key = documents.first(where: { $0.discriminator != "CERTIFICATE" })
        else { throw CertificateProblem.notPEM }
        self.key = try Self.privateKey(Redacted(key.pemString))
        chain = try Self.certificates(
            documents.filter { $0.discriminator == "CERTIFICATE" }.map(\.pemString).joined(separator: "\n"))
        guard leaf.publicKey == self.key.publicKey else { throw CertificateProblem.otherKey }
    }

    /// The DNS names and addresses that it is for, as browsers compare them (RFC 6125 §6.4); at most 100.
    package var names: [String] {
        let alternatives = try? leaf.extensions.subjectAlternativeNames
        return (alternatives.map(Array.init) ?? []).prefix(100).compactMap { name in
            switch name {
            case .dnsName(let name) where name.utf8.count <= 253 && name.utf8.allSatisfy { (0x21...0x7e).contains($0) }:
                name.lowercased()
            case .ipAddress(let bytes): NetworkAddress.Host(bytes: Array(bytes.bytes)).map { "\($0)" }
            default: nil
            }
        }
    }

    package var end: Date { leaf.notValidAfter }

    /// Who signed it, in a few words for people: the organisation, else the common name.
    package var issuer: String {
        let attributes = leaf.issuer.flatMap { Array($0) }
        let words = [
            ASN1ObjectIdentifier.RDNAttributeType.organizationName, ASN1ObjectIdentifier.RDNAttributeType.commonName,
        ].compactMap { type in
            attributes.first { $0.type == type }?.value.description
        }
        return String(
            String.UnicodeScalarView(
                (words.first ?? "unknown").unicodeScalars.filter { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: false
                    default: true
                    }
                }
            ).prefix(64))
    }

    /// SHA-256 over the certificate in DER, as browsers show it.
    package var fingerprint: String {
        (try? Self.der(leaf)).map(CertificateFingerprint.text) ?? ""
    }

    /// Key and chain in one file, which is replaced whole.
    func kept() throws -> Data {
        let texts = [try key.serializeAsPEM().pemString] + (try chain.map { try $0.serializeAsPEM().pemString })
        return Data((texts.joined(separator: "\n") + "\n").utf8)
    }

    func context() throws -> NIOSSLContext {
        try .page(chain: chain.map(Self.der), key: key.serializeAsPEM().pemString)
    }

    /// - Returns: whether a browser with this machine's list of authorities takes it.
    func isVouchedFor() async -> Bool {
        var verifier = Verifier(rootCertificates: .systemTrustRoots) { RFC5280Policy() }
        let found = await verifier.validate(leaf: leaf, intermediates: CertificateStore(chain.dropFirst()))
        return if case .validCertificate = found { true } else { false }
    }

    // MARK: What was handed in

    private static func privateKey(_ text: Redacted<String>) throws(Problem) -> Certificate.PrivateKey {
        // An encrypted one says so in its first line (RFC 5958), or in a header of its own (RFC 1421).
        guard !text.revealed.contains("ENCRYPTED") else { throw CertificateProblem.encryptedKey }
        guard let documents = try? PEMDocument.parseMultiple(pemString: text.revealed),
            // OpenSSL writes the parameters of the curve before an EC key.
            let document = documents.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") })
        else { throw CertificateProblem.noKey }
        guard let key = (try? Certificate.PrivateKey(pemDocument: document)) ?? lenient(document) else {
            throw CertificateProblem.noKey
        }
        guard isForBrowsers(key.publicKey) else { throw CertificateProblem.noKey }
        return key
    }

    /// Others, as Ed25519 and P-521, no browser offers.
    private static func isForBrowsers(_ key: Certificate.PublicKey) -> Bool {
        P256.Signing.PublicKey(key) != nil || P384.Signing.PublicKey(key) != nil
            || _RSA.Signing.PublicKey(key).map { (2048...8192).contains($0.keySizeInBits) } ?? false
    }

    /// GnuTLS writes an EC key as an integer, with a zero before it half of the time, where RFC 5915 §3 wants its exact length.
    private static func lenient(_ document: PEMDocument) -> Certificate.PrivateKey? {
        guard let bytes = try? NIOSSLPrivateKey(bytes: Array(document.pemString.utf8), format: .pem).derBytes else {
            return nil
        }
        return try? Certificate.PrivateKey(pemDocument: PEMDocument(type: "EC PRIVATE KEY", derBytes: bytes))
    }

    private static func certificates(_ text: String) throws(Problem) -> [Certificate] {
        guard let documents = try? PEMDocument.parseMultiple(pemString: text), !documents.isEmpty else {
            throw CertificateProblem.notPEM
        }
        guard documents.count <= longestChain else { throw CertificateProblem.tooLarge }
        guard let chain = try? documents.map({ try Certificate(pemDocument: $0) }) else {
            throw CertificateProblem.notPEM
        }
        return chain
    }

    /// RFC 5280 §4.2.1.12: without the extension it is for everything.
    private static func isForServers(_ certificate: Certificate) -> Bool {
        guard let usage = try? certificate.extensions.extendedKeyUsage else {
            return certificate.extensions[oid: .X509ExtensionID.extendedKeyUsage] == nil
        }
        return usage.contains(.serverAuth) || usage.contains(.any)
    }

    private static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}

/// A certificate as people compare it.
enum CertificateFingerprint {
    /// - Returns: SHA-256 in hexadecimal digits, two by two: `AB:CD:…`.
    static func text(_ der: [UInt8]) -> String {
        SHA256.hash(data: der).map {
            String($0 >> 4, radix: 16, uppercase: true) + String($0 & 15, radix: 16, uppercase: true)
        }.joined(separator: ":")
    }
}

extension NIOSSLContext {
    /// For the page: TLS 1.2 and 1.3, HTTP/1.1.
    /// - Parameters:
    ///   - chain: in DER, the page's own first.
    ///   - key: in PEM.
    static func page(chain: [[UInt8]], key: String) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try chain.map { .certificate(try NIOSSLCertificate(bytes: $0, format: .der)) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // How long a peer that is told goodbye may take to answer.
        configuration.shutdownTimeout = .seconds(1)
        return try NIOSSLContext(configuration: configuration)
    }
}

extension NetworkAddress.Host {
    /// - Parameter bytes: 4 or 16, in network order (RFC 5280 §4.2.1.6).
    init?(bytes: [UInt8]) {
        func number(_ part: ArraySlice<UInt8>) -> UInt64 { part.reduce(0) { $0 << 8 | UInt64($1) } }
        switch bytes.count {
        case 4: self = .ipv4(UInt32(truncatingIfNeeded: number(bytes[...])))
        case 16: self = .ipv6(high: number(bytes[..<8]), low: number(bytes[8...]))
        default: return nil
        }
    }
}
