/// Character classes of RFC 3261 §25.1, over bytes: a `Character` would merge CR with LF and a semicolon with an accent.
enum Grammar {
    /// A set of ASCII bytes in 128 bits; nothing above ASCII is ever in it.
    struct ByteSet: Sendable {
        private var low: UInt64 = 0
        private var high: UInt64 = 0

        init(_ members: StaticString, alphanumeric: Bool = true) {
            for byte in members.description.utf8 { insert(byte) }
            guard alphanumeric else { return }
            for byte in UInt8(ascii: "0")...UInt8(ascii: "9") { insert(byte) }
            for byte in UInt8(ascii: "A")...UInt8(ascii: "Z") {
                insert(byte)
                insert(byte | 0x20)
            }
        }

        private mutating func insert(_ byte: UInt8) {
            if byte < 64 { low |= 1 << UInt64(byte) } else if byte < 128 { high |= 1 << UInt64(byte &- 64) }
        }

        func contains(_ byte: UInt8) -> Bool {
            byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte &- 64) & 1 == 1
        }
    }

    static let token = ByteSet("-.!%*_+`'~")
    static let scheme = ByteSet("+-.")
    /// Host names as they are met, underscore included.
    static let hostname = ByteSet("-._")
    /// Unquoted parameter values: token, host and IPv6 reference (RFC 3261 `gen-value`), and the stray characters
    /// that real peers leave there. IPv6 without brackets in `received` is among them (RFC 5118 §4.5).
    static let parameterValue = ByteSet("-.!%*_+`'~[]:/@&$?=#^|(){}\\")
    /// Which bytes of `user` need no escape: `unreserved` and `user-unreserved`.
    static let user = ByteSet("-_.!~*'()&=+$,;?/")
    static let password = ByteSet("-_.!~*'()&=+$,")
    /// `paramchar` of a URI parameter.
    static let uriParameter = ByteSet("-_.!~*'()[]/:&+$")

    /// `hnv-unreserved` and `unreserved` of a header field in a URI.
    static let uriHeader = ByteSet("-_.!~*'()[]/?:+$")

    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(token.contains)
    }

    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    static func isAlphabetic(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    static func isWhitespace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// 0...15, nil when it is no hexadecimal digit.
    static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// ASCII lower case, other bytes untouched: what `String.lowercased()` does to the rest of Unicode must not happen here.
    static func lowercased(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 &- 0x41 < 26 }) else { return text }
        return String(decoding: text.utf8.map { lowercased($0) }, as: UTF8.self)
    }

    /// A number in decimal digits only.
    /// - Returns: nil for no digits, other bytes, or a value above `UInt64.max`.
    static func decimal(_ bytes: some Collection<UInt8>) -> UInt64? {
        guard !bytes.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in bytes {
            guard isDigit(byte) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte &- 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// Seconds as SIP counts them (`delta-seconds`): a number too large to hold is the largest one.
    static func deltaSeconds(_ bytes: some Collection<UInt8>) -> Int? {
        guard !bytes.isEmpty, bytes.allSatisfy(isDigit) else { return nil }
        return Int(Swift.min(decimal(bytes) ?? .max, UInt64(UInt32.max)))
    }

    /// Whether a text is safe in a URI: printable ASCII without brackets or quotes, every `%` followed by two digits.
    static func isURIText(_ bytes: some Collection<UInt8>) -> Bool {
        var escape = 0
        for byte in bytes {
            if escape > 0 {
                guard hexadecimalValue(byte) != nil else { return false }
                escape -= 1
            } else if byte == UInt8(ascii: "%") {
                escape = 2
            } else if byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">")
                || byte == UInt8(ascii: "\"")
            {
                return false
            }
        }
        return escape == 0
    }

    /// Replaces `%41` by `A` (RFC 3261 §19.1.2). Bytes that are no UTF-8 come out as U+FFFD.
    static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var result: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let first = rest.first, let high = hexadecimalValue(first),
                let second = rest.dropFirst().first, let low = hexadecimalValue(second)
            {
                result.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Writes what is not in `allowed` as `%41`.
    static func escaped(_ text: String, allowed: ByteSet) -> String {
        guard !text.utf8.allSatisfy(allowed.contains) else { return text }
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            if allowed.contains(byte) {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
