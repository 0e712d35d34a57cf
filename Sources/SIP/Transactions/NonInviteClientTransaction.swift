package import Wire

/// Any request but INVITE and ACK that was sent (RFC 3261 §17.1.2).
///
/// ```
///                     | request sent
///       timer E:      v
///       resend   +--------+  timer F or transport failure
///           +----| trying |------------------------+
///           +--->+--------+                        |
///             1xx |     | 200–699                  |
///                 v     |                          |
///       1xx, +------------+  timer F               |
///    timer E | proceeding |----------------------->|
///       +----+------------+                        |
///       +--->  |        |                          |
///      200–699 v        v                          v
///            +-----------+  timer K   +------------------+
///            | completed |----------->|    terminated    |
///            +-----------+            +------------------+
/// ```
package struct NonInviteClientTransaction: Hashable, Sendable, Codable {
    package enum Effect: Equatable, Sendable {
        /// Send the request once more.
        case sendRequest
        /// Hand the response to the transaction's user.
        case deliverResponse
        /// Timer F fired: nobody answered.
        case reportTimeout
        case reportTransportFailure
    }

    package enum State: Hashable, Sendable, Codable {
        case trying(resendAt: MonotonicTime?, interval: Duration, giveUpAt: MonotonicTime)
        case proceeding(resendAt: MonotonicTime?, giveUpAt: MonotonicTime)
        case completed(endsAt: MonotonicTime)
        case terminated
    }

    package private(set) var state: State
    private let timers: SIPTimers
    private let isReliable: Bool

    /// The request has just been sent.
    package init(timers: SIPTimers, isReliable: Bool = false, now: MonotonicTime) {
        self.timers = timers
        self.isReliable = isReliable
        state = .trying(
            resendAt: isReliable ? nil : now + timers.t1, interval: timers.t1,
            giveUpAt: now + timers.transactionTimeout)
    }

    package var isTerminated: Bool { state == .terminated }

    /// When `timePassed` is to be called at the latest.
    package var nextDeadline: MonotonicTime? {
        switch state {
        case .trying(let resendAt, _, let giveUpAt), .proceeding(let resendAt, let giveUpAt):
            resendAt.map { min($0, giveUpAt) } ?? giveUpAt
        case .completed(let endsAt): endsAt
        case .terminated: nil
        }
    }

    /// - Parameter status: 100...699
    package mutating func receivedResponse(status: Int, now: MonotonicTime) -> [Effect] {
        switch (state, status) {
        case (.trying(_, _, let giveUpAt), ..<200):
            // From now on timer E runs at T2 (§17.1.2.2).
            state = .proceeding(resendAt: isReliable ? nil : now + timers.t2, giveUpAt: giveUpAt)
            return [.deliverResponse]
        case (.proceeding, ..<200): return [.deliverResponse]
        case (.trying, _), (.proceeding, _):
            state = isReliable ? .terminated : .completed(endsAt: now + timers.t4)
            return [.deliverResponse]
        case (.completed, _), (.terminated, _): return []
        }
    }

    package mutating func transportFailed() -> [Effect] {
        switch state {
        case .trying, .proceeding:
            state = .terminated
            return [.reportTransportFailure]
        case .completed, .terminated: return []
        }
    }

    /// Timers E, F and K.
    package mutating func timePassed(to now: MonotonicTime) -> [Effect] {
        switch state {
        case .trying(_, _, let giveUpAt) where giveUpAt <= now, .proceeding(_, let giveUpAt) where giveUpAt <= now:
            state = .terminated
            return [.reportTimeout]
        case .trying(let resendAt?, let interval, let giveUpAt) where resendAt <= now:
            let next = timers.doubled(interval)
            state = .trying(resendAt: now + next, interval: next, giveUpAt: giveUpAt)
            return [.sendRequest]
        case .proceeding(let resendAt?, let giveUpAt) where resendAt <= now:
            state = .proceeding(resendAt: now + timers.t2, giveUpAt: giveUpAt)
            return [.sendRequest]
        case .completed(let endsAt) where endsAt <= now:
            state = .terminated
            return []
        case .trying, .proceeding, .completed, .terminated: return []
        }
    }
}
