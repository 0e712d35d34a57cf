/// The order of requests in a dialog, `4711 INVITE`: RFC 3261 §20.16.
package struct CSeq: Hashable, Sendable {
    package var number: UInt32
    package var method: SIPMethod

    package init(_ number: UInt32, _ method: SIPMethod) {
        self.number = number
        self.method = method
    }

    /// - Throws: `badValue(.cseq)`, also for a number of 2^31 or more (RFC 3261 §8.1.1.5), so that the next one always exists.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .cseq) { (scanner) throws(SIPParseError) in
            guard let number = Grammar.decimal(scanner.slice(while: Grammar.isDigit)),
                let short = UInt32(exactly: number), short < 1 << 31, let blank = scanner.peek,
                Grammar.isWhitespace(blank)
            else { throw SIPParseError(.badValue(.cseq), at: scanner.position) }
            scanner.skipWhitespace()
            guard let method = scanner.token().flatMap({ SIPMethod(rawValue: $0) }) else {
                throw SIPParseError(.badValue(.cseq), at: scanner.position)
            }
            return CSeq(short, method)
        }
    }

    package var text: String { "\(number) \(method.rawValue)" }
}
