/// A message taken apart and not yet believed: what `SIPMessage.parse` checks before it makes a message of it.
struct MessageFrame {
    let startLine: StartLine
    /// Without Content-Length.
    let headers: SIPHeaders
    private let lines: MessageLines
    private let contentLength: Int?

    init(_ bytes: [UInt8]) throws(SIPParseError) {
        lines = try MessageLines(bytes)
        startLine = try StartLine(bytes[lines.startLine])
        headers = SIPHeaders(lines.fields.filter { $0.name != .contentLength })
        contentLength = try Self.contentLength(lines)
    }

    static func contentLength(_ lines: MessageLines) throws(SIPParseError) -> Int? {
        var found: Int?
        for (field, offset) in zip(lines.fields, lines.offsets) where field.name == .contentLength {
            guard found == nil else { throw SIPParseError(.repeatedHeader(.contentLength), at: offset) }
            guard let number = Grammar.decimal(field.value.utf8) else {
                throw SIPParseError(.badHeader(.contentLength), at: offset)
            }
            found = Int(clamping: number)
        }
        return found
    }

    /// RFC 3261 §18.3: without Content-Length the body reaches to the end of the datagram.
    func body(of bytes: [UInt8]) throws(SIPParseError) -> [UInt8] {
        let rest = bytes[lines.bodyStart...]
        let length = contentLength ?? rest.count
        guard length <= rest.count else { throw SIPParseError(.truncatedBody, at: bytes.count) }
        guard length <= SIPMessage.Limit.bodyBytes else { throw SIPParseError(.bodyTooLarge, at: lines.bodyStart) }
        return Array(rest.prefix(length))
    }

    /// RFC 3261 §8.1.1 and §8.2: what every message must carry, once, and readable.
    func validate() throws(SIPParseError) {
        try check(.via, required: true, once: false) { value in
            var scanner = TextScanner(value)
            _ = try Via(&scanner)
            scanner.skipWhitespace()
            guard scanner.isAtEnd || scanner.peek == UInt8(ascii: ",") else { throw SIPParseError(.badValue(.via)) }
        }
        try check(.from, required: true) { _ = try NameAddress($0) }
        try check(.to, required: true) { _ = try NameAddress($0) }
        try check(.callID, required: true) { value in
            guard !value.isEmpty, !value.utf8.contains(where: Grammar.isWhitespace) else {
                throw SIPParseError(.badValue(.list))
            }
        }
        var cseq: CSeq?
        try check(.cseq, required: true) { cseq = try CSeq($0) }
        guard case .request(let method, _) = startLine else { return }
        guard cseq?.method == method else { throw SIPParseError(.methodMismatch, at: offset(of: .cseq)) }
        try check(.maxForwards, required: false) { value in
            guard let hops = Grammar.decimal(value.utf8), hops <= 255 else { throw SIPParseError(.badValue(.number)) }
        }
        if (try? headers.contacts()) == nil { throw SIPParseError(.badHeader(.contact), at: offset(of: .contact)) }
    }

    private func check(
        _ name: SIPHeaderName, required: Bool, once: Bool = true, _ read: (String) throws -> Void
    ) throws(SIPParseError) {
        var seen = false
        for (field, offset) in zip(lines.fields, lines.offsets) where field.name == name {
            if seen {
                guard !once else { throw SIPParseError(.repeatedHeader(name), at: offset) }
                break
            }
            seen = true
            do { try read(field.value) } catch { throw SIPParseError(.badHeader(name), at: offset) }
        }
        if required, !seen { throw SIPParseError(.missingHeader(name), at: lines.bodyStart) }
    }

    private func offset(of name: SIPHeaderName) -> Int {
        zip(lines.fields, lines.offsets).first { $0.0.name == name }?.1 ?? 0
    }
}
