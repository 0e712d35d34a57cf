import Wire

/// The clocks of one handshake.
struct HandshakeTiming {
    /// Bytes of a datagram's payload: IPv6's least MTU of 1,280 less headers, with some to spare for tunnels.
    static let mtu = 1_200
    /// How often the alert of a failed handshake is said again when the peer repeats itself.
    static let farewells = 8

    /// From our first flight to giving up.
    private static let patience = Duration.seconds(30)
    /// How long a doubt waits for a sign that its cause was forged.
    private static let doubtDelay = Duration.seconds(1)
    /// The least time between two answers to different ClientHellos: each costs a signature.
    private static let restartInterval = Duration.milliseconds(200)

    /// When OpenSSL wants to send its flight again.
    var retransmission: MonotonicTime?

    /// A sign, seen before the keys and therefore perhaps forged, that the handshake has failed.
    struct Doubt {
        let failure: DTLSFailure
        /// The alert to send when the doubt has become certainty; may be empty.
        let farewell: [UInt8]
        let credibleFrom: MonotonicTime
    }

    private var begun: MonotonicTime?
    private var doubt: Doubt?
    private var lastBeginning: MonotonicTime?

    /// Microseconds to wait after the wait before (0: the first): 100 ms, doubling to 3 s. OpenSSL's own beginning
    /// of 1 s (RFC 6347 §4.2.4.1) is longer than most handshakes, and the browser's retransmissions do not trigger ours.
    static func interval(after previous: UInt32) -> UInt32 {
        previous == 0 ? 100_000 : min(previous &* 2, 3_000_000)
    }

    /// A flight of ours was sent: from here on a forged packet cannot be undone by silently starting afresh.
    var hasBegun: Bool { begun != nil }

    mutating func begin(at now: MonotonicTime) {
        guard begun == nil else { return }
        begun = now
        lastBeginning = now
        doubt = nil
    }

    /// The flight that was sent no longer counts; a doubt stays until there is a new one.
    mutating func startAgain() {
        begun = nil
        retransmission = nil
    }

    func mayRestart(at now: MonotonicTime) -> Bool {
        lastBeginning.map { now - $0 >= Self.restartInterval } ?? true
    }

    /// Notes a doubt; the first one counts. A handshake that completes dispels it.
    mutating func raiseDoubt(_ failure: DTLSFailure, farewell: [UInt8] = [], at now: MonotonicTime) {
        if doubt == nil {
            doubt = Doubt(failure: failure, farewell: farewell, credibleFrom: now + Self.doubtDelay)
        }
    }

    func credibleDoubt(at now: MonotonicTime) -> Doubt? {
        doubt.flatMap { $0.credibleFrom <= now ? $0 : nil }
    }

    func isOver(at now: MonotonicTime) -> Bool {
        begun.map { $0 + Self.patience <= now } ?? false
    }

    func retransmissionIsDue(at now: MonotonicTime) -> Bool {
        retransmission.map { $0 <= now } ?? false
    }

    var nextDeadline: MonotonicTime? {
        [retransmission, doubt?.credibleFrom, begun.map { $0 + Self.patience }].compactMap(\.self).min()
    }
}
