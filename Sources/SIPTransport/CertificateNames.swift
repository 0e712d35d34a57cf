import NIOSSL
import SIPMessage
import SwiftASN1
import Wire

/// The names that a certificate is good for (RFC 5922 §7.1).
struct CertificateNames: Equatable {
    /// subjectAltName is there, whatever it says.
    var hasAlternatives = false
    var uris: [String] = []
    var dns: [String] = []
    var addresses: [NetworkAddress.Host] = []
    /// Of the subject: looked at only when there is no subjectAltName.
    var commonName: String?

    /// The SIP domains that it speaks for: those of `sip:` URIs without a user, or, if there are none, DNS names.
    var domains: [String] {
        guard hasAlternatives else { return commonName.map { [$0.lowercased()] } ?? [] }
        let fromURIs = uris.compactMap { text -> String? in
            guard let uri = try? SIPURI(text), !uri.isSecure, uri.escapedUser == nil else { return nil }
            return uri.host.text
        }
        return fromURIs.isEmpty ? dns.map { $0.lowercased() } : fromURIs
    }

    /// RFC 5922 §7.2: the whole name, case aside; a `*` stands for itself alone.
    ///
    /// - Parameter name: the domain of the provider as the owner wrote it; a numeric address is looked for among the
    ///   certificate's addresses.
    func include(_ name: String) -> Bool {
        if let host = NetworkAddress.Host(name) { return addresses.contains(host) }
        var wanted = name.lowercased()
        if wanted.hasSuffix(".") { wanted.removeLast() }
        return !wanted.isEmpty && domains.contains(wanted)
    }
}

extension CertificateNames {
    init(_ certificate: NIOSSLCertificate) {
        for name in certificate._subjectAlternativeNames() {
            hasAlternatives = true
            let bytes = name.contents.withUnsafeBufferPointer { Array($0) }
            switch name.nameType {
            case .uri: uris.append(String(decoding: bytes, as: UTF8.self))
            case .dnsName: dns.append(String(decoding: bytes, as: UTF8.self))
            case .ipAddress: if let host = Self.host(bytes) { addresses.append(host) }
            default: break
            }
        }
        if !hasAlternatives { commonName = (try? certificate.toDERBytes()).flatMap(Self.commonName) }
    }

    private static func host(_ bytes: [UInt8]) -> NetworkAddress.Host? {
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        return switch bytes.count {
        case 4: .ipv4(UInt32(truncatingIfNeeded: number(bytes[...])))
        case 16: .ipv6(high: number(bytes[..<8]), low: number(bytes[8...]))
        default: nil
        }
    }

    /// RFC 5280 §4.1: tbsCertificate is `[0] version OPTIONAL, serial, signature, issuer, validity, subject, …`.
    private static func commonName(of certificate: [UInt8]) -> String? {
        guard let root = try? DER.parse(certificate), let body = root.members.first else { return nil }
        var fields = body.members[...]
        if fields.first?.identifier.tagClass == .contextSpecific { fields = fields.dropFirst() }
        guard let subject = fields.dropFirst(4).first else { return nil }
        var found: String?
        for attribute in subject.members.flatMap(\.members) {
            let parts = attribute.members
            guard parts.count == 2, (try? ASN1ObjectIdentifier(derEncoded: parts[0])) == [2, 5, 4, 3],
                case .primitive(let bytes) = parts[1].content
            else { continue }
            // The last one is the most particular.
            found = String(decoding: bytes, as: UTF8.self)
        }
        return found
    }
}

extension ASN1Node {
    fileprivate var members: [ASN1Node] {
        if case .constructed(let nodes) = content { Array(nodes) } else { [] }
    }
}
