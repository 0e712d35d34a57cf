/// Header fields as what they mean. A property is nil when the field is absent or makes no sense; the functions
/// tell the two apart by throwing.
extension SIPHeaders {
    /// All hops, nearest first.
    /// - Throws: `badHeader(.via)`.
    package func vias() throws(SIPParseError) -> [Via] {
        try list(.via) { (scanner) throws(SIPParseError) in try Via(&scanner) }
    }

    /// - Throws: `badHeader(.route)`.
    package func routes() throws(SIPParseError) -> [NameAddress] { try addresses(.route) }

    /// - Throws: `badHeader(.recordRoute)`.
    package func recordRoutes() throws(SIPParseError) -> [NameAddress] { try addresses(.recordRoute) }

    /// Any field that is a list of addresses: Contact, Route, P-Asserted-Identity, Diversion.
    /// - Throws: `badHeader(name)`.
    package func addresses(_ name: SIPHeaderName) throws(SIPParseError) -> [NameAddress] {
        try list(name) { (scanner) throws(SIPParseError) in try NameAddress(&scanner, inList: true) }
    }

    /// - Throws: `badHeader(.contact)`, also for `*` beside an address.
    package func contacts() throws(SIPParseError) -> Contacts {
        if self[.contact] == "*", count(.contact) == 1 { return .all }
        return .list(try addresses(.contact))
    }

    /// WWW-Authenticate, in the server's order.
    /// - Throws: `badHeader(.wwwAuthenticate)`.
    package func wwwChallenges() throws(SIPParseError) -> [Challenge] { try challenges(.wwwAuthenticate) }

    /// Proxy-Authenticate, in the proxy's order.
    /// - Throws: `badHeader(.proxyAuthenticate)`.
    package func proxyChallenges() throws(SIPParseError) -> [Challenge] { try challenges(.proxyAuthenticate) }

    /// RFC 3326; empty when there is none that can be read.
    package var reasons: [SIPReason] {
        (try? list(.reason) { (scanner) throws(SIPParseError) in try SIPReason(&scanner) }) ?? []
    }

    /// The nearest hop: whom a response goes to. Setting replaces only it.
    package var topVia: Via? {
        get {
            guard let text = self[.via] else { return nil }
            var scanner = TextScanner(text)
            return try? Via(&scanner)
        }
        set {
            guard let newValue else { return }
            guard let first = self[.via] else { return prepend(.via, newValue.text) }
            var scanner = TextScanner(first)
            var lines = values(.via)
            lines[0] = newValue.text
            if (try? Via(&scanner)) != nil, scanner.takeSeparator(",") {
                lines[0] += ", " + scanner.text { _ in true }
            }
            replaceAll(.via, with: lines)
        }
    }

    package var from: NameAddress? {
        get { self[.from].flatMap { try? NameAddress($0) } }
        set { self[.from] = newValue?.text }
    }

    package var to: NameAddress? {
        get { self[.to].flatMap { try? NameAddress($0) } }
        set { self[.to] = newValue?.text }
    }

    /// The first address of Contact.
    package var contact: NameAddress? {
        get { (try? addresses(.contact))?.first }
        set { self[.contact] = newValue?.text }
    }

    package var callID: String? {
        get { self[.callID] }
        set { self[.callID] = newValue }
    }

    package var cseq: CSeq? {
        get { self[.cseq].flatMap { try? CSeq($0) } }
        set { self[.cseq] = newValue?.text }
    }

    /// 0...255
    package var maxForwards: Int? {
        get { self[.maxForwards].flatMap { Grammar.decimal($0.utf8) }.flatMap { $0 <= 255 ? Int($0) : nil } }
        set { self[.maxForwards] = newValue.map { String($0) } }
    }

    /// Seconds; a number too large to hold is `UInt32.max`.
    package var expires: Int? {
        get { seconds(.expires) }
        set { self[.expires] = newValue.map { String($0) } }
    }

    /// Seconds, of a 423.
    package var minExpires: Int? {
        get { seconds(.minExpires) }
        set { self[.minExpires] = newValue.map { String($0) } }
    }

    /// Seconds, without the comment and the parameters that may follow (RFC 3261 §20.33).
    package var retryAfter: Int? {
        get { self[.retryAfter].flatMap { Grammar.deltaSeconds(Array($0.utf8.prefix(while: Grammar.isDigit))) } }
        set { self[.retryAfter] = newValue.map { String($0) } }
    }

    package var contentType: MediaType? {
        get { self[.contentType].flatMap { try? MediaType($0) } }
        set { self[.contentType] = newValue?.text }
    }

    /// The first Authorization; nil too for one that cannot be read.
    package var authorization: Credentials? {
        get { self[.authorization].flatMap { try? Credentials($0) } }
        set { self[.authorization] = newValue?.text }
    }

    package var proxyAuthorization: Credentials? {
        get { self[.proxyAuthorization].flatMap { try? Credentials($0) } }
        set { self[.proxyAuthorization] = newValue?.text }
    }

    package var allow: [SIPMethod] {
        get { tokens(.allow).compactMap { SIPMethod(rawValue: $0) } }
        set { self[.allow] = newValue.isEmpty ? nil : newValue.map(\.rawValue).joined(separator: ", ") }
    }

    /// Option tags, in lower case.
    package var supported: [String] {
        get { tokens(.supported).map(Grammar.lowercased) }
        set { self[.supported] = newValue.isEmpty ? nil : newValue.joined(separator: ", ") }
    }

    package var require: [String] { tokens(.require).map(Grammar.lowercased) }

    /// Sets the route set of a request: one field for each, in order; none for an empty list.
    package mutating func setRoutes(_ routes: [NameAddress]) {
        replaceAll(.route, with: routes.map(\.text))
    }

    /// The pieces between the commas of every field of this name, for fields without quotes (Allow, Require).
    package func tokens(_ name: SIPHeaderName) -> [String] {
        values(name).flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).compactMap { piece in
                var scanner = TextScanner(Substring(piece))
                scanner.skipWhitespace()
                return scanner.token()
            }
        }
    }
}

extension SIPHeaders {
    private func list<Element>(
        _ name: SIPHeaderName, _ element: (inout TextScanner) throws(SIPParseError) -> Element
    ) throws(SIPParseError) -> [Element] {
        var found: [Element] = []
        for field in fields where field.name == name {
            do throws(SIPParseError) {
                try scanList(field.value, into: &found, element)
            } catch {
                throw SIPParseError(.badHeader(name), at: error.offset)
            }
        }
        return found
    }

    private func challenges(_ name: SIPHeaderName) throws(SIPParseError) -> [Challenge] {
        var found: [Challenge] = []
        for field in fields where field.name == name {
            do throws(SIPParseError) {
                found += try Challenge.list(field.value)
            } catch {
                throw SIPParseError(.badHeader(name), at: error.offset)
            }
        }
        return found
    }

    private func seconds(_ name: SIPHeaderName) -> Int? {
        self[name].flatMap { Grammar.deltaSeconds($0.utf8) }
    }
}
