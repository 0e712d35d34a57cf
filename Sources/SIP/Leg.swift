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
        var authentication = Authentication()
        var hasRung = false
        /// The last session description of a provisional response.
        var progress: [UInt8] = []
    }

    /// Their INVITE has no final response.
    struct Ringing: Sendable {
        let transaction: TransactionIdentifier
        let invite: SIPRequest
        var dialog: Dialog
    }

    struct Connected: Sendable {
        var dialog: Dialog
        var authentication: Authentication
        /// Our INVITE, while 2xx to it may still come.
        var invite: TransactionIdentifier?
        /// The ACKs sent so far, by the other side's tag.
        var acknowledgements: [String: Datagram] = [:]
        /// Our 2xx that waits for its ACK.
        var unacknowledged: Unacknowledged?
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

    let trunk: Trunk
    let key: UserAgent.DialogKey
    var phase: Phase
    /// The last session description that we sent.
    var localBody: [UInt8]
    var origin: UserAgent.Origin?
    /// `ended` was told; only the ACK is waited for.
    var isOver = false

    /// Answered and acknowledged.
    var isEstablished: Bool {
        if case .connected(let connected) = phase { connected.unacknowledged == nil } else { false }
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
    var acknowledgements: [String: Datagram]
}

/// A BYE on its way.
struct Parting: Sendable {
    var dialog: Dialog
    let trunk: Trunk
    var authentication: Authentication
}
