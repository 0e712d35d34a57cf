/// Cuts a stream of bytes into messages: by the empty line after the header fields, and by Content-Length
/// (RFC 3261 §7.5, §18.3).
///
/// ```
///  CRLF CRLF │ REGISTER … CRLF … CRLF CRLF │ body │ CRLF │ SIP/2.0 200 …
///  └ ping ──┘ └── header block ───────────┘└ Content-Length ┘ └ pong (if we sent a ping) or nothing
/// ```
/// Where it cannot tell the end of a message there is no next one: the stream is of no more use. What a message says
/// is not judged here.
package struct StreamFramer: Sendable {
    package enum Element: Equatable, Sendable {
        /// The answer to our own ping (RFC 5626 §3.5.1): a line end between messages, if we sent one.
        case pong
        /// Two line ends that answer nothing: a ping, to be answered by one.
        case ping
        /// One message, header block and body, for `SIPMessage.parse`.
        case message([UInt8])
    }

    /// The stream cannot be read on.
    package struct Failure: Error, Equatable, Sendable {
        package let error: SIPParseError
        /// What was read of the message, up to the end of its header block or the largest one; empty for what is no SIP.
        package let head: [UInt8]
    }

    private var bytes: [UInt8] = []
    /// The bytes before it are done with.
    private var start = 0
    /// The bytes before it hold no end of a header block.
    private var scanned = 0
    /// How long the message is, once its header block is complete.
    private var length: Int?
    private var isAfterLineEnd = false
    private var pingsUnanswered = 0
    private static let mostUnanswered = 8

    package init() {}

    /// A message has begun and is not complete.
    package var isInsideMessage: Bool { start < bytes.count }

    /// Bytes that wait for more.
    package var count: Int { bytes.count - start }

    package mutating func append(_ more: some Sequence<UInt8>) {
        if start > 0 {
            bytes.removeFirst(start)
            scanned -= start
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// We sent two line ends: the next single one is their answer. Without this, whoever answers pings would seem to send
    /// half a ping each time.
    package mutating func sentPing() {
        pingsUnanswered = min(pingsUnanswered + 1, Self.mostUnanswered)
    }

    /// The next element; nil when more bytes are needed.
    ///
    /// - Throws: `badStartLine` for what is not SIP at all, `headersTooLarge`, `bodyTooLarge`, `badHeaderLine`,
    ///   `missingHeader` or `badHeader` of Content-Length. Nothing may be read after that.
    package mutating func next() throws(Failure) -> Element? {
        guard start < bytes.count else { return nil }
        if length == nil {
            while start < bytes.count, bytes[start] == 0x0d || bytes[start] == 0x0a {
                guard let size = try lineEnd() else { return nil }
                consume(size)
                if let element = keepAlive() { return element }
            }
            guard start < bytes.count else { return nil }
            guard Grammar.token.contains(bytes[start]) else {
                throw Failure(error: SIPParseError(.badStartLine), head: [])
            }
            guard let end = try endOfHeaders() else { return nil }
            length = try lengthOfMessage(headersEnd: end)
        }
        guard let length, bytes.count - start >= length else { return nil }
        let message = Array(bytes[start..<(start + length)])
        consume(length)
        self.length = nil
        isAfterLineEnd = false
        return .message(message)
    }

    private mutating func consume(_ count: Int) {
        start += count
        scanned = start
        if start == bytes.count {
            // Not `keepingCapacity`: thousands of idle connections would keep the room for their largest message.
            bytes = []
            start = 0
            scanned = 0
        }
    }

    /// Between messages.
    /// - Returns: the size of a line end; nil when half of it is there.
    private func lineEnd() throws(Failure) -> Int? {
        guard bytes[start] == 0x0d else { return 1 }
        guard start + 1 < bytes.count else { return nil }
        guard bytes[start + 1] == 0x0a else { throw Failure(error: SIPParseError(.badHeaderLine), head: []) }
        return 2
    }

    /// - Returns: what a line end between messages means; nil for nothing yet.
    private mutating func keepAlive() -> Element? {
        if pingsUnanswered > 0 {
            pingsUnanswered -= 1
            return .pong
        }
        isAfterLineEnd.toggle()
        return isAfterLineEnd ? nil : .ping
    }

    /// Behind the empty line that ends the header block. Lines may end in LF alone, as in a datagram.
    private mutating func endOfHeaders() throws(Failure) -> Int? {
        let limit = SIPMessage.Limit.headerBytes
        while scanned < bytes.count {
            guard bytes[scanned] == 0x0a else {
                scanned += 1
                continue
            }
            guard scanned + 1 < bytes.count else { break }
            if bytes[scanned + 1] == 0x0a { return try checked(scanned + 2, limit) }
            if bytes[scanned + 1] == 0x0d {
                guard scanned + 2 < bytes.count else { break }
                if bytes[scanned + 2] == 0x0a { return try checked(scanned + 3, limit) }
            }
            scanned += 1
        }
        if scanned - start > limit { throw tooLarge(limit) }
        return nil
    }

    private func checked(_ end: Int, _ limit: Int) throws(Failure) -> Int {
        if end - start > limit { throw tooLarge(limit) }
        return end
    }

    private func tooLarge(_ limit: Int) -> Failure {
        Failure(error: SIPParseError(.headersTooLarge, at: limit), head: Array(bytes[start...].prefix(limit)))
    }

    private func lengthOfMessage(headersEnd: Int) throws(Failure) -> Int {
        let head = Array(bytes[start..<headersEnd])
        do throws(SIPParseError) {
            // On a stream the field is no courtesy (RFC 3261 §18.3): without it the next message cannot be found.
            guard let body = try MessageFrame.contentLength(MessageLines(head)) else {
                throw SIPParseError(.missingHeader(.contentLength))
            }
            guard body <= SIPMessage.Limit.bodyBytes else { throw SIPParseError(.bodyTooLarge) }
            return head.count + body
        } catch {
            throw Failure(error: error, head: head)
        }
    }
}
