/// How long a session lives without a refresh, `1800;refresher=uac`: RFC 4028 §4.
package struct SessionExpires: Equatable, Sendable {
    package enum Refresher: String, Sendable {
        case uac, uas
    }

    /// Seconds.
    package var interval: Int
    /// Who refreshes; nil leaves it to the answerer.
    package var refresher: Refresher?

    package init(interval: Int, refresher: Refresher? = nil) {
        self.interval = interval
        self.refresher = refresher
    }

    /// - Throws: `badValue(.number)`.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .number) { (scanner) throws(SIPParseError) in
            guard let interval = Grammar.deltaSeconds(scanner.slice(while: Grammar.isDigit)) else {
                throw SIPParseError(.badValue(.number), at: scanner.position)
            }
            let parameters = try SIPParameters(headerValue: &scanner)
            return SessionExpires(
                interval: interval,
                refresher: parameters["refresher"].map(Grammar.lowercased).flatMap(Refresher.init(rawValue:)))
        }
    }

    package var text: String { "\(interval)" + (refresher.map { ";refresher=\($0.rawValue)" } ?? "") }
}

/// When to come back, `120 (maintenance);duration=60`: RFC 3261 §20.33.
package struct RetryAfter: Equatable, Sendable {
    /// Seconds.
    package var delay: Int
    /// For people.
    package var comment: String?
    /// For how many seconds the far end will be reachable then.
    package var duration: Int?

    package init(delay: Int, comment: String? = nil, duration: Int? = nil) {
        self.delay = delay
        self.comment = comment
        self.duration = duration
    }

    /// - Throws: `badValue(.number)`.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .number) { (scanner) throws(SIPParseError) in
            guard let delay = Grammar.deltaSeconds(scanner.slice(while: Grammar.isDigit)) else {
                throw SIPParseError(.badValue(.number), at: scanner.position)
            }
            scanner.skipWhitespace()
            let comment = try scanner.comment()
            let parameters = try SIPParameters(headerValue: &scanner)
            return RetryAfter(
                delay: delay, comment: comment,
                duration: parameters["duration"].flatMap { Grammar.deltaSeconds($0.utf8) })
        }
    }

    package var text: String {
        var text = "\(delay)"
        if let comment {
            text +=
                " (" + comment.unicodeScalars.map { "()\\".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)" }.joined()
                + ")"
        }
        if let duration { text += ";duration=\(duration)" }
        return text
    }
}

extension TextScanner {
    /// `comment` of RFC 3261 §25.1: nested brackets, escapes undone at the outer level.
    /// - Returns: nil when none comes.
    mutating func comment() throws(SIPParseError) -> String? {
        let begin = position
        guard take("(") else { return nil }
        var depth = 1
        var content: [UInt8] = []
        while let byte = peek {
            _ = advance()
            switch byte {
            case UInt8(ascii: "\\"):
                guard let escaped = advance() else { throw SIPParseError(.badValue(.number), at: begin) }
                content.append(escaped)
                continue
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            default: break
            }
            if depth == 0 { return String(decoding: content, as: UTF8.self) }
            content.append(byte)
        }
        throw SIPParseError(.badValue(.number), at: begin)
    }
}
