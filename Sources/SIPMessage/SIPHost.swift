package import Wire

/// The host of a URI or a Via: a name, an IPv4 address, or an IPv6 reference in brackets (RFC 3261 §25.1, RFC 5954).
package struct SIPHost: Hashable, Sendable {
    /// As it stands in a URI: names in lower case, IPv6 in brackets and in its canonical spelling.
    package let text: String
    /// The numeric address; nil for a name, which somebody else has to resolve.
    package let address: NetworkAddress.Host?

    package init(_ address: NetworkAddress.Host) {
        self.address = address
        if case .ipv6 = address {
            text = "[\(address)]"
        } else {
            text = "\(address)"
        }
    }

    private init(name: String) {
        text = name
        address = nil
    }

    /// - Parameter text: `example.net`, `192.0.2.1` or `[2001:db8::1]`.
    /// - Returns: nil for what is none of them.
    package init?(_ text: String) {
        if text.utf8.first == UInt8(ascii: "[") {
            guard text.utf8.last == UInt8(ascii: "]"), let address = Self.address(text), case .ipv6 = address else {
                return nil
            }
            self.init(address)
        } else {
            guard !text.isEmpty, text.utf8.count <= 255, text.utf8.allSatisfy(Grammar.hostname.contains) else {
                return nil
            }
            if let last = text.utf8.last, Grammar.isDigit(last), let address = Self.address(text) {
                self.init(address)
            } else {
                self.init(name: Grammar.lowercased(text))
            }
        }
    }

    /// A numeric address with or without brackets. Other bytes never reach the system's parser, which would stop at a
    /// NUL and believe what stands before it.
    static func address(_ text: String) -> NetworkAddress.Host? {
        text.utf8.allSatisfy(numeric.contains) ? NetworkAddress.Host(text) : nil
    }

    private static let numeric = Grammar.ByteSet("[]:.")

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
