import Crypto
import FoundationEssentials
import Logging
import NIOCore
import NIOSSL
import SwiftASN1
import Synchronization
import Wire
import X509

/// The certificate that the box makes for itself (RFC 5280), for as long as nobody gives it one that browsers know.
///
/// Key and certificate lie in one file, `web/tls/own.pem`, so that they are replaced together. It names the machine as
/// it was when it was made: another address later is no reason for a new one, because whoever has accepted this one in
/// a browser would have to do so again.
final class OwnCertificate: Sendable {
    /// About what browsers put up with (398 days).
    static let lifetime = 397 * 86_400.0
    /// Before its end.
    static let renewal = 30 * 86_400.0

    private struct Current {
        var context: NIOSSLContext
        var end: Date
        var fingerprint: String

        init(_ pair: Pair) throws {
            (context, end) = (try pair.context(), pair.certificate.notValidAfter)
            fingerprint = CertificateFingerprint.text(try OwnCertificate.der(pair.certificate))
        }
    }

    private let path: String
    private let logger: Logger
    private let current: Mutex<Current>

    /// Reads the certificate, or makes it.
    /// - Throws: `web.certificate-file` when it can be neither read nor written.
    init(in stateDirectory: String, now: Date = .now, logger: Logger) throws(Problem) {
        path = stateDirectory + "/web/tls/own.pem"
        self.logger = logger
        var former: Current?
        if let data = FileManager.default.contents(atPath: path) {
            do {
                let found = try Self.read(data)
                former = try Current(found)
                if found.isUsable(at: now), let former {
                    current = Mutex(former)
                    return
                }
                logger.notice("The certificate of the page is at its end; a new one is made.")
            } catch {
                logger.warning(
                    "The certificate of the page is damaged; a new one is made, and browsers ask about it again.",
                    metadata: ["code": "web.own-certificate-damaged", "file": "\(path)"])
            }
        }
        do throws(Problem) {
            current = Mutex(try Self.make(path, now: now, logger: logger))
        } catch {
            // A disk that is full or cannot be written leaves the page with the old one rather than without any.
            guard let former else { throw error }
            logger.error("\(error.sentence)", metadata: ["code": "\(error.code)"])
            current = Mutex(former)
        }
    }

    /// For one connection.
    var context: NIOSSLContext { current.withLock { $0.context } }

    var end: Date { current.withLock { $0.end } }

    /// SHA-256, as browsers show it.
    var fingerprint: String { current.withLock { $0.fingerprint } }

    /// Makes a new one if this one nears its end.
    func renew(now: Date = .now) {
        let end = current.withLock { $0.end }
        guard Self.judges(now) else { return }
        guard end.timeIntervalSince(now) < Self.renewal || end.timeIntervalSince(now) > Self.lifetime else { return }
        do throws(Problem) {
            let made = try Self.make(path, now: now, logger: logger)
            current.withLock { $0 = made }
        } catch {
            logger.error("\(error.sentence)", metadata: ["code": "\(error.code)"])
        }
    }

    /// A machine whose clock was never set may be right about everything else: it throws no good certificate away.
    private static func judges(_ now: Date) -> Bool {
        Int64(exactly: now.timeIntervalSince1970.rounded()).map { WallTime(milliseconds: $0 &* 1000).isPlausible }
            ?? false
    }

    // MARK: The file

    private struct Pair {
        var certificate: Certificate
        var key: P256.Signing.PrivateKey

        func isUsable(at now: Date) -> Bool {
            guard OwnCertificate.judges(now) else { return true }
            let left = certificate.notValidAfter.timeIntervalSince(now)
            return certificate.notValidBefore <= now && left >= OwnCertificate.renewal
        }

        func context() throws -> NIOSSLContext {
            try .page(chain: [OwnCertificate.der(certificate)], key: key.pemRepresentation)
        }
    }

    private struct Mismatch: Error {}

    private static func read(_ data: Data) throws -> Pair {
        guard data.count <= 64 * 1024, let text = String(data: data, encoding: .utf8) else { throw Mismatch() }
        var certificate: Certificate?
        var key: P256.Signing.PrivateKey?
        for document in try PEMDocument.parseMultiple(pemString: text) {
            switch document.discriminator {
            case "CERTIFICATE": certificate = try Certificate(pemDocument: document)
            default: key = try P256.Signing.PrivateKey(pemRepresentation: document.pemString)
            }
        }
        guard let certificate, let key, certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw Mismatch()
        }
        return Pair(certificate: certificate, key: key)
    }

    private static func make(_ path: String, now: Date, logger: Logger) throws(Problem) -> Current {
        do {
            let pair = try sign(now: now)
            let text = pair.key.pemRepresentation + "\n" + (try pair.certificate.serializeAsPEM().pemString) + "\n"
            try PrivateFile.write(Data(text.utf8), to: path)
            let made = try Current(pair)
            // Whoever opens the page can compare it with what the browser shows.
            logger.notice("The page has a new certificate of its own.", metadata: ["sha256": "\(made.fingerprint)"])
            return made
        } catch {
            throw WebProblem.certificateFile(path, why: "\(error)")
        }
    }

    private static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    private static func sign(now: Date) throws -> Pair {
        let key = P256.Signing.PrivateKey()
        let names = MachineAddresses.names()
        let subject = try DistinguishedName { CommonName(String((names.first ?? "SIPCall").prefix(64))) }
        var hosts: [NetworkAddress.Host] = []
        for host in MachineAddresses.all() + [.ipv4(0x7f00_0001), .ipv6(high: 0, low: 1)] where !hosts.contains(host) {
            hosts.append(host)
        }
        var alternatives = (names + ["localhost"]).map { GeneralName.dnsName($0) }
        for host in hosts.prefix(64) { alternatives.append(.ipAddress(ASN1OctetString(contentBytes: host.bytes[...]))) }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
            // A browser's clock may be a little behind.
            notValidBefore: now.addingTimeInterval(-86_400), notValidAfter: now.addingTimeInterval(lifetime - 86_400),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(alternatives)
            },
            issuerPrivateKey: .init(key))
        return Pair(certificate: certificate, key: key)
    }
}

extension NetworkAddress.Host {
    /// 4 or 16, in network order.
    fileprivate var bytes: [UInt8] {
        switch self {
        case .ipv4(let bits): withUnsafeBytes(of: bits.bigEndian) { Array($0) }
        case .ipv6(let high, let low):
            withUnsafeBytes(of: high.bigEndian) { Array($0) } + withUnsafeBytes(of: low.bigEndian) { Array($0) }
        }
    }
}
