/// The `name=value` list behind the word `Digest` in four headers: WWW-Authenticate, Proxy-Authenticate,
/// Authorization and Proxy-Authorization (RFC 3261 §25.1, RFC 7616 §3.3).
struct DigestParameters: Equatable, Sendable {
    /// No header of this kind has more than a dozen; what has is hostile.
    private static let limit = 32

    private var values: [String: String] = [:]

    /// - Parameter header: the header's value.
    /// - Returns: nil for another scheme, a broken list, a doubled name, or far too many of them.
    init?(_ header: String) {
        var text = Substring(header).drop(while: Self.isSpace)
        guard text.prefix(6).lowercased() == "digest" else { return nil }
        text = text.dropFirst(6)
        guard text.first.map(Self.isSpace) ?? true else { return nil }
        while true {
            text = text.drop { Self.isSpace($0) || $0 == "," }
            guard !text.isEmpty else { return }
            let name = text.prefix { $0 != "=" && $0 != "," && !Self.isSpace($0) }
            text = text.dropFirst(name.count).drop(while: Self.isSpace)
            guard !name.isEmpty, text.first == "=" else { return nil }
            text = text.dropFirst().drop(while: Self.isSpace)
            guard let value = text.first == "\"" ? Self.takeQuoted(&text) : Self.takeToken(&text),
                values.count < Self.limit, values.updateValue(value, forKey: name.lowercased()) == nil
            else { return nil }
        }
    }

    subscript(name: String) -> String? { values[name] }

    private static func isSpace(_ character: Character) -> Bool { character.isWhitespace }

    private static func takeQuoted(_ text: inout Substring) -> String? {
        var value = ""
        var isEscaped = false
        text = text.dropFirst()
        while let character = text.popFirst() {
            if isEscaped {
                value.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                return value
            } else {
                value.append(character)
            }
        }
        return nil
    }

    private static func takeToken(_ text: inout Substring) -> String? {
        let value = text.prefix { $0 != "," && !isSpace($0) }
        text = text.dropFirst(value.count)
        return value.isEmpty ? nil : String(value)
    }

    /// A quoted string; line ends cannot be smuggled into a header through it.
    static func quoted(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars where scalar.value >= 0x20 && scalar.value != 0x7f {
            if scalar == "\"" || scalar == "\\" { text.append("\\") }
            text.unicodeScalars.append(scalar)
        }
        return text + "\""
    }
}
