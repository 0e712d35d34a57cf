/// Where the names stand in a TOML text: each of `[a.b]`, `a."b" = …` and `{ a = … }`, with the path that it completes.
///
/// The TOML library says what a text means and not where it says so, and writes one of its own without comments; a file whose names
/// change keeps every other byte this way. What is no TOML is passed over: the library refuses it.
struct TOMLKeys {
    struct Name: Equatable {
        /// From the document's root; the places in an array have no name.
        var path: [String]
        /// Of the name itself, quotation marks included, in the text's bytes.
        var range: Range<Int>
        /// From 1.
        var line: Int
        /// What follows `=`, where this is the last name of a key.
        var value: Range<Int>?
    }

    /// Deeper than any settings, and no danger to the stack.
    private static let deepest = 64

    private(set) var names: [Name] = []
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        var table: [String] = []
        while true {
            skipBlank(lines: true)
            guard let byte = here else { break }
            if byte == UInt8(ascii: "[") {
                take()
                if here == UInt8(ascii: "[") { take() }
                table = key(below: []) ?? []
            } else {
                _ = pair(below: table, depth: 0)
            }
            skipLine()
        }
    }

    private var here: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func take() {
        if here == 10 { line += 1 }
        at += 1
    }

    private func isHere(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - at >= count else { return false }
        return text.withUTF8Buffer { bytes[at..<at + count].elementsEqual($0) }
    }

    private mutating func skipLine() {
        while let byte = here, byte != 10 { take() }
    }

    private mutating func skipBlank(lines: Bool) {
        while let byte = here {
            switch byte {
            case 32, 9, 13: take()
            case 10 where lines: take()
            case UInt8(ascii: "#") where lines: skipLine()
            default: return
            }
        }
    }

    /// - Returns: nil where no name is.
    private mutating func key(below table: [String]) -> [String]? {
        var path = table
        while true {
            skipBlank(lines: false)
            let (start, line) = (at, line)
            guard let name = name() else { return nil }
            path.append(name)
            names.append(Name(path: path, range: start..<at, line: line, value: nil))
            skipBlank(lines: false)
            guard here == UInt8(ascii: ".") else { return path }
            take()
        }
    }

    private mutating func name() -> String? {
        let start = at
        if let quote = here, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            guard text() else { return nil }
            return String(decoding: bytes[start + 1..<at - 1], as: UTF8.self)
        }
        while let byte = here, Self.isBare(byte) { take() }
        return at > start ? String(decoding: bytes[start..<at], as: UTF8.self) : nil
    }

    static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// `key = value`. False where it is not that.
    private mutating func pair(below table: [String], depth: Int) -> Bool {
        guard let path = key(below: table), here == UInt8(ascii: "=") else { return false }
        let last = names.count - 1
        take()
        skipBlank(lines: false)
        let start = at
        let isWhole = value(path, depth: depth)
        names[last].value = start..<at
        return isWhole
    }

    private mutating func value(_ path: [String], depth: Int) -> Bool {
        guard depth < Self.deepest else { return false }
        switch here {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return text()
        case UInt8(ascii: "["):
            return list(until: UInt8(ascii: "]")) { $0.value(path, depth: depth + 1) }
        case UInt8(ascii: "{"):
            return list(until: UInt8(ascii: "}")) { $0.pair(below: path, depth: depth + 1) }
        default:
            let start = at
            while let byte = here, byte != 10, !",]}#".utf8.contains(byte) { take() }
            return at > start
        }
    }

    private mutating func list(until end: UInt8, _ element: (inout TOMLKeys) -> Bool) -> Bool {
        take()
        while true {
            skipBlank(lines: true)
            if here == end {
                take()
                return true
            }
            guard here != nil, element(&self) else { return false }
            skipBlank(lines: true)
            if here == UInt8(ascii: ",") { take() } else if here != end { return false }
        }
    }

    /// A text in quotation marks, one or three. False when it does not end.
    private mutating func text() -> Bool {
        let hasEscapes = here == UInt8(ascii: "\"")
        let isLong = isHere("\"\"\"") || isHere("'''")
        let quote = here
        for _ in 0..<(isLong ? 3 : 1) { take() }
        while let byte = here {
            if hasEscapes, byte == UInt8(ascii: "\\") {
                take()
                if here != nil { take() }
            } else if byte == quote, !isLong {
                take()
                return true
            } else if byte == quote, hasEscapes ? isHere("\"\"\"") : isHere("'''") {
                for _ in 0..<3 { take() }
                // Up to two more belong to the text.
                for _ in 0..<2 where here == quote { take() }
                return true
            } else if byte == 10, !isLong {
                return false
            } else {
                take()
            }
        }
        return false
    }
}
