import SIPMessage
import Wire

/// Our own changes and refreshes of a session that stands: one at a time, glare resolved by waiting
/// (RFC 3261 §14.1, RFC 3311 §5.1).
///
/// ```
///          wanted              dialog free: send            2xx
///   idle ─────────▶ wanting ─────────────────────▶ asking ───────▶ idle
///                      ▲  ▲                           │
///                      │  └── time ── waiting ◀── 491 ┤
///                      │                              └── other failure ──▶ idle
///                      └── wanted again while asking or waiting: the newest offer counts
/// ```
struct OfferExchange: Hashable, Sendable, Codable {
    /// What is to be sent.
    struct Proposal: Hashable, Sendable, Codable {
        /// nil merely refreshes the session: nothing of it changes.
        var offer: [UInt8]?
        /// How often it was put off by the other side.
        var delays = 0
    }

    struct Pending: Hashable, Sendable, Codable {
        var proposal: Proposal
        /// nil until it was sent.
        var transaction: TransactionIdentifier?
    }

    private(set) var wanted: Proposal?
    private(set) var pending: Pending?
    private(set) var retryAt: MonotonicTime?

    /// A side that answers 491 for ever is not asked for ever.
    static let delayLimit = 6

    /// The owner wants another session, or with nil a refresh, which yields to an offer: that refreshes too.
    mutating func want(_ offer: [UInt8]?) {
        if offer == nil, wanted != nil || pending != nil { return }
        wanted = Proposal(offer: offer)
    }

    /// Takes what is to be sent now; nil while nothing may be.
    mutating func begin() -> Proposal? {
        guard pending == nil, retryAt == nil, let proposal = wanted else { return nil }
        wanted = nil
        pending = Pending(proposal: proposal)
        return proposal
    }

    mutating func sent(as transaction: TransactionIdentifier) {
        pending?.transaction = transaction
    }

    /// A final response, or the end of all waiting for one.
    mutating func finished() {
        pending = nil
    }

    /// The other side was about to change the session as well (491), or asked for time (Retry-After).
    /// - Returns: false if that happened too often: it counts as refused.
    mutating func putOff(until time: MonotonicTime) -> Bool {
        guard var proposal = pending?.proposal else { return false }
        pending = nil
        proposal.delays += 1
        guard proposal.delays <= Self.delayLimit else { return false }
        retryAt = time
        // A newer wish, if there is one, outranks the old.
        if wanted?.offer == nil { wanted = proposal }
        return true
    }

    mutating func timePassed(to now: MonotonicTime) {
        if let time = retryAt, time <= now { retryAt = nil }
    }

    /// How long to wait after a 491: whoever made the Call-ID 2.1–4 s, the other up to 2 s, in steps of 10 ms.
    static func backOff(isCaller: Bool, using generator: inout some RandomNumberGenerator) -> Duration {
        .milliseconds(10 * Int.random(in: isCaller ? 210...400 : 0...200, using: &generator))
    }
}
