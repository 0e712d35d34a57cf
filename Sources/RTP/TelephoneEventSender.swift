package import Wire

/// Turns digits into telephone-event packets (RFC 4733 §2.5.1): one each 20 ms while the key is held, the last one
/// three times, then a pause before the next digit.
///
///     idle ──digit──▶ holding ──held long enough──▶ ending (3 packets) ──▶ pausing ──▶ idle
///
/// Ask it at `nextDeadline`; the caller writes the packets, with `StreamRewriter.generateEvent`.
package struct TelephoneEventSender: Equatable, Sendable, Codable {
    /// Between two packets.
    package static let interval: Duration = .milliseconds(20)
    /// How often the last packet is sent (RFC 4733 §2.5.1.4).
    package static let endPackets = 3
    /// Digits that wait; more are refused.
    package static let capacity = 64

    package struct Packet: Equatable, Sendable {
        package let event: TelephoneEvent
        /// The event's first packet: it carries the marker and a new timestamp, which the following repeat.
        package let isFirst: Bool
        /// The last packet of the event.
        package let isLast: Bool
    }

    private enum State: Equatable, Sendable, Codable {
        case idle
        case holding(event: UInt8, packets: Int, next: MonotonicTime)
        case ending(event: UInt8, left: Int, next: MonotonicTime)
        case pausing(until: MonotonicTime)
    }

    private let clockRate: UInt32
    private let holdPackets: Int
    private let pause: Duration
    /// A ring: `waiting` codes from `first` on.
    private var ring: [UInt8]
    private var first = 0
    private var waiting = 0
    private var state = State.idle

    /// - Parameters:
    ///   - clockRate: of the outgoing telephone-event, Hz.
    ///   - hold: how long each key is held, rounded up to 20 ms, 40 ms...1.3 s (65,535 ticks of 48 kHz).
    ///   - pause: silence after each key; at least 40 ms is usual (ITU-T Q.24).
    package init(clockRate: UInt32, hold: Duration = .milliseconds(120), pause: Duration = .milliseconds(80)) {
        self.clockRate = max(1, clockRate)
        let interval = Self.interval.nanoseconds
        let wanted = min(max(hold.nanoseconds, 2 * interval), 65 * interval)
        holdPackets = Int(clamping: (wanted + interval - 1) / interval)
        self.pause = pause
        ring = [UInt8](repeating: 0, count: Self.capacity)
    }

    /// Appends a digit.
    /// - Returns: false if it is no key, or if `capacity` digits wait already.
    package mutating func enqueue(_ digit: Character) -> Bool {
        guard let code = TelephoneEvent.code(for: digit), waiting < ring.count else { return false }
        ring[(first + waiting) % ring.count] = code
        waiting += 1
        return true
    }

    /// Whether nothing is being sent and nothing waits.
    package var isIdle: Bool { state == .idle && waiting == 0 }

    /// Whether a key is down, so that sound should be kept back (RFC 4733 §2.5.1.2).
    package var isSending: Bool {
        switch state {
        case .holding, .ending: true
        case .idle, .pausing: false
        }
    }

    /// When `next` has something to do; nil while idle. A digit that waits is due at once (`MonotonicTime.zero`).
    package var nextDeadline: MonotonicTime? {
        switch state {
        case .idle: waiting > 0 ? .zero : nil
        case .holding(_, _, let next), .ending(_, _, let next): next
        case .pausing(let until): until
        }
    }

    /// The packet that is due, if one is. Ask again until nil: a late caller gets the missed ones too.
    package mutating func next(now: MonotonicTime) -> Packet? {
        if case .pausing(let until) = state, until <= now { state = .idle }
        switch state {
        case .idle:
            guard waiting > 0 else { return nil }
            let event = ring[first]
            first = (first + 1) % ring.count
            waiting -= 1
            state = .holding(event: event, packets: 1, next: now + Self.interval)
            return packet(event, packets: 1, isFirst: true)
        case .holding(let event, let packets, let next):
            guard next <= now else { return nil }
            if packets + 1 < holdPackets {
                state = .holding(event: event, packets: packets + 1, next: next + Self.interval)
                return packet(event, packets: packets + 1)
            }
            state = .ending(event: event, left: Self.endPackets - 1, next: next + Self.interval)
            return packet(event, packets: holdPackets, isEnd: true)
        case .ending(let event, let left, let next):
            guard next <= now else { return nil }
            if left > 1 {
                state = .ending(event: event, left: left - 1, next: next + Self.interval)
            } else {
                state = .pausing(until: next + pause)
            }
            return packet(event, packets: holdPackets, isEnd: true, isLast: left == 1)
        case .pausing:
            return nil
        }
    }

    private func packet(
        _ event: UInt8, packets: Int, isFirst: Bool = false, isEnd: Bool = false, isLast: Bool = false
    ) -> Packet {
        let ticks = Int64(packets) * Int64(clockRate) / 50
        return Packet(
            event: TelephoneEvent(event: event, isEnd: isEnd, duration: UInt16(clamping: ticks)), isFirst: isFirst,
            isLast: isLast)
    }
}
