/// Cuts a stream of bytes into messages: by the empty line after the header fields, and by Content-Length
/// (RFC 3261 §7.5, §18.3).
///
/// ```
///  CRLF CRLF │ REGISTER … CRLF … CRLF CRLF │ body │ CRLF │ SIP/2.0 200 …
///  └ ping ──┘ └── header block ───────────┘└ Content-Length ┘ └ pong
/// ```
/// Where it cannot tell the end of a message there is no next one: the stream is of no more use. What a message says
/// is not judged here.
package struct StreamFramer: Sendable {
    package enum Element: Equatable, Sendable {
        /// A line end between messages: the answer to our own ping (RFC 5626 §3.5.1), or the first half of theirs.
        case pong
        /// The second of two line ends: a ping, to be answered by one.
        case ping
        /// One message, header block and body, for `SIPMessage.parse`.
        case message([UInt8])
    }

    /// The stream cannot be read on.
    package struct Failure: Error, Equatable, Sendable {
        package let error: SIPParseError
        /// What was read of the message, up to the end of its header block; empty if that never came.
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

    /// The next element; nil when more bytes are needed.
    ///
    /// - Throws: `badStartLine` for what is not SIP at all, `headersTooLarge`, `bodyTooLarge`, `badHeaderLine`,
    ///   `missingHeader` or `badHeader` of Content-Length. Nothing may be read after that.
    package mutating func next() throws(Failure) -> Element? {
        guard start < bytes.count else { return nil }
        if length == nil {
            if bytes[start] == 0x0d || bytes[start] == 0x0a { return try lineEndBetweenMessages() }
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

    /// - Returns: nil when half of it is there.
    private mutating func lineEndBetweenMessages() throws(Failure) -> Element? {
        var size = 1
        if bytes[start] == 0x0d {
            guard start + 1 < bytes.count else { return nil }
            guard bytes[start + 1] == 0x0a else { throw Failure(error: SIPParseError(.badHeaderLine), head: []) }
            size = 2
        }
        consume(size)
        isAfterLineEnd.toggle()
        return isAfterLineEnd ? .pong : .ping
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
        if scanned - start > limit { throw Failure(error: SIPParseError(.headersTooLarge), head: []) }
        return nil
    }

    private func checked(_ end: Int, _ limit: Int) throws(Failure) -> Int {
        if end - start > limit { throw Failure(error: SIPParseError(.headersTooLarge), head: []) }
        return end
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
