/// Which reliable provisional response a PRACK acknowledges, `776656 1 INVITE`: RFC 3262 §7.2.
package struct RAck: Hashable, Sendable {
    /// RSeq of the response.
    package var responseNumber: UInt32
    /// CSeq of the response.
    package var cseq: CSeq

    package init(responseNumber: UInt32, cseq: CSeq) {
        self.responseNumber = responseNumber
        self.cseq = cseq
    }

    /// - Throws: `badValue(.number)` or `badValue(.cseq)`.
    package init(_ text: String) throws(SIPParseError) {
        let halves = text.utf8.split(maxSplits: 1, whereSeparator: Grammar.isWhitespace)
        guard halves.count == 2, let number = Grammar.decimal(halves[0]), let short = UInt32(exactly: number) else {
            throw SIPParseError(.badValue(.number))
        }
        self.init(responseNumber: short, cseq: try CSeq(String(Substring(halves[1]))))
    }

    package var text: String { "\(responseNumber) \(cseq.text)" }
}

/// How long a session lasts without a refresh, `1800;refresher=uac`: RFC 4028 §4.
package struct SessionExpires: Hashable, Sendable {
    /// Which end of the transaction that says this refreshes.
    package enum Refresher: String, Sendable {
        case uac, uas
    }

    /// Seconds; a number too large to hold is `UInt32.max`.
    package var interval: Int
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
                refresher: parameters["refresher"].flatMap { Refresher(rawValue: Grammar.lowercased($0)) })
        }
    }

    package var text: String { "\(interval)" + (refresher.map { ";refresher=\($0.rawValue)" } ?? "") }
}

/// The dialog whose place a new call takes, `id@host;to-tag=a;from-tag=b`: RFC 3891 §6.1.
///
/// `toTag` is the local tag of whoever receives this.
package struct Replaces: Hashable, Sendable {
    package var callID: String
    package var toTag: String
    package var fromTag: String
    package var isEarlyOnly: Bool

    package init(callID: String, toTag: String, fromTag: String, isEarlyOnly: Bool = false) {
        self.callID = callID
        self.toTag = toTag
        self.fromTag = fromTag
        self.isEarlyOnly = isEarlyOnly
    }

    /// - Throws: `badValue(.parameters)`, also when a tag is missing.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .parameters) { (scanner) throws(SIPParseError) in
            let callID = scanner.text { $0 != UInt8(ascii: ";") && !Grammar.isWhitespace($0) }
            let parameters = try SIPParameters(headerValue: &scanner)
            guard !callID.isEmpty, let toTag = parameters["to-tag"], let fromTag = parameters["from-tag"] else {
                throw SIPParseError(.badValue(.parameters), at: scanner.position)
            }
            return Replaces(
                callID: callID, toTag: toTag, fromTag: fromTag, isEarlyOnly: parameters.contains("early-only"))
        }
    }

    package var text: String {
        "\(callID);to-tag=\(toTag);from-tag=\(fromTag)" + (isEarlyOnly ? ";early-only" : "")
    }
}

extension SIPHeaders {
    /// Numbers a reliable provisional response (RFC 3262 §7.1).
    package var rSeq: UInt32? {
        get { self[.rSeq].flatMap { Grammar.decimal($0.utf8) }.flatMap { UInt32(exactly: $0) } }
        set { self[.rSeq] = newValue.map { String($0) } }
    }

    package var rAck: RAck? {
        get { self[.rAck].flatMap { try? RAck($0) } }
        set { self[.rAck] = newValue?.text }
    }

    package var sessionExpires: SessionExpires? {
        get { self[.sessionExpires].flatMap { try? SessionExpires($0) } }
        set { self[.sessionExpires] = newValue?.text }
    }

    /// Seconds, RFC 4028 §5; parameters that may follow are left out.
    package var minSE: Int? {
        get { self[.minSE].flatMap { Grammar.deltaSeconds(Array($0.utf8.prefix(while: Grammar.isDigit))) } }
        set { self[.minSE] = newValue.map { String($0) } }
    }

    package var replaces: Replaces? {
        get { self[.replaces].flatMap { try? Replaces($0) } }
        set { self[.replaces] = newValue?.text }
    }

    /// Whom a REFER wants called (RFC 3515 §2.1).
    package var referTo: NameAddress? {
        get { self[.referTo].flatMap { try? NameAddress($0) } }
        set { self[.referTo] = newValue?.text }
    }

    /// Appends a reason (RFC 3326).
    package mutating func append(_ reason: SIPReason) {
        append(.reason, reason.text)
    }
}
