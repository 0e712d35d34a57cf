import SIPMessage
import Wire

/// One call of a user agent, from its INVITE to its `ended` event.
///
/// ```
///   invite ──▶ calling ──2xx──▶ connected ◀──accept── ringing ◀── INVITE
///                 │                 │                    │
///                 └─────────────────┴──── ended ─────────┘
/// ```
struct Leg: Sendable {
    /// Our INVITE has no final response.
    struct Calling: Sendable {
        var invite: TransactionIdentifier
        var hasRung = false
        /// The last session description of a provisional response, whoever sent it.
        var progress: [UInt8] = []
        /// What a proxy forked the call to, by the other side's tag.
        var early: [String: EarlyDialog] = [:]
        /// Answers 422 so far.
        var raises = 0
    }

    /// Somebody was reached who has not answered yet (RFC 3261 §12.1).
    struct EarlyDialog: Sendable {
        var dialog: Dialog
        /// The last session description that came from there.
        var body: [UInt8] = []
        /// RSeq of the last reliable response.
        var responseNumber: UInt32?
        /// Our offer was answered reliably: UPDATE may bring another.
        var isAgreed = false
    }

    /// Their INVITE has no final response.
    struct Ringing: Sendable {
        let transaction: TransactionIdentifier
        let invite: SIPRequest
        var dialog: Dialog
        /// Set if provisional responses are to be acknowledged.
        var provisional: ReliableProvisional?
        /// Offer and answer went through reliable provisional responses.
        var isAgreed = false
        /// The call was taken, but its 200 must wait for a PRACK (RFC 3262 §3).
        var acceptance: [UInt8]?
    }

    struct Connected: Sendable {
        var dialog: Dialog
        /// Our INVITE, while 2xx to it may still come.
        var invite: TransactionIdentifier?
        /// The ACKs sent so far, by the other side's tag.
        var acknowledgements: [String: Datagram] = [:]
        /// The early dialogs of phones that did not win: they may still answer, and know a later CSeq than the INVITE's.
        var early: [String: Dialog] = [:]
        /// Our 2xx that waits for its ACK.
        var unacknowledged: Unacknowledged?
        /// Offers and refreshes of our own.
        var exchange = OfferExchange()
        var timer: SessionTimer?
        /// RSeq of a provisional response whose PRACK may still come.
        var responseNumber: UInt32?
        /// Their 200 came again: when first, and when last.
        var repeatedAnswer: (first: MonotonicTime, last: MonotonicTime)?

        /// Whether a BYE now says that none of our ACKs arrived (RFC 3261 §13.3.1.4): the 200 was repeated for most of
        /// 64·T1, and until just now.
        func wasUnheard(at now: MonotonicTime) -> Bool {
            guard let repeatedAnswer else { return false }
            return repeatedAnswer.last - repeatedAnswer.first >= .seconds(20)
                && now - repeatedAnswer.last <= .seconds(5)
        }
    }

    enum Phase: Sendable {
        case calling(Calling)
        case ringing(Ringing)
        case connected(Connected)
    }

    /// A 2xx to an INVITE, repeated until the ACK comes (RFC 3261 §13.3.1.4).
    struct Unacknowledged: Sendable {
        let response: Datagram
        let sequence: UInt32
        /// The ACK is to bring the answer to our offer.
        let awaitsAnswer: Bool
        let isInitial: Bool
        var resendAt: MonotonicTime
        var interval: Duration
        let giveUpAt: MonotonicTime
    }

    /// A request of theirs that the owner of the call is to answer.
    struct Question: Sendable {
        let transaction: TransactionIdentifier
        let request: SIPRequest
    }

    let trunk: Trunk
    let key: UserAgent.DialogKey
    var phase: Phase
    /// The last session description that we sent.
    var localBody: [UInt8]
    /// The last one of theirs that both sides agreed on.
    var remoteBody: [UInt8] = []
    var origin: UserAgent.Origin?
    /// `ended` was told; only the ACK is waited for.
    var isOver = false
    var authentication = Authentication()
    /// What the other side understands, if it said.
    var peerMethods: [SIPMethod]?
    /// Our number is to stay hidden: in Contact too.
    var isPrivate = false
    /// Who calls, as the trunk says.
    var caller: CallerIdentity?
    /// A re-INVITE, UPDATE or PRACK with an offer, or a REFER, that waits for the owner.
    var offerQuestion: Question?
    var transferQuestion: Question?
    var transfers = TransferUsages()
    var digits = DigitQueue()
    var lifeCheck = LifeCheck()
    /// The leg whose place this one takes when it is answered (RFC 3891).
    var replaced: LegIdentifier?

    /// Answered and acknowledged.
    var isEstablished: Bool {
        if case .connected(let connected) = phase { connected.unacknowledged == nil } else { false }
    }

    /// We made the Call-ID, which decides who waits longer after glare (RFC 3261 §14.1).
    var isCaller: Bool { origin == nil }

    /// The dialog with whoever bears this tag.
    subscript(dialog tag: String) -> Dialog? {
        get {
            switch phase {
            case .calling(let calling): calling.early[tag]?.dialog
            case .ringing(let ringing): ringing.dialog.remoteTag == tag ? ringing.dialog : nil
            case .connected(let connected): connected.dialog.remoteTag == tag ? connected.dialog : nil
            }
        }
        set {
            guard let newValue, newValue.remoteTag == tag else { return }
            switch phase {
            case .calling(var calling):
                calling.early[tag]?.dialog = newValue
                phase = .calling(calling)
            case .ringing(var ringing):
                ringing.dialog = newValue
                phase = .ringing(ringing)
            case .connected(var connected):
                connected.dialog = newValue
                phase = .connected(connected)
            }
        }
    }

    /// What is there only once the call is answered; setting it in another phase does nothing.
    var connected: Connected? {
        get { if case .connected(let connected) = phase { connected } else { nil } }
        set {
            guard case .connected = phase, let newValue else { return }
            phase = .connected(newValue)
        }
    }
}

struct Datagram: Hashable, Sendable {
    let bytes: [UInt8]
    let target: NetworkAddress
}

/// What an INVITE may still ask of us after its leg ended.
struct Leftover: Sendable {
    let trunk: Trunk
    let authentication: Authentication
    /// Send CANCEL as soon as that is allowed: after a provisional response (RFC 3261 §9.1).
    var isToBeCancelled: Bool
    /// Why, for the CANCEL (RFC 3326).
    var reason: SIPReason?
    var acknowledgements: [String: Datagram]
    /// The early dialogs in which something was sent already.
    var early: [String: Dialog] = [:]
}

/// A BYE on its way.
struct Parting: Sendable {
    var dialog: Dialog
    let trunk: Trunk
    var authentication: Authentication
    var reason: SIPReason?
}
