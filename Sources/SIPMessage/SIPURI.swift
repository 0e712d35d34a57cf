package import Wire

/// `sip:user:password@host:port;parameters?headers`, RFC 3261 §19.1.
///
/// User, parameters and headers are kept escaped as they came; `user` undoes the escapes and sets them.
package struct SIPURI: Equatable, Sendable {
    /// `sips:` instead of `sip:`.
    package var isSecure: Bool
    package private(set) var escapedUser: String?
    /// Kept only to be sent back; RFC 3261 advises against its use.
    package private(set) var escapedPassword: String?
    package var host: SIPHost
    package var port: UInt16?
    package var parameters: SIPParameters
    /// What follows the question mark, escaped; may not occur in a Request-URI.
    package private(set) var escapedHeaders: String?

    package init(
        isSecure: Bool = false, user: String? = nil, host: SIPHost, port: UInt16? = nil,
        parameters: SIPParameters = SIPParameters()
    ) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.parameters = parameters
        self.user = user
    }

    package init(user: String? = nil, address: NetworkAddress, parameters: SIPParameters = SIPParameters()) {
        self.init(user: user, host: SIPHost(address.host), port: address.port, parameters: parameters)
    }

    /// The user part without escapes: the telephone number. Setting an empty one removes it.
    package var user: String? {
        get { escapedUser.map(Grammar.unescaped) }
        set {
            escapedUser = newValue.flatMap { $0.isEmpty ? nil : Grammar.escaped($0, allowed: Grammar.user) }
            escapedPassword = nil
        }
    }

    /// `lr`: the far end routes loosely (RFC 3261 §16.12).
    package var isLooseRouter: Bool { parameters.contains("lr") }

    /// For a Request-URI made from a contact: what §19.1.1 forbids there is left out.
    package var asRequestURI: SIPURI {
        var uri = self
        uri.escapedHeaders = nil
        uri.parameters.remove("method")
        return uri
    }

    /// The address to send to when the host is numeric; port 5060 (5061 for `sips`) when none is given.
    package var numericAddress: NetworkAddress? {
        host.address.map { NetworkAddress(host: $0, port: port ?? (isSecure ? 5061 : 5060)) }
    }
}

extension SIPURI {
    /// - Parameter text: with its scheme.
    /// - Throws: `badValue(.uri)`, with the offset.
    package init(_ text: String) throws(SIPParseError) {
        guard let uri = try URI(text).sip else { throw SIPParseError(.badValue(.uri)) }
        self = uri
    }

    /// - Parameter bytes: all that follows the scheme's colon.
    init(isSecure: Bool, rest bytes: [UInt8], offset: Int) throws(SIPParseError) {
        guard Grammar.isURIText(bytes) else { throw SIPParseError(.badValue(.uri), at: offset) }
        self.isSecure = isSecure
        var start = 0
        if let at = bytes.firstIndex(of: UInt8(ascii: "@")) {
            let halves = bytes[..<at].split(
                separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = halves.first, !first.isEmpty else { throw SIPParseError(.badValue(.uri), at: offset) }
            escapedUser = String(decoding: first, as: UTF8.self)
            escapedPassword = halves.count > 1 ? String(decoding: halves[1], as: UTF8.self) : nil
            start = at + 1
        }
        let parametersStart = bytes[start...].firstIndex { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "?") }
        var scanner = TextScanner(Array(bytes[start..<(parametersStart ?? bytes.count)]))
        guard let hostAndPort = SIPHost.scan(&scanner), scanner.isAtEnd else {
            throw SIPParseError(.badValue(.uri), at: offset + start)
        }
        (host, port) = hostAndPort
        parameters = SIPParameters()
        guard let parametersStart else { return }
        let question = bytes[parametersStart...].firstIndex(of: UInt8(ascii: "?"))
        if bytes[parametersStart] == UInt8(ascii: ";") {
            parameters = try SIPParameters(uri: bytes[(parametersStart + 1)..<(question ?? bytes.count)])
        }
        if let question {
            guard question + 1 < bytes.count else { throw SIPParseError(.badValue(.uri), at: offset + question) }
            escapedHeaders = String(decoding: bytes[(question + 1)...], as: UTF8.self)
        }
    }

    /// As on the wire.
    package var text: String {
        var text = isSecure ? "sips:" : "sip:"
        if let escapedUser {
            text += escapedUser
            if let escapedPassword { text += ":\(escapedPassword)" }
            text += "@"
        }
        text += host.text
        if let port { text += ":\(port)" }
        parameters.write(uri: &text)
        if let escapedHeaders { text += "?\(escapedHeaders)" }
        return text
    }

    /// Puts one header field in the place of all that follows the question mark, as Refer-To wants it.
    package mutating func setHeader(_ name: SIPHeaderName, _ value: String) {
        escapedHeaders = "\(name.text)=" + Grammar.escaped(value, allowed: Grammar.uriHeader)
    }

    /// Whether both name the same resource, RFC 3261 §19.1.4: user with case, escapes undone, parameters `user`,
    /// `ttl`, `method`, `maddr` and `transport` present in both or in none, others equal where both have them.
    package func isEquivalent(to other: SIPURI) -> Bool {
        guard isSecure == other.isSecure, user == other.user, host == other.host, port == other.port,
            escapedPassword.map(Grammar.unescaped) == other.escapedPassword.map(Grammar.unescaped),
            escapedHeaders.map(Grammar.unescaped) == other.escapedHeaders.map(Grammar.unescaped)
        else { return false }
        func folded(_ value: String?) -> String? { value.map { Grammar.lowercased(Grammar.unescaped($0)) } }
        for name in ["user", "ttl", "method", "maddr", "transport"]
        where folded(parameters[name]) != folded(other.parameters[name]) {
            return false
        }
        for parameter in parameters.all {
            if let theirs = other.parameters[parameter.name], folded(theirs) != folded(parameter.value ?? "") {
                return false
            }
        }
        return true
    }
}

extension SIPURI: CustomStringConvertible, CustomReflectable {
    /// Without its user, which is a telephone number as a rule.
    package var description: String {
        (isSecure ? "sips:" : "sip:") + (escapedUser == nil ? "" : "‹redacted›@") + host.text
    }

    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
