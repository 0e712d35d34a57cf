/// Any URI that a message may carry: `addr-spec` of RFC 3261 §25.1.
package enum URI: Equatable, Sendable {
    /// `sip:` or `sips:`
    case sip(SIPURI)
    /// `tel:`, `urn:`, or a scheme that nobody knows: in lower case, with all that follows its colon.
    case other(scheme: String, rest: String)

    /// - Throws: `badValue(.uri)`, with the offset.
    package init(_ text: String) throws(SIPParseError) {
        try self.init(Array(text.utf8)[...])
    }

    init(_ bytes: ArraySlice<UInt8>) throws(SIPParseError) {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), let first = bytes.first, Grammar.isAlphabetic(first),
            bytes[..<colon].allSatisfy(Grammar.scheme.contains)
        else {
            throw SIPParseError(.badValue(.uri))
        }
        let scheme = Grammar.lowercased(String(decoding: bytes[..<colon], as: UTF8.self))
        let rest = Array(bytes[(colon + 1)...])
        switch scheme {
        case "sip", "sips":
            self = .sip(try SIPURI(isSecure: scheme == "sips", rest: rest, offset: scheme.utf8.count + 1))
        default:
            guard !rest.isEmpty, Grammar.isURIText(rest) else {
                throw SIPParseError(.badValue(.uri), at: scheme.utf8.count + 1)
            }
            self = .other(scheme: scheme, rest: String(decoding: rest, as: UTF8.self))
        }
    }

    package var sip: SIPURI? {
        if case .sip(let uri) = self { uri } else { nil }
    }

    /// Who is meant: the user of a SIP URI without escapes, or the number of a `tel:` URI (RFC 3966) without its parameters.
    package var user: String? {
        switch self {
        case .sip(let uri): uri.user
        case .other("tel", let rest):
            rest.utf8.first == UInt8(ascii: ";")
                ? nil : String(decoding: rest.utf8.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
        case .other: nil
        }
    }

    /// As on the wire.
    package var text: String {
        switch self {
        case .sip(let uri): uri.text
        case .other(let scheme, let rest): "\(scheme):\(rest)"
        }
    }
}

extension URI: CustomStringConvertible, CustomReflectable {
    package var description: String {
        switch self {
        case .sip(let uri): uri.description
        case .other(let scheme, _): "\(scheme):‹redacted›"
        }
    }

    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
