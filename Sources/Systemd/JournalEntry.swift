/// One entry of the journal in its native form (systemd.io/JOURNAL_NATIVE_PROTOCOL).
///
///     NAME=value LF                                  a value without a line break
///     NAME LF  length: 64 bits, little endian  value LF   any other
///
/// Names are `A-Z 0-9 _`, at most 64, and begin with a letter: the journal drops the rest. Values are cut, and the
/// number of fields is bounded, so that an entry always fits one datagram: larger ones would need a file.
struct JournalEntry {
    /// Bytes of the sentence that people read.
    static let longestMessage = 8192
    /// Bytes of any other field.
    static let longestValue = 1024
    static let mostFields = 48

    private(set) var bytes: [UInt8] = []
    private var fields = 0

    /// - Parameter name: made a valid one: `call` becomes `CALL`, other signs become `_`.
    mutating func add(_ name: String, _ value: String, atMost limit: Int = longestValue) {
        guard fields < Self.mostFields, let name = Self.fieldName(name) else { return }
        fields += 1
        let value = Self.cut(value, to: limit)
        bytes += name
        if value.contains(UInt8(ascii: "\n")) {
            bytes.append(UInt8(ascii: "\n"))
            let length = UInt64(value.count)
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value
        bytes.append(UInt8(ascii: "\n"))
    }

    static func fieldName(_ text: String) -> [UInt8]? {
        let name = text.utf8.prefix(64).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        guard let first = name.first, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) else { return nil }
        return name
    }

    /// Cut between characters, and without control characters: journalctl shows a value that has one as "blob data".
    private static func cut(_ text: String, to limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            let isControl = scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
            let encoded = UTF8.encode(isControl ? "\u{fffd}" : scalar) ?? UTF8.encodedReplacementCharacter
            guard bytes.count + encoded.count <= limit else { break }
            bytes += encoded
        }
        return bytes
    }
}
