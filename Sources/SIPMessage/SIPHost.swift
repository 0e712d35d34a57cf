package import Wire

/// The host of a URI or a Via: a name, an IPv4 address, or an IPv6 reference in brackets (RFC 3261 §25.1, RFC 5954).
package struct SIPHost: Hashable, Sendable {
    private enum Kind: Hashable, Sendable {
        case name(String)
        case address(NetworkAddress.Host)
    }

    private let kind: Kind

    package init(_ address: NetworkAddress.Host) {
        kind = .address(address)
    }

    /// - Parameter text: `example.net`, `192.0.2.1` or `[2001:db8::1]`. Names are kept in lower case.
    /// - Returns: nil for what is none of them.
    package init?(_ text: String) {
        if text.utf8.first == UInt8(ascii: "[") {
            guard text.utf8.last == UInt8(ascii: "]"), let address = Self.address(text), case .ipv6 = address else {
                return nil
            }
            kind = .address(address)
        } else {
            guard !text.isEmpty, text.utf8.count <= 255, text.utf8.allSatisfy(Grammar.hostname.contains) else {
                return nil
            }
            let numeric = text.utf8.last.map(Grammar.isDigit) == true ? Self.address(text) : nil
            kind = numeric.map { .address($0) } ?? .name(Grammar.lowercased(text))
        }
    }

    /// A numeric address with or without brackets. Other bytes never reach the system's parser, which would stop at a
    /// NUL and believe what stands before it.
    static func address(_ text: String) -> NetworkAddress.Host? {
        text.utf8.allSatisfy(numeric.contains) ? NetworkAddress.Host(text) : nil
    }

    private static let numeric = Grammar.ByteSet("[]:.")

    /// The numeric address; nil for a name, which somebody else has to resolve.
    package var address: NetworkAddress.Host? {
        if case .address(let address) = kind { address } else { nil }
    }

    /// As it stands in a URI: IPv6 in brackets.
    package var text: String {
        switch kind {
        case .name(let name): name
        case .address(let address):
            if case .ipv6 = address { "[\(address)]" } else { "\(address)" }
        }
    }

    /// `host [":" port]`
    static func scan(_ scanner: inout TextScanner) -> (host: SIPHost, port: UInt16?)? {
        let name: String
        if scanner.take("[") {
            let inner = scanner.text { $0 != UInt8(ascii: "]") }
            guard scanner.take("]") else { return nil }
            name = "[\(inner)]"
        } else {
            name = scanner.text(while: Grammar.hostname.contains)
        }
        guard let host = SIPHost(name) else { return nil }
        guard scanner.takeSeparator(":") else { return (host, nil) }
        guard let number = Grammar.decimal(scanner.slice(while: Grammar.isDigit)), let port = UInt16(exactly: number)
        else {
            return nil
        }
        return (host, port)
    }
}

extension SIPHost: CustomStringConvertible {
    package var description: String { text }
}
