/// The three round-trip figures that every SIP timer derives from (RFC 3261 §17.1.1.1 and table 4).
package struct SIPTimers: Hashable, Sendable, Codable {
    /// Estimate of the round-trip time.
    package var t1: Duration
    /// Longest interval between retransmissions of anything but an INVITE.
    package var t2: Duration
    /// How long a message can stay in the network.
    package var t4: Duration

    package init(t1: Duration, t2: Duration, t4: Duration) {
        self.t1 = t1
        self.t2 = t2
        self.t4 = t4
    }

    /// 500 ms, 4 s and 5 s.
    package static let standard = SIPTimers(t1: .milliseconds(500), t2: .seconds(4), t4: .seconds(5))

    /// 64·T1: how long anything is tried before it counts as failed (timers B, F, H, and J, L, M, D over UDP).
    package var transactionTimeout: Duration { t1 * 64 }

    /// The interval after `interval`, for what is capped at T2 (timers E and G).
    func doubled(_ interval: Duration) -> Duration { min(interval * 2, t2) }
}
