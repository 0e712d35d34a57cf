package import Wire

/// An INVITE that was received (RFC 3261 §17.2.1, RFC 6026 §7.1).
///
/// ```
///                       | INVITE: deliver
///     INVITE again:     v
///     last 1xx    +------------+ transport failure
///            +----| proceeding |---------------------+
///            +--->+------------+                     |
///      300–699 sent |      | 2xx sent                |
///                   v      v                         |
///   INVITE   +-----------+ +----------+ INVITE: drop |
///   again,   | completed | | accepted |---+          |
///   timer G: +-----------+ +----------+<--+ ACK: deliver
///   resend +--^ |  |           | timer L             |
///          +----+  | ACK       |                     |
///        timer H   v           |                     |
///         |   +-----------+    |                     |
///         |   | confirmed |    |                     |
///         v   +-----------+    v                     v
///       +-------- | timer I -----------------------------+
///       |         v        terminated                    |
///       +------------------------------------------------+
/// ```
/// The 2xx itself is repeated by the transaction's user until the ACK comes (RFC 3261 §13.3.1.4).
package struct InviteServerTransaction: Hashable, Sendable, Codable {
    package enum Effect: Equatable, Sendable {
        /// Send the last response once more.
        case sendResponse
        /// Hand the ACK to the transaction's user.
        case deliverAcknowledgement
        /// Timer H fired: a final response was never acknowledged.
        case reportTimeout
        case reportTransportFailure
    }

    package enum State: Hashable, Sendable, Codable {
        case proceeding
        case completed(resendAt: MonotonicTime?, interval: Duration, giveUpAt: MonotonicTime)
        case confirmed(endsAt: MonotonicTime)
        case accepted(endsAt: MonotonicTime)
        case terminated
    }

    package private(set) var state: State = .proceeding
    private let timers: SIPTimers
    private let isReliable: Bool

    /// The INVITE has just been delivered to the user.
    package init(timers: SIPTimers, isReliable: Bool = false) {
        self.timers = timers
        self.isReliable = isReliable
    }

    package var isTerminated: Bool { state == .terminated }

    /// When `timePassed` is to be called at the latest.
    package var nextDeadline: MonotonicTime? {
        switch state {
        case .completed(let resendAt, _, let giveUpAt): resendAt.map { min($0, giveUpAt) } ?? giveUpAt
        case .confirmed(let endsAt), .accepted(let endsAt): endsAt
        case .proceeding, .terminated: nil
        }
    }

    /// The same INVITE came again.
    /// - Parameter hasResponse: something was already sent for it.
    package mutating func receivedRetransmission(hasResponse: Bool) -> [Effect] {
        switch state {
        case .proceeding, .completed: hasResponse ? [.sendResponse] : []
        case .confirmed, .accepted, .terminated: []
        }
    }

    /// The user answers.
    /// - Parameter status: 100...699
    /// - Returns: nothing if the transaction is past the point where an answer means anything.
    package mutating func responded(status: Int, now: MonotonicTime) -> [Effect] {
        switch (state, status) {
        case (.proceeding, ..<200): return [.sendResponse]
        case (.proceeding, 200..<300):
            state = .accepted(endsAt: now + timers.transactionTimeout)
            return [.sendResponse]
        case (.proceeding, _):
            state = .completed(
                resendAt: isReliable ? nil : now + timers.t1, interval: timers.t1,
                giveUpAt: now + timers.transactionTimeout)
            return [.sendResponse]
        case (.accepted, 200..<300): return [.sendResponse]
        case (.accepted, _), (.completed, _), (.confirmed, _), (.terminated, _): return []
        }
    }

    package mutating func receivedAcknowledgement(now: MonotonicTime) -> [Effect] {
        switch state {
        case .completed:
            state = isReliable ? .terminated : .confirmed(endsAt: now + timers.t4)
            return []
        case .accepted: return [.deliverAcknowledgement]
        case .proceeding, .confirmed, .terminated: return []
        }
    }

    package mutating func transportFailed() -> [Effect] {
        switch state {
        case .proceeding, .completed, .accepted:
            state = .terminated
            return [.reportTransportFailure]
        case .confirmed, .terminated: return []
        }
    }

    /// Timers G, H, I and L.
    package mutating func timePassed(to now: MonotonicTime) -> [Effect] {
        switch state {
        case .completed(_, _, let giveUpAt) where giveUpAt <= now:
            state = .terminated
            return [.reportTimeout]
        case .completed(let resendAt?, let interval, let giveUpAt) where resendAt <= now:
            let next = timers.doubled(interval)
            state = .completed(resendAt: now + next, interval: next, giveUpAt: giveUpAt)
            return [.sendResponse]
        case .confirmed(let endsAt) where endsAt <= now, .accepted(let endsAt) where endsAt <= now:
            state = .terminated
            return []
        case .proceeding, .completed, .confirmed, .accepted, .terminated: return []
        }
    }
}
