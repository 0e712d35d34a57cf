import Wire

/// What was wrong with a message of a name server.
enum DNSMessageError: Error, Equatable {
    case truncated
    /// A name that is too long, goes round in circles, or holds what no host name does.
    case name
    /// It answers another question.
    case otherQuestion
}

/// Reads a DNS message (RFC 1035 §4), which any stranger may have written.
///
/// ```
///  +--------------------+----------+---------+-----------+------------+
///  | header, 12 bytes   | question | answers | authority | additional |
///  +--------------------+----------+---------+-----------+------------+
///  name:  [length][label] … [0]      or, from any label on, [11 offset₁₄]: go on there
/// ```
struct DNSReader {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func byte() throws(DNSMessageError) -> UInt8 {
        guard position < bytes.count else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func uint16() throws(DNSMessageError) -> UInt16 {
        UInt16(try byte()) << 8 | UInt16(try byte())
    }

    mutating func uint32() throws(DNSMessageError) -> UInt32 {
        UInt32(try uint16()) << 16 | UInt32(try uint16())
    }

    mutating func take(_ count: Int) throws(DNSMessageError) -> ArraySlice<UInt8> {
        guard count >= 0, bytes.count - position >= count else { throw .truncated }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func skip(to end: Int) {
        position = min(max(end, 0), bytes.count)
    }

    /// A length-prefixed text (RFC 1035 §3.3).
    mutating func characterString() throws(DNSMessageError) -> String {
        let length = Int(try byte())
        let text = try take(length)
        guard text.allSatisfy({ (0x20..<0x7f).contains($0) }) else { throw .name }
        return String(decoding: text, as: UTF8.self)
    }

    /// A name in lower case without the dot at its end; `.` for the root.
    mutating func name() throws(DNSMessageError) -> String {
        var labels: [String] = []
        var size = 0
        var cursor = position
        var after: Int?
        var jumps = 0
        while true {
            guard cursor < bytes.count else { throw .truncated }
            let length = Int(bytes[cursor])
            switch length {
            case 0:
                position = after ?? cursor + 1
                return labels.isEmpty ? "." : labels.joined(separator: ".")
            case 1...63:
                size += length + 1
                guard size <= 254, bytes.count - cursor > length else { throw .name }
                labels.append(try Self.label(bytes[cursor + 1...cursor + length]))
                cursor += length + 1
            case 0xc0...:
                guard cursor + 1 < bytes.count else { throw .truncated }
                let target = (length & 0x3f) << 8 | Int(bytes[cursor + 1])
                // Only backwards, and not for long: so it ends.
                jumps += 1
                guard target < cursor, jumps <= 32 else { throw .name }
                after = after ?? cursor + 2
                cursor = target
            default: throw .name
            }
        }
    }

    /// RFC 952 and 1123, and the underscore that SRV names begin with.
    private static func label(_ bytes: ArraySlice<UInt8>) throws(DNSMessageError) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case 0x41...0x5a: text.append(byte | 0x20)
            case 0x61...0x7a, 0x30...0x39, 0x2d, 0x5f: text.append(byte)
            default: throw .name
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
