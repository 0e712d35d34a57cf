/// Parameters in their order, `;tag=1928301774;lr`: of a header value (RFC 3261 `generic-param`) or of a URI.
///
/// Names are kept in lower case, values without the quotes that a header value may give them. In a URI the values
/// stay escaped as they came, so that a contact of the far end is sent back to it byte by byte.
package struct SIPParameters: Equatable, Sendable {
    package struct Parameter: Equatable, Sendable {
        package let name: String
        /// Nil for a parameter that is only a name.
        package let value: String?
    }

    package private(set) var all: [Parameter] = []

    /// More parameters than any value has: beyond it a value is refused, so that looking them up stays cheap.
    static let limit = 128

    package init() {}

    /// - Parameter pairs: an empty value writes `name=""`; use `insert(flag:)` for a name alone.
    package init(_ pairs: KeyValuePairs<String, String>) {
        for (name, value) in pairs { self[name] = value }
    }

    package var isEmpty: Bool { all.isEmpty }

    /// The value of the first parameter of this name; empty for a name alone.
    ///
    /// Setting nil removes the parameter. A name that is no token is not set.
    package subscript(name: String) -> String? {
        get { all.first { $0.name == Grammar.lowercased(name) }.map { $0.value ?? "" } }
        set {
            guard let newValue else { return remove(name) }
            set(name, to: newValue)
        }
    }

    package func contains(_ name: String) -> Bool {
        all.contains { $0.name == Grammar.lowercased(name) }
    }

    /// A parameter without a value, such as `lr` or `rport`.
    package mutating func insert(flag name: String) {
        set(name, to: nil)
    }

    package mutating func remove(_ name: String) {
        all.removeAll { $0.name == Grammar.lowercased(name) }
    }

    private mutating func set(_ name: String, to value: String?) {
        guard Grammar.isToken(name) else { return }
        let parameter = Parameter(name: Grammar.lowercased(name), value: value)
        if let at = all.firstIndex(where: { $0.name == parameter.name }) {
            all[at] = parameter
        } else {
            all.append(parameter)
        }
    }
}

extension SIPParameters {
    /// Reads `;a=b;c` of a header value; nothing when no semicolon comes.
    init(headerValue scanner: inout TextScanner) throws(SIPParseError) {
        while scanner.takeSeparator(";") {
            guard let name = scanner.token() else { throw SIPParseError(.badValue(.parameters), at: scanner.position) }
            let value = scanner.takeSeparator("=") ? try Self.value(&scanner) : nil
            try append(name, value, at: scanner.position)
        }
    }

    /// Keeps what was read; of two with one name the first counts.
    mutating func append(_ name: String, _ value: String?, at offset: Int) throws(SIPParseError) {
        guard all.count < Self.limit else { throw SIPParseError(.badValue(.parameters), at: offset) }
        all.append(Parameter(name: Grammar.lowercased(name), value: value))
    }

    /// `token`, `host` or `quoted-string`; possibly empty.
    static func value(_ scanner: inout TextScanner) throws(SIPParseError) -> String {
        guard scanner.peek == UInt8(ascii: "\"") else { return scanner.text(while: Grammar.parameterValue.contains) }
        guard let quoted = scanner.quotedString() else {
            throw SIPParseError(.badValue(.parameters), at: scanner.position)
        }
        return quoted
    }

    /// Reads what lies between the host and the `?` of a URI, without its first semicolon.
    init(uri text: ArraySlice<UInt8>) throws(SIPParseError) {
        for piece in text.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false) {
            let halves = piece.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = halves.first, !name.isEmpty, Grammar.isURIText(piece),
                !piece.contains(where: Self.ends.contains)
            else {
                throw SIPParseError(.badValue(.uri), at: piece.startIndex)
            }
            try append(
                String(decoding: name, as: UTF8.self),
                halves.count > 1 ? String(decoding: halves[1], as: UTF8.self) : nil,
                at: piece.startIndex)
        }
    }

    /// As they follow a header value, quoted where they must be.
    func write(headerValue text: inout String) {
        for parameter in all {
            text += ";\(parameter.name)"
            guard let value = parameter.value else { continue }
            let bare = !value.isEmpty && value.utf8.allSatisfy(Self.bare.contains)
            text += "=" + (bare ? value : value.quoted)
        }
    }

    /// As they follow the host of a URI.
    func write(uri text: inout String) {
        for parameter in all {
            text += ";\(parameter.name)"
            guard let value = parameter.value else { continue }
            text +=
                "="
                + (Grammar.isURIText(value.utf8) && !value.utf8.contains(where: Self.ends.contains)
                    ? value : Grammar.escaped(value, allowed: Grammar.uriParameter))
        }
    }

    /// What may stand unquoted: token, host, IPv6 reference.
    private static let bare = Grammar.ByteSet("-.!%*_+`'~[]:")
    /// What would end a URI parameter's value too early.
    private static let ends = Grammar.ByteSet(";?,@", alphanumeric: false)
}
