/// Header fields of the extensions: timers, reliable provisional responses, transfer, identity.
extension SIPHeaders {
    /// RFC 4028
    package var sessionExpires: SessionExpires? {
        get { self[.sessionExpires].flatMap { try? SessionExpires($0) } }
        set { self[.sessionExpires] = newValue?.text }
    }

    /// Seconds, without the parameters that may follow (RFC 4028 §5).
    package var minSE: Int? {
        get { self[.minSE].flatMap { Grammar.deltaSeconds(Array($0.utf8.prefix(while: Grammar.isDigit))) } }
        set { self[.minSE] = newValue.map { String($0) } }
    }

    package var retryAfterDetails: RetryAfter? {
        get { self[.retryAfter].flatMap { try? RetryAfter($0) } }
        set { self[.retryAfter] = newValue?.text }
    }

    /// RFC 3262 §7.1: 1...2^31-1.
    package var rSeq: UInt32? {
        get {
            self[.rSeq].flatMap { Grammar.decimal($0.utf8) }.flatMap { (1..<1 << 31).contains($0) ? UInt32($0) : nil }
        }
        set { self[.rSeq] = newValue.map { String($0) } }
    }

    package var rAck: RAck? {
        get { self[.rAck].flatMap { try? RAck($0) } }
        set { self[.rAck] = newValue?.text }
    }

    /// Nil too for two of them, which RFC 3891 §3 forbids.
    package var replaces: Replaces? {
        get { count(.replaces) == 1 ? self[.replaces].flatMap { try? Replaces($0) } : nil }
        set { self[.replaces] = newValue?.text }
    }

    /// Nil too for two of them: RFC 3515 §2.4.2 wants those refused.
    package var referTo: NameAddress? {
        get { count(.referTo) == 1 ? self[.referTo].flatMap { try? NameAddress($0) } : nil }
        set { self[.referTo] = newValue?.text }
    }

    package var referredBy: NameAddress? {
        get { self[.referredBy].flatMap { try? NameAddress($0) } }
        set { self[.referredBy] = newValue?.text }
    }

    package var event: EventPackage? {
        get { self[.event].flatMap { try? EventPackage($0) } }
        set { self[.event] = newValue?.text }
    }

    package var subscriptionState: SubscriptionState? {
        get { self[.subscriptionState].flatMap { try? SubscriptionState(parsing: $0) } }
        set { self[.subscriptionState] = newValue?.text }
    }

    /// RFC 3323: `id`, `user`, `header`, `session`, `none`, `critical`, in lower case.
    package var privacy: [String] {
        get { values(.privacy).flatMap { $0.split { ";, \t".contains($0) }.map { Grammar.lowercased(String($0)) } } }
        set { self[.privacy] = newValue.isEmpty ? nil : newValue.joined(separator: ";") }
    }

    /// Who calls, as the network vouches for it: RFC 3325. A trunk that may set it is the caller's business to know.
    package var assertedIdentities: [NameAddress] {
        get { (try? addresses(.pAssertedIdentity)) ?? [] }
        set { replaceAll(.pAssertedIdentity, with: newValue.map(\.text)) }
    }

    /// The older form of the same, with `party`, `screen` and `privacy` as parameters.
    package var remotePartyIDs: [NameAddress] {
        get { (try? addresses(.remotePartyID)) ?? [] }
        set { replaceAll(.remotePartyID, with: newValue.map(\.text)) }
    }

    /// RFC 3608: where requests outside dialogs go by way of, after a registration.
    /// - Throws: `badHeader(.serviceRoute)`.
    package func serviceRoutes() throws(SIPParseError) -> [NameAddress] { try addresses(.serviceRoute) }

    /// RFC 3327.
    /// - Throws: `badHeader(.path)`.
    package func paths() throws(SIPParseError) -> [NameAddress] { try addresses(.path) }

    /// Option tags that the sender demands or that we do not know, in lower case.
    package var unsupported: [String] {
        get { tokens(.unsupported).map(Grammar.lowercased) }
        set { self[.unsupported] = newValue.isEmpty ? nil : newValue.joined(separator: ", ") }
    }
}
