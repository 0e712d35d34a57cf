/// Masks what must not leave the box when somebody asks for help: phone numbers, people's addresses, user names,
/// passwords and keys. What tells about the machine stays: times, addresses of hosts, versions, sizes.
///
/// It errs on the side of masking: a text that became poorer can be asked for again, one that was sent cannot be taken
/// back. Two passes: values behind names that say what they are, then whatever looks like a number, a key or an
/// address by itself.
package enum Redactor {
    package static func redact(_ text: String) -> String {
        let named = NamedSecrets.mask(Array(text.unicodeScalars))
        var output = String.UnicodeScalarView()
        output.append(contentsOf: LooseSecrets.mask(named))
        return String(output)
    }

    static let mask = Array("‹masked›".unicodeScalars)
}

/// `password = "x"`, `"user" : "x"`, `Authorization: …`, `a=ice-pwd:…`
enum NamedSecrets {
    private static let names: Set<String> = [
        "password", "passwd", "passphrase", "pwd", "pass", "secret", "token", "key", "credential", "user", "username",
        "login", "number", "from", "far", "displayname", "caller", "callee", "nonce", "cnonce", "response", "opaque",
        "inline", "ufrag", "fingerprint", "digit",
        // Behind the # of links that let somebody in.
        "setup", "signin", "invitation",
    ]
    /// Their value goes on to the end of the line.
    private static let wholeLine: Set<String> = [
        "authorization", "cookie", "to", "contact", "wwwauthenticate", "proxyauthenticate", "proxyauthorization",
        "setcookie", "crypto", "icepwd", "iceufrag",
    ]

    static func mask(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var output: [Unicode.Scalar] = []
        output.reserveCapacity(text.count)
        var word: [Unicode.Scalar] = []
        var index = 0
        while index < text.count {
            let scalar = text[index]
            if isWord(scalar) {
                if word.count < 64 { word.append(scalar) }
                output.append(scalar)
                index += 1
                continue
            }
            if !word.isEmpty, let value = valueStart(text, index), let kind = kind(of: word) {
                output += text[index..<value]
                let end = kind == .line ? lineEnd(text, value) : valueEnd(text, value)
                if end > value {
                    let quote = text[value] == "\"" || text[value] == "'" ? [text[value]] : []
                    output += quote + Redactor.mask + quote
                }
                index = end
            } else {
                output.append(scalar)
                index += 1
            }
            word = []
        }
        return output
    }

    private enum Kind { case value, line }

    private static func kind(of word: [Unicode.Scalar]) -> Kind? {
        let name = String(String.UnicodeScalarView(word.filter { $0 != "-" && $0 != "_" })).lowercased()
        if wholeLine.contains(name) { return .line }
        let isSecret =
            names.contains(name)
            || ["password", "secret", "token", "key", "passphrase", "username", "user", "number"].contains {
                name.hasSuffix($0)
            }
        return isSecret ? .value : nil
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "-" || scalar == "_"
    }

    /// Past an optional closing quote, blanks, one `=` or `:`, and blanks; nil without the sign.
    private static func valueStart(_ text: [Unicode.Scalar], _ start: Int) -> Int? {
        var index = start
        if index < text.count, text[index] == "\"" || text[index] == "'" { index += 1 }
        while index < text.count, text[index] == " " || text[index] == "\t" { index += 1 }
        guard index < text.count, text[index] == "=" || text[index] == ":" else { return nil }
        index += 1
        while index < text.count, text[index] == " " || text[index] == "\t" { index += 1 }
        return index
    }

    private static func valueEnd(_ text: [Unicode.Scalar], _ start: Int) -> Int {
        guard start < text.count else { return start }
        let quote = text[start]
        guard quote == "\"" || quote == "'" else {
            var index = start
            while index < text.count, !" \t\r\n,;".unicodeScalars.contains(text[index]) { index += 1 }
            return index
        }
        // Three quotes begin a text of several lines (TOML).
        if start + 2 < text.count, text[start + 1] == quote, text[start + 2] == quote {
            var index = start + 3
            while index + 2 < text.count {
                if text[index] == quote, text[index + 1] == quote, text[index + 2] == quote { return index + 3 }
                index += 1
            }
            return text.count
        }
        var index = start + 1
        while index < text.count, text[index] != quote, text[index] != "\n" {
            index += quote == "\"" && text[index] == "\\" ? 2 : 1
        }
        return min(index + 1, text.count)
    }

    private static func lineEnd(_ text: [Unicode.Scalar], _ start: Int) -> Int {
        var index = start
        while index < text.count, text[index] != "\n" { index += 1 }
        return index
    }
}
