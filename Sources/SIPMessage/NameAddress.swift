/// `"Display name" <sip:user@host>;parameters`: From, To, Contact, Route, Record-Route, P-Asserted-Identity.
package struct NameAddress: Equatable, Sendable {
    package var displayName: String?
    package var uri: URI
    /// The header's parameters, not the URI's.
    package var parameters: SIPParameters

    package init(displayName: String? = nil, uri: URI, parameters: SIPParameters = SIPParameters()) {
        self.displayName = displayName
        self.uri = uri
        self.parameters = parameters
    }

    package init(displayName: String? = nil, _ uri: SIPURI, tag: String? = nil) {
        self.init(displayName: displayName, uri: .sip(uri))
        self.tag = tag
    }

    /// Of From and To: one side of a dialog (RFC 3261 §19.3).
    package var tag: String? {
        get { parameters["tag"] }
        set { parameters["tag"] = newValue }
    }

    /// Of Contact: seconds; a number too large to hold is `UInt32.max`.
    package var expires: Int? {
        get { parameters["expires"].flatMap { Grammar.deltaSeconds($0.utf8) } }
        set { parameters["expires"] = newValue.map { String($0) } }
    }
}

extension NameAddress {
    /// - Throws: `badValue`, with the offset.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .nameAddress) { (scanner) throws(SIPParseError) in
            try NameAddress(&scanner, inList: false)
        }
    }

    /// - Parameter inList: a comma ends the value. Where only one value may stand, an unquoted comma in the display
    ///   name is taken as if it were quoted (RFC 4475 §3.1.2.15).
    init(_ scanner: inout TextScanner, inList: Bool) throws(SIPParseError) {
        let start = scanner.position
        displayName = nil
        if scanner.peek == UInt8(ascii: "\"") {
            displayName = scanner.quotedString()
            scanner.skipWhitespace()
            guard displayName != nil, scanner.peek == UInt8(ascii: "<") else {
                throw SIPParseError(.badValue(.nameAddress), at: start)
            }
        } else if scanner.finds("<", before: inList ? Self.endsInList : Self.ends) {
            var name = scanner.slice { $0 != UInt8(ascii: "<") }
            while let last = name.last, Grammar.isWhitespace(last) { name.removeLast() }
            displayName = name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
        }
        if scanner.take("<") {
            let inner = scanner.slice { $0 != UInt8(ascii: ">") }
            uri = try URI(Array(inner)[...])
            guard scanner.take(">") else { throw SIPParseError(.badValue(.nameAddress), at: scanner.position) }
        } else {
            let bare = scanner.slice { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: ",") && !Grammar.isWhitespace($0) }
            uri = try URI(Array(bare)[...])
            // Without brackets a question mark would be ambiguous, and dangerous to guess at (RFC 3261 §20.10).
            guard !bare.contains(UInt8(ascii: "?")) else { throw SIPParseError(.badValue(.nameAddress), at: start) }
        }
        parameters = try SIPParameters(headerValue: &scanner)
    }

    private static let ends = Grammar.ByteSet(";\"", alphanumeric: false)
    private static let endsInList = Grammar.ByteSet(";\",", alphanumeric: false)

    /// As on the wire, always with brackets.
    package var text: String {
        var text = ""
        if let displayName { text = displayName.quoted + " " }
        text += "<\(uri.text)>"
        parameters.write(headerValue: &text)
        return text
    }
}

extension NameAddress: CustomStringConvertible, CustomReflectable {
    package var description: String { "<\(uri)>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What Contact says: addresses, or `*` (all bindings, RFC 3261 §10.2.2).
package enum Contacts: Equatable, Sendable {
    case all
    case list([NameAddress])
}
