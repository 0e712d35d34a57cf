/// The symbols of a dialled text, whatever script, dashes and brackets it was written with: ITU-T E.123, RFC 3966.
struct DialText {
    enum Symbol: Equatable {
        /// `0`...`9`, `*`, `#` in ASCII
        case key(UInt8)
        /// `(0)`: a trunk prefix for readers inside the country, of no use after a country code.
        case bracketedZero
    }

    /// Bytes of text that are looked at; nobody dials more.
    static let limit = 128

    private(set) var symbols: [Symbol] = []
    /// Begins with a plus, or with a `tel:` URI's global context.
    private(set) var isInternational = false
    private(set) var isEmergencyService = false

    init(_ text: String) throws(NumberRefusal) {
        guard text.utf8.count <= Self.limit else { throw .tooLong }
        var scalars = Array(text.unicodeScalars)[...]
        while let last = scalars.last, Self.isSeparator(last) { scalars.removeLast() }
        while let first = scalars.first, Self.isSeparator(first), first != "(" { scalars.removeFirst() }
        if Self.hasScheme("urn:service:sos", scalars) {
            let tail = scalars.dropFirst(15)
            guard tail.isEmpty || tail.first == "." else { throw .notANumber }
            isEmergencyService = true
            return
        }
        if Self.hasScheme("tel:", scalars) {
            let parts = try Self.unescaped(scalars.dropFirst(4)).split(separator: ";", omittingEmptySubsequences: false)
            try read(parts.first ?? [])
            try readParameters(parts.dropFirst())
        } else {
            try read(scalars)
        }
    }

    private mutating func readParameters(_ parts: ArraySlice<ArraySlice<Unicode.Scalar>>) throws(NumberRefusal) {
        for part in parts {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            var name = ""
            name.unicodeScalars.append(contentsOf: halves.first ?? [])
            switch (name.lowercased(), halves.dropFirst().first) {
            case ("ext", _), ("isub", _), ("postd", _):
                throw .hasExtension
            case ("phone-context", let context?) where context.first == "+" && !isInternational:
                // RFC 3966 §5.1.5: the digits belong behind those of the context.
                var outer = DialText()
                try outer.read(context)
                symbols = outer.symbols + symbols
                isInternational = true
            default:
                continue
            }
        }
    }

    private init() {}

    /// Other symbols, as what leads abroad was taken away.
    init(symbols: [Symbol]) {
        self.symbols = symbols
    }

    private mutating func read(_ scalars: ArraySlice<Unicode.Scalar>) throws(NumberRefusal) {
        var rest = scalars
        var letters = 0
        while let scalar = rest.popFirst() {
            if let digit = Self.digit(scalar) {
                symbols.append(.key(digit))
            } else if scalar == "(" || scalar == "\u{ff08}", let after = Self.afterBracketedZero(rest) {
                symbols.append(.bracketedZero)
                rest = after
            } else if scalar == "+" || scalar == "\u{ff0b}" {
                guard symbols.isEmpty, !isInternational else { throw .notANumber }
                isInternational = true
            } else if scalar == "*" || scalar == "#" || scalar == "\u{ff0a}" || scalar == "\u{ff03}" {
                let key = scalar == "*" || scalar == "\u{ff0a}" ? UInt8(ascii: "*") : UInt8(ascii: "#")
                guard symbols.isEmpty || isServiceCode else { throw key == 0x23 ? .hasExtension : .notANumber }
                symbols.append(.key(key))
            } else if scalar == "," || scalar == ";" {
                throw .hasExtension
            } else if Self.isLetter(scalar) {
                rest = scalars[(rest.startIndex - 1)...]
                let word = rest.prefix { Self.isLetter($0) }
                rest = rest.dropFirst(word.count)
                guard !Self.announcesExtension(word, before: rest) else { throw .hasExtension }
                // Three digits first, or any word would be a number.
                guard symbols.count >= 3, !isServiceCode else { throw .notANumber }
                letters += word.count
                symbols += word.compactMap(Self.keypad)
            } else if !Self.isSeparator(scalar) {
                throw .notANumber
            }
        }
        guard letters == 0 || letters >= 3 else { throw .notANumber }
    }

    var isServiceCode: Bool {
        if case .key(let first)? = symbols.first {
            first == UInt8(ascii: "*") || first == UInt8(ascii: "#")
        } else {
            false
        }
    }

    /// - Parameter keepingZero: whether `(0)` counts.
    func keys(keepingZero: Bool) -> String {
        String(
            decoding: symbols.compactMap { symbol in
                switch symbol {
                case .key(let key): key
                case .bracketedZero: keepingZero ? UInt8(ascii: "0") : nil
                }
            }, as: UTF8.self)
    }
}

extension DialText {
    /// A decimal digit of any script, as ASCII.
    private static func digit(_ scalar: Unicode.Scalar) -> UInt8? {
        if scalar.isASCII { return scalar.value &- 0x30 < 10 ? UInt8(truncatingIfNeeded: scalar.value) : nil }
        guard scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue, value >= 0,
            value < 10
        else { return nil }
        return UInt8(ascii: "0") + UInt8(value)
    }

    /// White space, dashes, dots, slashes, brackets, and the invisible marks that come with a copied number.
    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\t", "\r", "\n", "-", ".", "/", "(", ")", "[", "]", "_", "~", "\u{a0}", "\u{ad}", "\u{b7}":
            true
        case "\u{2000}"..."\u{2015}", "\u{2022}", "\u{2028}"..."\u{202f}", "\u{2060}"..."\u{2069}", "\u{2212}":
            true
        case "\u{3000}", "\u{30fb}", "\u{30fc}", "\u{fe58}", "\u{fe63}", "\u{feff}":
            true
        case "\u{ff08}", "\u{ff09}", "\u{ff0d}", "\u{ff0e}", "\u{ff0f}":
            true
        default:
            false
        }
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool { (scalar.value | 0x20) &- 0x61 < 26 }

    /// ITU-T E.161: which key carries a letter.
    private static func keypad(_ scalar: Unicode.Scalar) -> Symbol? {
        let keys: StaticString = "22233344455566677778889999"
        let index = Int((scalar.value | 0x20) &- 0x61)
        return keys.description.utf8.dropFirst(index).first.map(Symbol.key)
    }

    /// `ext. 12`, `x12`, `Durchwahl: 12`
    private static func announcesExtension(
        _ word: ArraySlice<Unicode.Scalar>, before rest: ArraySlice<Unicode.Scalar>
    ) -> Bool {
        var text = ""
        text.unicodeScalars.append(contentsOf: word)
        guard
            ["x", "xt", "ext", "extn", "extension", "dw", "durchwahl", "poste", "int", "app"].contains(
                text.lowercased())
        else { return false }
        let next = rest.first { !isSeparator($0) && $0 != ":" }
        return next.map { digit($0) != nil } ?? false
    }

    /// What follows `0)`, if that comes next.
    private static func afterBracketedZero(_ rest: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar>? {
        let inner = rest.drop { $0 == " " }
        guard let zero = inner.first, digit(zero) == UInt8(ascii: "0") else { return nil }
        let tail = inner.dropFirst().drop { $0 == " " }
        return tail.first == ")" || tail.first == "\u{ff09}" ? tail.dropFirst() : nil
    }

    private static func hasScheme(_ scheme: StaticString, _ scalars: ArraySlice<Unicode.Scalar>) -> Bool {
        let wanted = scheme.description.unicodeScalars
        guard scalars.count >= wanted.count else { return false }
        return zip(wanted, scalars).allSatisfy { $0 == $1 || (isLetter($1) && $0.value == $1.value | 0x20) }
    }

    /// `%2B` is a plus.
    private static func unescaped(_ scalars: ArraySlice<Unicode.Scalar>) throws(NumberRefusal) -> ArraySlice<
        Unicode.Scalar
    > {
        guard scalars.contains("%") else { return scalars }
        var found: [Unicode.Scalar] = []
        var rest = scalars
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                found.append(scalar)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(), high.isASCII, low.isASCII,
                let value = UInt8("\(Character(high))\(Character(low))", radix: 16), value < 0x80
            else { throw .notANumber }
            found.append(Unicode.Scalar(value))
        }
        return found[...]
    }
}
