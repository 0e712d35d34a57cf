/// A request method: a token, compared with case (RFC 3261 §7.1). Methods that nobody knows are values too.
package struct SIPMethod: Hashable, Sendable, RawRepresentable {
    package let rawValue: String

    /// - Returns: nil when `rawValue` is not a token.
    package init?(rawValue: String) {
        guard Grammar.isToken(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    private init(known: StaticString) {
        rawValue = known.description
    }

    package static let invite = SIPMethod(known: "INVITE")
    package static let ack = SIPMethod(known: "ACK")
    package static let bye = SIPMethod(known: "BYE")
    package static let cancel = SIPMethod(known: "CANCEL")
    package static let register = SIPMethod(known: "REGISTER")
    package static let options = SIPMethod(known: "OPTIONS")
    package static let prack = SIPMethod(known: "PRACK")
    package static let update = SIPMethod(known: "UPDATE")
    package static let info = SIPMethod(known: "INFO")
    package static let refer = SIPMethod(known: "REFER")
    package static let notify = SIPMethod(known: "NOTIFY")
    package static let subscribe = SIPMethod(known: "SUBSCRIBE")
    package static let publish = SIPMethod(known: "PUBLISH")
    package static let message = SIPMethod(known: "MESSAGE")

    /// The methods of RFC 3261, 3262, 3311, 3428, 3515, 3903, 6086 and 6665: what is not here is answered with 501, not 405.
    package static let registered: Set<SIPMethod> = [
        .invite, .ack, .bye, .cancel, .register, .options, .prack, .update, .info, .refer, .notify, .subscribe,
        .publish, .message,
    ]
}

extension SIPMethod: CustomStringConvertible {
    package var description: String { rawValue }
}
