/// Cuts a stream (TCP, TLS) into messages by their Content-Length: RFC 3261 §18.3, §20.14; keep-alives of RFC 5626 §4.4.1.
///
/// ```
///   CRLF CRLF │ start line CRLF fields CRLF CRLF body… │ CRLF │ start line …
///   ── ping ──┘ └───── at most 64 KiB ─────┘ └ ≤ 64 KiB ┘ pong (if we sent a ping) or nothing
/// ```
/// There is no resynchronisation: where the length of a message is not certain, the next one begins at a place that the
/// sender of its body may have chosen. So a fault ends the stream: the refusal is sent, then the connection is closed.
package struct SIPStreamFramer: Sendable {
    package enum Frame: Equatable, Sendable {
        /// Head and body of one message, for `SIPMessage.parse`.
        case message([UInt8])
        /// Two empty lines: to be answered with one.
        case ping
        /// The answer to our own ping.
        case pong
        /// The last frame of a stream: what could not be framed, for `SIPResponse.refusal`, and why.
        case fault(SIPParseError, head: [UInt8])
    }

    private var buffer: [UInt8] = []
    /// What lies before it was taken already.
    private var start = 0
    /// Up to here no end of the head was found.
    private var scanned = 0
    /// Of the message at `start`, once its head is complete: read once, however slowly its body comes.
    private var pending: (bodyOffset: Int, length: Int)?
    private var pingsUnanswered = 0
    /// After a fault: nothing more is read.
    package private(set) var isBroken = false

    package init() {}

    /// Bytes held; never more than one message and what came with its last piece.
    package var byteCount: Int { buffer.count - start }

    /// A message has begun and not ended: whoever sends so slowly is timed out by the connection.
    package var isInsideMessage: Bool { byteCount > 0 && !isBroken }

    package mutating func append(_ bytes: some Sequence<UInt8>) {
        guard !isBroken else { return }
        if start > 0 {
            buffer.removeSubrange(..<start)
            scanned -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// We sent two empty lines: the next single one is their answer.
    package mutating func sentPing() {
        pingsUnanswered = min(pingsUnanswered + 1, 8)
    }

    /// - Returns: nil when more bytes are needed.
    package mutating func next() -> Frame? {
        guard !isBroken else { return nil }
        if pending == nil {
            if let keepAlive = takeLineEnds() { return keepAlive }
            guard start < buffer.count, let bodyStart = endOfHead() else { return nil }
            if let fault = readHead(upTo: bodyStart) { return fault }
        }
        guard let (bodyOffset, length) = pending, byteCount - bodyOffset >= length else { return nil }
        let end = start + bodyOffset + length
        let message = Array(buffer[start..<end])
        pending = nil
        start = end
        scanned = end
        return .message(message)
    }

    private mutating func readHead(upTo bodyStart: Int) -> Frame? {
        let size = bodyStart - start
        do throws(SIPParseError) {
            guard size <= SIPMessage.Limit.headerBytes else {
                throw SIPParseError(.headersTooLarge, at: SIPMessage.Limit.headerBytes)
            }
            let length = try Self.contentLength(buffer[start..<bodyStart])
            guard length <= SIPMessage.Limit.bodyBytes else { throw SIPParseError(.bodyTooLarge, at: size) }
            pending = (size, length)
            return nil
        } catch {
            return fail(error, head: start..<bodyStart)
        }
    }

    private mutating func fail(_ error: SIPParseError, head: Range<Int>) -> Frame {
        let bytes = Array(buffer[head].prefix(SIPMessage.Limit.headerBytes))
        isBroken = true
        buffer = []
        start = 0
        return .fault(error, head: bytes)
    }

    /// Line ends between messages: a pong, a ping, or nothing that matters (RFC 3261 §7.5).
    private mutating func takeLineEnds() -> Frame? {
        while start < buffer.count {
            let rest = buffer.count - start
            if buffer[start] == 0x0a {
                start += 1
            } else if buffer[start] == 0x0d {
                guard rest >= 2 else { return nil }
                if buffer[start + 1] != 0x0a {
                    start += 1
                } else if pingsUnanswered > 0 {
                    pingsUnanswered -= 1
                    start += 2
                    return .pong
                } else if rest == 2 || (rest == 3 && buffer[start + 2] == 0x0d) {
                    // Half a ping, or a line end too many: the next bytes tell.
                    return nil
                } else if buffer[start + 2] == 0x0d, buffer[start + 3] == 0x0a {
                    start += 4
                    return .ping
                } else {
                    start += 2
                }
            } else {
                break
            }
        }
        scanned = max(scanned, start)
        return nil
    }

    /// The first byte after the empty line, each byte looked at once; past the limit the head is cut there.
    private mutating func endOfHead() -> Int? {
        var at = max(scanned, start)
        let limit = min(buffer.count, start + SIPMessage.Limit.headerBytes + 1)
        while at < limit {
            if buffer[at] == 0x0a {
                if at + 1 < buffer.count, buffer[at + 1] == 0x0a { return at + 2 }
                if at + 2 < buffer.count, buffer[at + 1] == 0x0d, buffer[at + 2] == 0x0a { return at + 3 }
                // Not enough to tell: come back to this line end.
                if at + 2 >= buffer.count { break }
            }
            at += 1
        }
        scanned = at
        return limit - start > SIPMessage.Limit.headerBytes ? limit : nil
    }

    /// Looks at the beginnings of lines only, so that any other fault of the head leaves the stream whole.
    private static func contentLength(_ head: ArraySlice<UInt8>) throws(SIPParseError) -> Int {
        var found: Int?
        var offset = head.startIndex
        for line in head.split(separator: 0x0a, omittingEmptySubsequences: false) {
            offset = line.startIndex - head.startIndex
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = line[..<colon].filter { !Grammar.isWhitespace($0) }.map { Grammar.lowercased($0) }
            guard line.first.map(Grammar.isWhitespace) == false,
                name.elementsEqual("content-length".utf8) || name == [UInt8(ascii: "l")]
            else { continue }
            guard found == nil else { throw SIPParseError(.repeatedHeader(.contentLength), at: offset) }
            let value = line[(colon + 1)...].filter { !Grammar.isWhitespace($0) && $0 != 0x0d }
            guard let number = Grammar.decimal(value) else {
                throw SIPParseError(.badHeader(.contentLength), at: offset)
            }
            found = Int(clamping: number)
        }
        guard let found else { throw SIPParseError(.missingHeader(.contentLength), at: head.count) }
        return found
    }
}
