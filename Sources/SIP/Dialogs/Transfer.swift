package import SIPMessage
package import Wire

/// The other side asks us to call somebody in its place (REFER, RFC 3515).
package struct TransferRequest: Equatable, Sendable {
    /// Whom: the URI's user part.
    package let number: Redacted<String>
    /// The whole URI, without the header fields in it.
    package let target: Redacted<String>
    /// Which of that person's calls the new one is to replace (attended transfer, RFC 5589 §7).
    package let replaces: Replaces?
    /// Who says that it sent us (RFC 3892); not verified.
    package let referredBy: Redacted<String>?

    init?(_ headers: SIPHeaders) {
        guard let to = headers.referTo else { return nil }
        // `method` asks for something else than a call; whatever it is, it is not done.
        if let method = to.uri.sip?.parameters["method"], method.uppercased() != "INVITE" { return nil }
        number = Redacted(to.uri.user ?? "")
        target = Redacted(to.uri.sip?.asRequestURI.text ?? to.uri.text)
        replaces = to.replaces
        referredBy = headers[.referredBy].map { Redacted($0) }
    }
}

/// The implicit subscriptions of REFER in one call (RFC 3515 §2.4.4): at most one in each direction.
struct TransferUsages: Hashable, Sendable {
    /// They referred us.
    struct Theirs: Hashable, Sendable {
        /// Whom NOTIFY goes to.
        let tag: String
        /// CSeq of the REFER, which names the subscription.
        let identifier: UInt32
    }

    var theirs: Theirs?
    /// We referred them: the last status that was told.
    var ours: Int?
}
