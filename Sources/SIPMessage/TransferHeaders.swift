/// Which dialog an INVITE takes over, `call-id;to-tag=a;from-tag=b`: RFC 3891 §6.1.
package struct Replaces: Equatable, Sendable {
    package var callID: String
    /// Tags as the receiver of the INVITE sees the dialog: its own is `toTag`.
    package var toTag: String
    package var fromTag: String
    /// Only a dialog that is not confirmed may be taken over.
    package var earlyOnly: Bool

    package init(callID: String, toTag: String, fromTag: String, earlyOnly: Bool = false) {
        self.callID = callID
        self.toTag = toTag
        self.fromTag = fromTag
        self.earlyOnly = earlyOnly
    }

    /// - Throws: `badValue(.parameters)`, also when one of the two tags is missing or given twice.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .parameters) { (scanner) throws(SIPParseError) in
            let callID = scanner.text {
                $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: ",") && !Grammar.isWhitespace($0)
            }
            let parameters = try SIPParameters(headerValue: &scanner)
            let tags = parameters.all.filter { $0.name == "to-tag" || $0.name == "from-tag" }
            guard !callID.isEmpty, tags.count == 2, let toTag = parameters["to-tag"],
                let fromTag = parameters["from-tag"], !toTag.isEmpty, !fromTag.isEmpty
            else { throw SIPParseError(.badValue(.parameters), at: scanner.position) }
            return Replaces(
                callID: callID, toTag: toTag, fromTag: fromTag, earlyOnly: parameters.contains("early-only"))
        }
    }

    package var text: String {
        "\(callID);to-tag=\(toTag);from-tag=\(fromTag)" + (earlyOnly ? ";early-only" : "")
    }
}

extension NameAddress {
    /// Of Refer-To: the dialog that the new call is to take over (RFC 3515 §2.1, RFC 3891 §3); nil for a blind transfer.
    package var replaces: Replaces? {
        guard let headers = uri.sip?.escapedHeaders else { return nil }
        for field in headers.utf8.split(separator: UInt8(ascii: "&")) {
            let halves = field.split(separator: UInt8(ascii: "="), maxSplits: 1)
            guard halves.count == 2, Grammar.lowercased(String(Substring(halves[0]))) == "replaces" else { continue }
            return try? Replaces(Grammar.unescaped(String(Substring(halves[1]))))
        }
        return nil
    }
}

/// Which provisional response a PRACK confirms, `776656 1 INVITE`: RFC 3262 §7.2.
package struct RAck: Equatable, Sendable {
    /// 1...2^31-1
    package var rseq: UInt32
    package var cseq: CSeq

    package init(rseq: UInt32, cseq: CSeq) {
        self.rseq = rseq
        self.cseq = cseq
    }

    /// - Throws: `badValue(.cseq)`.
    package init(_ text: String) throws(SIPParseError) {
        let halves = text.utf8.split(maxSplits: 1, whereSeparator: Grammar.isWhitespace)
        guard halves.count == 2, let number = Grammar.decimal(halves[0]), let rseq = UInt32(exactly: number),
            (1..<1 << 31).contains(rseq)
        else { throw SIPParseError(.badValue(.cseq)) }
        self.init(rseq: rseq, cseq: try CSeq(String(Substring(halves[1]))))
    }

    package var text: String { "\(rseq) \(cseq.text)" }
}

/// What a subscription or notification is about, `refer;id=93809824`: RFC 6665 §8.2.1.
package struct EventPackage: Equatable, Sendable {
    /// In lower case: `refer`, `message-summary`.
    package var name: String
    package var id: String?

    package init(_ name: String, id: String?) {
        self.name = name
        self.id = id
    }

    /// - Throws: `badValue(.parameters)`.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .parameters) { (scanner) throws(SIPParseError) in
            guard let name = scanner.token() else { throw SIPParseError(.badValue(.parameters)) }
            return EventPackage(Grammar.lowercased(name), id: try SIPParameters(headerValue: &scanner)["id"])
        }
    }

    package var text: String { name + (id.map { ";id=\($0)" } ?? "") }
}

/// How a subscription stands, `terminated;reason=noresource`: RFC 6665 §8.2.3.
package struct SubscriptionState: Equatable, Sendable {
    /// In lower case: `active`, `pending`, `terminated`.
    package var state: String
    package var reason: String?
    /// Seconds.
    package var expires: Int?

    package init(_ state: String, reason: String? = nil, expires: Int? = nil) {
        self.state = state
        self.reason = reason
        self.expires = expires
    }

    package var isTerminated: Bool { state == "terminated" }

    /// - Throws: `badValue(.parameters)`.
    package init(parsing text: String) throws(SIPParseError) {
        self = try scanOne(text, .parameters) { (scanner) throws(SIPParseError) in
            guard let state = scanner.token() else { throw SIPParseError(.badValue(.parameters)) }
            let parameters = try SIPParameters(headerValue: &scanner)
            return SubscriptionState(
                Grammar.lowercased(state), reason: parameters["reason"],
                expires: parameters["expires"].flatMap { Grammar.deltaSeconds($0.utf8) })
        }
    }

    package var text: String {
        state + (reason.map { ";reason=\($0)" } ?? "") + (expires.map { ";expires=\($0)" } ?? "")
    }
}

/// How far a transfer has come, the body `SIP/2.0 100 Trying` of a NOTIFY: `message/sipfrag`, RFC 3420, RFC 3515 §2.4.5.
package struct SIPFragment: Equatable, Sendable {
    package var status: Int
    package var reason: String

    package init(status: Int, reason: String) {
        self.status = status
        self.reason = reason
    }

    /// - Throws: as `SIPMessage.parse` for a start line; `badStartLine` for a fragment that is a request.
    package init(_ body: [UInt8]) throws(SIPParseError) {
        let line = body.prefix(1024).prefix { $0 != 0x0d && $0 != 0x0a }
        guard case .response(let status, let reason) = try StartLine(line) else {
            throw SIPParseError(.badStartLine)
        }
        self.init(status: status, reason: reason)
    }

    package var body: [UInt8] { Array("SIP/2.0 \(status) \(reason)\r\n".utf8) }
}
