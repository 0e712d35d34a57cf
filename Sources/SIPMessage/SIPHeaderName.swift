/// A header field's name in its one canonical spelling: `v`, `VIA` and `Via` are the same value (RFC 3261 §7.3.1, §7.3.3).
package struct SIPHeaderName: Hashable, Sendable {
    /// As it is written: the RFC's spelling, or for names that nobody knows every word with a capital, `X-Foo-Bar`.
    package let text: String

    /// - Returns: nil when `text` is no token.
    package init?(_ text: String) {
        self.init(Array(text.utf8)[...])
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty, bytes.allSatisfy(Grammar.token.contains) else { return nil }
        let key = String(decoding: bytes.lazy.map { Grammar.lowercased($0) }, as: UTF8.self)
        self = Self.registered[key] ?? SIPHeaderName(unregistered: key)
    }

    private init(known: StaticString) {
        text = known.description
    }

    private init(unregistered key: String) {
        var startsWord = true
        var spelling: [UInt8] = []
        spelling.reserveCapacity(key.utf8.count)
        for byte in key.utf8 {
            spelling.append(startsWord && Grammar.isAlphabetic(byte) ? byte & 0xdf : byte)
            startsWord = byte == UInt8(ascii: "-")
        }
        text = String(decoding: spelling, as: UTF8.self)
    }

    package static let accept = SIPHeaderName(known: "Accept")
    package static let acceptEncoding = SIPHeaderName(known: "Accept-Encoding")
    package static let acceptLanguage = SIPHeaderName(known: "Accept-Language")
    package static let alertInfo = SIPHeaderName(known: "Alert-Info")
    package static let allow = SIPHeaderName(known: "Allow")
    package static let allowEvents = SIPHeaderName(known: "Allow-Events")
    package static let authenticationInfo = SIPHeaderName(known: "Authentication-Info")
    package static let authorization = SIPHeaderName(known: "Authorization")
    package static let callID = SIPHeaderName(known: "Call-ID")
    package static let contact = SIPHeaderName(known: "Contact")
    package static let contentDisposition = SIPHeaderName(known: "Content-Disposition")
    package static let contentEncoding = SIPHeaderName(known: "Content-Encoding")
    package static let contentLength = SIPHeaderName(known: "Content-Length")
    package static let contentType = SIPHeaderName(known: "Content-Type")
    package static let cseq = SIPHeaderName(known: "CSeq")
    package static let date = SIPHeaderName(known: "Date")
    package static let diversion = SIPHeaderName(known: "Diversion")
    package static let errorInfo = SIPHeaderName(known: "Error-Info")
    package static let event = SIPHeaderName(known: "Event")
    package static let expires = SIPHeaderName(known: "Expires")
    package static let from = SIPHeaderName(known: "From")
    package static let historyInfo = SIPHeaderName(known: "History-Info")
    package static let maxForwards = SIPHeaderName(known: "Max-Forwards")
    package static let mimeVersion = SIPHeaderName(known: "MIME-Version")
    package static let minExpires = SIPHeaderName(known: "Min-Expires")
    package static let minSE = SIPHeaderName(known: "Min-SE")
    package static let path = SIPHeaderName(known: "Path")
    package static let pAssertedIdentity = SIPHeaderName(known: "P-Asserted-Identity")
    package static let pPreferredIdentity = SIPHeaderName(known: "P-Preferred-Identity")
    package static let privacy = SIPHeaderName(known: "Privacy")
    package static let proxyAuthenticate = SIPHeaderName(known: "Proxy-Authenticate")
    package static let proxyAuthorization = SIPHeaderName(known: "Proxy-Authorization")
    package static let proxyRequire = SIPHeaderName(known: "Proxy-Require")
    package static let rAck = SIPHeaderName(known: "RAck")
    package static let rSeq = SIPHeaderName(known: "RSeq")
    package static let reason = SIPHeaderName(known: "Reason")
    package static let recordRoute = SIPHeaderName(known: "Record-Route")
    package static let referTo = SIPHeaderName(known: "Refer-To")
    package static let referredBy = SIPHeaderName(known: "Referred-By")
    package static let remotePartyID = SIPHeaderName(known: "Remote-Party-ID")
    package static let replaces = SIPHeaderName(known: "Replaces")
    package static let require = SIPHeaderName(known: "Require")
    package static let retryAfter = SIPHeaderName(known: "Retry-After")
    package static let route = SIPHeaderName(known: "Route")
    package static let server = SIPHeaderName(known: "Server")
    package static let serviceRoute = SIPHeaderName(known: "Service-Route")
    package static let sessionExpires = SIPHeaderName(known: "Session-Expires")
    package static let sipETag = SIPHeaderName(known: "SIP-ETag")
    package static let sipIfMatch = SIPHeaderName(known: "SIP-If-Match")
    package static let subject = SIPHeaderName(known: "Subject")
    package static let subscriptionState = SIPHeaderName(known: "Subscription-State")
    package static let supported = SIPHeaderName(known: "Supported")
    package static let timestamp = SIPHeaderName(known: "Timestamp")
    package static let to = SIPHeaderName(known: "To")
    package static let unsupported = SIPHeaderName(known: "Unsupported")
    package static let userAgent = SIPHeaderName(known: "User-Agent")
    package static let via = SIPHeaderName(known: "Via")
    package static let warning = SIPHeaderName(known: "Warning")
    package static let wwwAuthenticate = SIPHeaderName(known: "WWW-Authenticate")

    /// The compact forms of RFC 3261 §7.3.3, RFC 3515, 3892, 4028 and 6665.
    private static let compact: [(letter: String, name: SIPHeaderName)] = [
        ("u", .allowEvents), ("i", .callID), ("m", .contact), ("e", .contentEncoding), ("l", .contentLength),
        ("c", .contentType), ("o", .event), ("f", .from), ("r", .referTo), ("b", .referredBy), ("x", .sessionExpires),
        ("s", .subject), ("k", .supported), ("t", .to), ("v", .via),
    ]

    private static let registered: [String: SIPHeaderName] = {
        var table: [String: SIPHeaderName] = [:]
        let names: [SIPHeaderName] = [
            .accept, .acceptEncoding, .acceptLanguage, .alertInfo, .allow, .allowEvents, .authenticationInfo,
            .authorization, .callID, .contact, .contentDisposition, .contentEncoding, .contentLength, .contentType,
            .cseq, .date, .diversion, .errorInfo, .event, .expires, .from, .historyInfo, .maxForwards, .mimeVersion,
            .minExpires, .minSE, .path, .pAssertedIdentity, .pPreferredIdentity, .privacy, .proxyAuthenticate,
            .proxyAuthorization, .proxyRequire, .rAck, .rSeq, .reason, .recordRoute, .referTo, .referredBy,
            .remotePartyID, .replaces, .require, .retryAfter, .route, .server, .serviceRoute, .sessionExpires, .sipETag,
            .sipIfMatch, .subject, .subscriptionState, .supported, .timestamp, .to, .unsupported, .userAgent, .via,
            .warning, .wwwAuthenticate,
        ]
        for name in names { table[Grammar.lowercased(name.text)] = name }
        for (letter, name) in compact { table[letter] = name }
        return table
    }()
}

extension SIPHeaderName: CustomStringConvertible {
    package var description: String { text }
}
