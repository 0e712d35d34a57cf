/// A cursor over the bytes of one header value: every step is checked, none can trap.
struct TextScanner {
    private let bytes: [UInt8]
    /// `0...count`
    private(set) var position = 0

    init(_ text: some StringProtocol) {
        bytes = Array(text.utf8)
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position >= bytes.count }

    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Steps over one byte, whatever it is.
    mutating func advance() -> UInt8? {
        guard let byte = peek else { return nil }
        position += 1
        return byte
    }

    mutating func skipWhitespace() {
        while let byte = peek, Grammar.isWhitespace(byte) { position += 1 }
    }

    /// Steps over `character` if it comes next.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let byte = peek, UInt32(byte) == character.value else { return false }
        position += 1
        return true
    }

    /// Steps over `character` with the white space around it (RFC 3261 `SEMI`, `COMMA`, `EQUAL`, `SLASH`).
    /// Where the character does not follow, nothing is consumed.
    mutating func takeSeparator(_ character: Unicode.Scalar) -> Bool {
        let start = position
        skipWhitespace()
        guard take(character) else {
            position = start
            return false
        }
        skipWhitespace()
        return true
    }

    /// The longest run of bytes that satisfy `condition`; may be empty.
    mutating func slice(while condition: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = position
        while position < bytes.count, condition(bytes[position]) { position += 1 }
        return bytes[start..<position]
    }

    mutating func text(while condition: (UInt8) -> Bool) -> String {
        String(decoding: slice(while: condition), as: UTF8.self)
    }

    /// - Returns: nil when the next byte cannot begin a token.
    mutating func token() -> String? {
        let run = slice(while: Grammar.token.contains)
        return run.isEmpty ? nil : String(decoding: run, as: UTF8.self)
    }

    /// The content of a `quoted-string` with its escapes undone (RFC 3261 §25.1).
    /// - Returns: nil when there is none, or no closing quote.
    mutating func quotedString() -> String? {
        guard peek == UInt8(ascii: "\"") else { return nil }
        var at = position + 1
        var content: [UInt8] = []
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if byte == UInt8(ascii: "\"") {
                position = at
                return String(decoding: content, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\") {
                guard at < bytes.count else { return nil }
                content.append(bytes[at])
                at += 1
            } else {
                content.append(byte)
            }
        }
        return nil
    }

    /// Whether `wanted` comes before the first of `stops`, counted from here.
    func finds(_ wanted: Unicode.Scalar, before stops: Grammar.ByteSet) -> Bool {
        var at = position
        while at < bytes.count {
            if UInt32(bytes[at]) == wanted.value { return true }
            if stops.contains(bytes[at]) { return false }
            at += 1
        }
        return false
    }
}

/// Reads a comma-separated list whose elements `element` knows how to read.
func scanList<Element>(
    _ text: some StringProtocol, into list: inout [Element],
    _ element: (inout TextScanner) throws(SIPParseError) -> Element
) throws(SIPParseError) {
    var scanner = TextScanner(text)
    repeat {
        scanner.skipWhitespace()
        list.append(try element(&scanner))
    } while scanner.takeSeparator(",")
    scanner.skipWhitespace()
    guard scanner.isAtEnd else { throw SIPParseError(.badValue(.list), at: scanner.position) }
}

/// Reads one element that fills the whole text.
func scanOne<Element>(
    _ text: some StringProtocol, _ kind: SIPParseError.Element,
    _ element: (inout TextScanner) throws(SIPParseError) -> Element
) throws(SIPParseError) -> Element {
    var scanner = TextScanner(text)
    scanner.skipWhitespace()
    let value = try element(&scanner)
    scanner.skipWhitespace()
    guard scanner.isAtEnd else { throw SIPParseError(.badValue(kind), at: scanner.position) }
    return value
}

extension String {
    /// As a `quoted-string`.
    var quoted: String {
        guard utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
            return "\"\(self)\""
        }
        var result: [UInt8] = [UInt8(ascii: "\"")]
        for byte in utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { result.append(UInt8(ascii: "\\")) }
            result.append(byte)
        }
        result.append(UInt8(ascii: "\""))
        return String(decoding: result, as: UTF8.self)
    }
}
