/// What is personal or secret by its looks alone.
enum LooseSecrets {
    /// Fewer digits are counts, ports and codes.
    private static let fewestDigits = 6
    /// Longer mixtures of letters and digits are keys and tokens.
    private static let shortestKey = 24
    private static let schemes: Set<String> = ["sip", "sips", "tel", "mailto", "xmpp"]

    static func mask(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var output: [Unicode.Scalar] = []
        output.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if let end = time(text, index) ?? hostAddress(text, index) ?? figure(text, index) ?? callName(text, index) {
                output += text[index..<end]
                index = end
            } else if let end = phoneNumber(text, index) {
                output += Redactor.mask
                index = end
            } else if isToken(text[index]) {
                let end = tokenEnd(text, index)
                index = mask(text, index..<end, into: &output)
            } else if text[index] == "\"", let end = displayName(text, index) {
                output += Redactor.mask
                index = end
            } else {
                output.append(text[index])
                index += 1
            }
        }
        return output
    }

    /// A word without blanks: an address, a key, or nothing special.
    /// - Returns: where to go on.
    private static func mask(
        _ text: [Unicode.Scalar], _ range: Range<Int>, into output: inout [Unicode.Scalar]
    ) -> Int {
        let token = text[range]
        let string = String(String.UnicodeScalarView(token))
        if range.upperBound < text.count, text[range.upperBound] == ":", schemes.contains(string.lowercased()) {
            output += token + [":"] + Redactor.mask
            return addressEnd(text, range.upperBound)
        }
        if range.upperBound < text.count, text[range.upperBound] == "@", range.upperBound + 1 < text.count,
            isToken(text[range.upperBound + 1])
        {
            output += Redactor.mask + ["@"]
            return range.upperBound + 1
        }
        // A path is as long as it likes; what stands between its strokes is not.
        let parts = token.first == "/" ? token.split(separator: "/") : [token]
        if parts.contains(where: looksLikeKey) {
            output += Redactor.mask
            return range.upperBound
        }
        // Digits within a word are a number all the same: tel4930123456.
        var index = range.lowerBound
        while index < range.upperBound {
            if isDigit(text[index]), let end = phoneNumber(text, index) {
                output += Redactor.mask
                index = end
            } else {
                output.append(text[index])
                index += 1
            }
        }
        return index
    }

    private static func looksLikeKey(_ token: ArraySlice<Unicode.Scalar>) -> Bool {
        token.count >= shortestKey && token.contains(where: isDigit)
            && token.contains { $0.properties.isAlphabetic && !isDigit($0) }
    }

    // MARK: What stays

    /// `2026-11-22`, with `T08:15:30.123Z` or ` 08:15:30+0000` after it.
    private static func time(_ text: [Unicode.Scalar], _ start: Int) -> Int? {
        guard !isDigit(before: start, text), var end = match("dddd-dd-dd", text, start) else { return nil }
        if end < text.count, text[end] == "T" || text[end] == " ", let clock = match("dd:dd:dd", text, end + 1) {
            end = clock
            if end < text.count, text[end] == "." || text[end] == "," {
                var index = end + 1
                while index < text.count, index < end + 10, isDigit(text[index]) { index += 1 }
                end = index
            }
            if let zone = match("+dddd", text, end) ?? match("-dddd", text, end) ?? match("+dd:dd", text, end) {
                end = zone
            }
        }
        return end < text.count && isDigit(text[end]) ? nil : end
    }

    /// `203.0.113.7`, each part 0 to 255 and without a leading zero.
    private static func hostAddress(_ text: [Unicode.Scalar], _ start: Int) -> Int? {
        guard !isDigit(before: start, text), start == 0 || text[start - 1] != "." && text[start - 1] != "+" else {
            return nil
        }
        var index = start
        for part in 0..<4 {
            if part > 0 {
                guard index < text.count, text[index] == "." else { return nil }
                index += 1
            }
            let first = index
            var value: UInt32 = 0
            while index < text.count, index < first + 3, (0x30...0x39).contains(text[index].value) {
                value = value * 10 + (text[index].value - 0x30)
                index += 1
            }
            guard index > first, value <= 255, index == first + 1 || text[first] != "0" else { return nil }
        }
        if index < text.count, isDigit(text[index]) { return nil }
        if index + 1 < text.count, ".-/".unicodeScalars.contains(text[index]), isDigit(text[index + 1]) {
            // 203.0.113.0/24 is a network; anything else that goes on is no address.
            guard text[index] == "/" else { return nil }
        }
        return index
    }

    /// A bare number as the value of a JSON key, or a process's number in brackets.
    private static func figure(_ text: [Unicode.Scalar], _ start: Int) -> Int? {
        guard (0x30...0x39).contains(text[start].value) else { return nil }
        var index = start
        while index < text.count, (0x30...0x39).contains(text[index].value) { index += 1 }
        if start > 0, text[start - 1] == "[", index < text.count, text[index] == "]", index - start <= 7 {
            return index
        }
        var before = start - 1
        while before >= max(0, start - 4), text[before] == " " { before -= 1 }
        guard before > 0, text[before] == ":" else { return nil }
        before -= 1
        while before >= max(0, start - 8), text[before] == " " { before -= 1 }
        let closes = index == text.count || ",\n}] .".unicodeScalars.contains(text[index])
        return before >= 0 && text[before] == "\"" && closes ? index : nil
    }

    /// The 32 hexadecimal digits of a call's name, behind `call=` or `"call":`.
    private static func callName(_ text: [Unicode.Scalar], _ start: Int) -> Int? {
        var before = start - 1
        while before >= max(0, start - 8), "\" =:".unicodeScalars.contains(text[before]) { before -= 1 }
        guard before >= 3, before < start - 1,
            String(String.UnicodeScalarView(text[(before - 3)...before])).lowercased() == "call",
            let end = match(String(repeating: "h", count: 32), text, start),
            end == text.count || !isToken(text[end])
        else { return nil }
        return end
    }

    // MARK: What goes

    /// Digits with at most two signs between them, as people and SIP write numbers.
    private static func phoneNumber(_ text: [Unicode.Scalar], _ start: Int) -> Int? {
        guard isDigit(text[start]) || "+(".unicodeScalars.contains(text[start]) else { return nil }
        var (index, digits, gap, end) = (start, 0, 0, start)
        while index < text.count, gap <= 2 {
            if isDigit(text[index]) {
                digits += 1
                gap = 0
                end = index + 1
            } else if "+ -./()\u{a0}\u{2011}\u{2013}\u{202f}".unicodeScalars.contains(text[index]) {
                gap += 1
            } else if text[index] == "%", index + 2 < text.count {
                // Percent-encoded signs, as in an address.
                gap += 1
                index += 2
            } else {
                break
            }
            index += 1
        }
        return digits >= fewestDigits ? end : nil
    }

    /// `"Alice" <sip:…`
    private static func displayName(_ text: [Unicode.Scalar], _ start: Int) -> Int? {
        var index = start + 1
        while index < text.count, index < start + 256, text[index] != "\"", text[index] != "\n" { index += 1 }
        guard index < text.count, text[index] == "\"" else { return nil }
        let end = index + 1
        index = end
        while index < text.count, text[index] == " " { index += 1 }
        let rest = String(String.UnicodeScalarView(text[min(index, text.count)...].prefix(5))).lowercased()
        return rest.hasPrefix("<sip") || rest.hasPrefix("<tel") ? end : nil
    }

    private static func addressEnd(_ text: [Unicode.Scalar], _ start: Int) -> Int {
        var index = start
        while index < text.count, !" \t\r\n<>\"',".unicodeScalars.contains(text[index]) { index += 1 }
        return index
    }

    private static func tokenEnd(_ text: [Unicode.Scalar], _ start: Int) -> Int {
        var index = start
        while index < text.count, isToken(text[index]) { index += 1 }
        return index
    }

    private static func isToken(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || isDigit(scalar) || "+/_-.%".unicodeScalars.contains(scalar)
    }

    /// Of any script: a number is one in Arabic digits too.
    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.numericType == .decimal
    }

    private static func isDigit(before index: Int, _ text: [Unicode.Scalar]) -> Bool {
        index > 0 && isDigit(text[index - 1])
    }

    /// - Parameter pattern: `d` a digit, `h` a hexadecimal one, anything else itself.
    private static func match(_ pattern: String, _ text: [Unicode.Scalar], _ start: Int) -> Int? {
        var index = start
        for sign in pattern.unicodeScalars {
            guard index < text.count else { return nil }
            let value = text[index].value
            let fits =
                switch sign {
                case "d": (0x30...0x39).contains(value)
                case "h": (0x30...0x39).contains(value) || (0x61...0x66).contains(value)
                default: text[index] == sign
                }
            guard fits else { return nil }
            index += 1
        }
        return index
    }
}
