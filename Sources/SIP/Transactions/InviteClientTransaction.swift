package import Wire

/// An INVITE that was sent, until nothing more can be heard about it (RFC 3261 §17.1.1, RFC 6026 §7.2).
///
/// ```
///                      | INVITE sent
///        timer A:      v
///        resend   +---------+  timer B or transport failure
///            +----| calling |-----------------------------+
///            +--->+---------+                             |
///                  |   |   | 2xx                          |
///             1xx  |   |   +--------------+               |
///                  v   |                  |               |
///       1xx  +------------+  2xx          v               |
///       +----| proceeding |-----> +----------+ 2xx        |
///       +--->+------------+       | accepted |---+ deliver|
///                  |   |300–699   +----------+<--+        |
///           300–699|   |                  | timer M       |
///         send ACK v   v                  |               |
///            +-----------+                |               |
///       +----| completed | timer D        v               v
///       |    +-----------+----------> +----------------------+
///       +------^ 300–699: ACK again   |      terminated      |
///                                     +----------------------+
/// ```
package struct InviteClientTransaction: Hashable, Sendable, Codable {
    package enum Effect: Equatable, Sendable {
        /// Send the INVITE once more.
        case sendRequest
        /// Send the ACK that belongs to a non-2xx response (RFC 3261 §17.1.1.3).
        case sendAcknowledgement
        /// Hand the response to the transaction's user.
        case deliverResponse
        /// Timer B fired: nobody answered.
        case reportTimeout
        case reportTransportFailure
    }

    package enum State: Hashable, Sendable, Codable {
        case calling(resendAt: MonotonicTime?, interval: Duration, giveUpAt: MonotonicTime)
        case proceeding
        case completed(endsAt: MonotonicTime)
        case accepted(endsAt: MonotonicTime)
        case terminated
    }

    package private(set) var state: State
    private let timers: SIPTimers
    private let isReliable: Bool

    /// The INVITE has just been sent.
    /// - Parameter isReliable: the transport retransmits by itself (TCP, TLS).
    package init(timers: SIPTimers, isReliable: Bool = false, now: MonotonicTime) {
        self.timers = timers
        self.isReliable = isReliable
        state = .calling(
            resendAt: isReliable ? nil : now + timers.t1, interval: timers.t1,
            giveUpAt: now + timers.transactionTimeout)
    }

    package var isTerminated: Bool { state == .terminated }

    /// When `timePassed` is to be called at the latest.
    package var nextDeadline: MonotonicTime? {
        switch state {
        case .calling(let resendAt, _, let giveUpAt): resendAt.map { min($0, giveUpAt) } ?? giveUpAt
        case .completed(let endsAt), .accepted(let endsAt): endsAt
        case .proceeding, .terminated: nil
        }
    }

    /// - Parameter status: 100...699
    package mutating func receivedResponse(status: Int, now: MonotonicTime) -> [Effect] {
        switch (state, status) {
        case (.calling, ..<200), (.proceeding, ..<200):
            state = .proceeding
            return [.deliverResponse]
        case (.calling, 200..<300), (.proceeding, 200..<300):
            state = .accepted(endsAt: now + timers.transactionTimeout)
            return [.deliverResponse]
        case (.calling, _), (.proceeding, _):
            // Timer D: 32 s over UDP, which is 64·T1 at the standard T1; zero over TCP, which still lets the user, who is
            // told first, ask what he had sent: he needs it to answer a challenge.
            state = .completed(endsAt: isReliable ? now : now + timers.transactionTimeout)
            return [.sendAcknowledgement, .deliverResponse]
        case (.completed, 300...): return [.sendAcknowledgement]
        case (.accepted, 200..<300): return [.deliverResponse]
        case (.completed, _), (.accepted, _), (.terminated, _): return []
        }
    }

    package mutating func transportFailed() -> [Effect] {
        switch state {
        case .calling, .proceeding:
            state = .terminated
            return [.reportTransportFailure]
        case .completed:
            // The user has its final response already; the lost ACK changes nothing for it.
            state = .terminated
            return []
        case .accepted, .terminated: return []
        }
    }

    /// The user gave up: after a CANCEL nothing final came within 64·T1 (RFC 3261 §9.1).
    package mutating func abandoned() {
        state = .terminated
    }

    /// Timers A, B, D and M.
    package mutating func timePassed(to now: MonotonicTime) -> [Effect] {
        switch state {
        case .calling(_, _, let giveUpAt) where giveUpAt <= now:
            state = .terminated
            return [.reportTimeout]
        case .calling(let resendAt?, let interval, let giveUpAt) where resendAt <= now:
            state = .calling(resendAt: now + interval * 2, interval: interval * 2, giveUpAt: giveUpAt)
            return [.sendRequest]
        case .completed(let endsAt) where endsAt <= now, .accepted(let endsAt) where endsAt <= now:
            state = .terminated
            return []
        case .calling, .proceeding, .completed, .accepted, .terminated: return []
        }
    }
}
