package import Wire

/// Any request but INVITE and ACK that was received (RFC 3261 §17.2.2).
///
/// ```
///                    | request: deliver
///                    v
///               +---------+  200–699 sent
///               | trying  |---------------------+
///               +---------+                     |
///              1xx sent |                       v
///                       v                 +-----------+ request again:
///   request again: +------------+ 200–699 | completed |---+ last response
///   last 1xx  +----| proceeding |-------->+-----------+<--+
///             +--->+------------+               | timer J
///                       | transport failure     v
///                       |                 +------------+
///                       +---------------->| terminated |
///                                         +------------+
/// ```
package struct NonInviteServerTransaction: Hashable, Sendable, Codable {
    package enum Effect: Equatable, Sendable {
        /// Send the last response once more.
        case sendResponse
        case reportTransportFailure
    }

    package enum State: Hashable, Sendable, Codable {
        case trying
        case proceeding
        case completed(endsAt: MonotonicTime)
        case terminated
    }

    package private(set) var state: State = .trying
    private let timers: SIPTimers
    private let isReliable: Bool

    /// The request has just been delivered to the user.
    package init(timers: SIPTimers, isReliable: Bool = false) {
        self.timers = timers
        self.isReliable = isReliable
    }

    package var isTerminated: Bool { state == .terminated }

    /// When `timePassed` is to be called at the latest.
    package var nextDeadline: MonotonicTime? {
        if case .completed(let endsAt) = state { endsAt } else { nil }
    }

    /// The same request came again.
    package mutating func receivedRetransmission() -> [Effect] {
        switch state {
        case .proceeding, .completed: [.sendResponse]
        case .trying, .terminated: []
        }
    }

    /// The user answers.
    /// - Parameter status: 100...699
    /// - Returns: nothing if a final answer was given before.
    package mutating func responded(status: Int, now: MonotonicTime) -> [Effect] {
        switch (state, status) {
        case (.trying, ..<200), (.proceeding, ..<200):
            state = .proceeding
            return [.sendResponse]
        case (.trying, _), (.proceeding, _):
            state = isReliable ? .terminated : .completed(endsAt: now + timers.transactionTimeout)
            return [.sendResponse]
        case (.completed, _), (.terminated, _): return []
        }
    }

    package mutating func transportFailed() -> [Effect] {
        switch state {
        case .trying, .proceeding, .completed:
            state = .terminated
            return [.reportTransportFailure]
        case .terminated: return []
        }
    }

    /// Timer J.
    package mutating func timePassed(to now: MonotonicTime) {
        if case .completed(let endsAt) = state, endsAt <= now { state = .terminated }
    }
}
