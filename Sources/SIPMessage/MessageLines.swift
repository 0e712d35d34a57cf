/// The lines of a message: the start line, the unfolded header fields, and where the body begins. One pass.
struct MessageLines {
    /// Without its line end.
    let startLine: Range<Int>
    private(set) var fields: [SIPHeaders.Field] = []
    /// For each field how many bytes lie before its line.
    private(set) var offsets: [Int] = []
    /// The first byte after the empty line; the end when there is none.
    private(set) var bodyStart = 0

    /// - Throws: `empty`, `badHeaderLine`, `headersTooLarge`, `tooManyHeaders`.
    init(_ bytes: [UInt8]) throws(SIPParseError) {
        var position = 0
        // Empty lines before the start line are keep-alives (RFC 3261 §7.5).
        while position < bytes.count, bytes[position] == 0x0d || bytes[position] == 0x0a { position += 1 }
        guard position < bytes.count else { throw SIPParseError(.empty) }
        startLine = try Self.nextLine(bytes, &position)
        var name: SIPHeaderName?
        var value: [UInt8] = []
        var nameOffset = position
        while position < bytes.count {
            let line = try Self.nextLine(bytes, &position)
            guard let first = bytes[line].first else { break }
            if Grammar.isWhitespace(first) {
                guard name != nil else { throw SIPParseError(.badHeaderLine, at: line.lowerBound) }
                // §7.3.1: the line end and the white space around it are one space.
                let more = Self.trimmed(bytes[line])
                if !value.isEmpty, !more.isEmpty { value.append(0x20) }
                value += more
                continue
            }
            if let name { try append(name, value, at: nameOffset) }
            let start = line.lowerBound
            guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")),
                let parsed = SIPHeaderName(Self.trimmed(bytes[start..<colon]))
            else {
                throw SIPParseError(.badHeaderLine, at: start)
            }
            name = parsed
            nameOffset = start
            value = Array(Self.trimmed(bytes[(colon + 1)..<line.upperBound]))
        }
        if let name { try append(name, value, at: nameOffset) }
        bodyStart = position
    }

    private mutating func append(_ name: SIPHeaderName, _ value: [UInt8], at offset: Int) throws(SIPParseError) {
        guard fields.count < SIPMessage.Limit.headers else { throw SIPParseError(.tooManyHeaders, at: offset) }
        fields.append(SIPHeaders.Field(name: name, unfolded: String(decoding: value, as: UTF8.self)))
        offsets.append(offset)
    }

    /// The bytes up to CRLF, LF or the end; `position` moves behind the line end.
    private static func nextLine(_ bytes: [UInt8], _ position: inout Int) throws(SIPParseError) -> Range<Int> {
        let start = position
        var at = start
        while at < bytes.count, bytes[at] != 0x0a {
            guard at < SIPMessage.Limit.headerBytes else { throw SIPParseError(.headersTooLarge, at: at) }
            // A CR that ends no line is how one reader sees two fields where another sees one.
            if bytes[at] == 0x0d, at + 1 < bytes.count, bytes[at + 1] != 0x0a {
                throw SIPParseError(.badHeaderLine, at: at)
            }
            at += 1
        }
        position = min(at + 1, bytes.count)
        guard position <= SIPMessage.Limit.headerBytes else { throw SIPParseError(.headersTooLarge, at: at) }
        return start..<(at > start && bytes[at - 1] == 0x0d ? at - 1 : at)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, Grammar.isWhitespace(first) { bytes = bytes.dropFirst() }
        while let last = bytes.last, Grammar.isWhitespace(last) { bytes = bytes.dropLast() }
        return bytes
    }
}
