import Wire

/// What connections may cost, and how long they may take over things.
package struct StreamLimits: Sendable {
    /// Inbound connections that may stand at a time.
    package var connections = 1_000
    /// Of those from one source: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer is given.
    package var connectionsPerSource = 64
    /// Bytes that the kernel has not taken yet; a peer who reads slower than we speak to him is given up.
    package var unsentBytes = 256 << 10
    /// Messages that cannot be understood, until whoever sends them is given up.
    package var mistakes = 8

    /// Until the connection stands.
    package var connecting = Duration.seconds(5)
    /// The same for a request that could go by UDP too: somebody is waiting for it.
    package var connectingLarge = Duration.milliseconds(1_500)
    /// Until the TLS handshake is done.
    package var handshake = Duration.seconds(10)
    /// From the first byte of a message to its last, and from the beginning of an inbound connection to its first message.
    package var message = Duration.seconds(10)
    /// Between messages of an inbound connection. Clients send keep-alives every two minutes at most (RFC 5626 §4.4.1).
    package var idle = Duration.seconds(180)
    /// The same for providers, whose calls come seldom.
    package var trustedIdle = Duration.seconds(3_600)
    /// For responses to one who has nothing more to say: 64·T1.
    package var lingering = Duration.seconds(32)
    /// Between the pings of an outbound connection, less up to a fifth: most NATs forget a mapping that is silent for longer.
    package var ping = Duration.seconds(25)
    package var pong = Duration.seconds(10)

    package init() {}
}

/// When something must have happened on one connection.
///
/// ```
///  connected ─ handshake ─▶ open ─ first message ─▶ between messages ⇄ inside a message
///                            │                        idle (inbound), ping and pong (outbound)
///                            └── they have no more to say: lingering
/// ```
struct StreamDeadlines {
    enum Due: Equatable {
        /// The TLS handshake takes too long.
        case handshake
        /// A message is not complete, or the first one never began.
        case message
        case idle
        /// Send a ping now.
        case ping
        /// The flow is dead (RFC 5626 §4.4.1).
        case pong
        case lingering
    }

    private let limits: StreamLimits
    private let isInbound: Bool
    var isTrusted: Bool
    private var entries: [(due: Due, at: MonotonicTime)] = []
    private var hasSpoken = false
    /// Not every server knows RFC 5626. One that never answered a ping is judged by TCP alone, which gives a connection
    /// up when nobody acknowledges what was sent.
    private var peerPongs = false

    init(_ limits: StreamLimits, isInbound: Bool, isTrusted: Bool) {
        self.limits = limits
        self.isInbound = isInbound
        self.isTrusted = isTrusted
    }

    var next: MonotonicTime? { entries.map(\.at).min() }

    private mutating func set(_ due: Due, _ at: MonotonicTime?) {
        entries.removeAll { $0.due == due }
        if let at { entries.append((due, at)) }
    }

    mutating func connected(now: MonotonicTime) {
        set(.handshake, now + limits.handshake)
    }

    /// - Parameter jitter: 0.8...1, new each time, so that a thousand boxes do not ping at once.
    mutating func opened(now: MonotonicTime, jitter: Double) {
        set(.handshake, nil)
        if isInbound {
            set(.message, now + limits.message)
        } else {
            set(.ping, now + limits.ping * jitter)
        }
    }

    /// Bytes came; whatever they are, somebody is there.
    /// - Parameter isInsideMessage: they are not a whole message yet.
    mutating func received(isInsideMessage: Bool, completed: Bool, pongs: Bool, now: MonotonicTime) {
        set(.pong, nil)
        if pongs { peerPongs = true }
        if completed { hasSpoken = true }
        let isCounting = entries.contains { $0.due == .message }
        if isInsideMessage {
            if completed || !isCounting { set(.message, now + limits.message) }
        } else if hasSpoken || !isInbound {
            set(.message, nil)
        }
        guard isInbound, hasSpoken else { return }
        set(.idle, now + (isTrusted ? limits.trustedIdle : limits.idle))
    }

    mutating func pinged(now: MonotonicTime, jitter: Double) {
        set(.ping, now + limits.ping * jitter)
        if peerPongs, !entries.contains(where: { $0.due == .pong }) { set(.pong, now + limits.pong) }
    }

    /// They closed their half, or we have refused to go on.
    mutating func lingers(for duration: Duration, now: MonotonicTime) {
        entries = [(.lingering, now + duration)]
    }

    /// The first thing that is due; it does not come again by itself.
    mutating func popDue(at now: MonotonicTime) -> Due? {
        guard let first = entries.filter({ $0.at <= now }).min(by: { $0.at < $1.at }) else { return nil }
        set(first.due, nil)
        return first.due
    }
}
