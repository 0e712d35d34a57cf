package import Wire

/// Makes exactly one digit of each telephone-event, whichever of its packets are lost, doubled or out of order
/// (RFC 4733 §2.5.2).
///
/// An event is known by its timestamp. It is over with the E bit, with the start of another one, or when nothing more
/// of it came for `patience`. A piece of a long event (§2.5.1.3: the duration has reached its maximum, the next
/// timestamp goes on from there) belongs to the same digit.
///
///     idle ──first packet──▶ held ──E bit──▶ idle    (digit)
///                             │ ├──another event──▶ held or idle   (digit, interrupted)
///                             │ └──patience over──▶ idle   (digit)
package struct TelephoneEventReceiver: Equatable, Sendable, Codable {
    /// Without a packet for so long, an event has ended: packets come each 20 to 50 ms, also three times at the end.
    package static let patience: Duration = .milliseconds(250)
    /// An event this much older than the last one, or less, is a straggler of the network.
    private static let stragglerSeconds: Int64 = 2

    package struct Digit: Equatable, Sendable {
        package let character: Character
        /// How long the key was held, as far as the packets tell.
        package let duration: Duration
    }

    /// What one packet brought to an end. Two digits at once happen when an event's end was lost and only the end
    /// of the next one came through.
    package struct Outcome: Equatable, Sendable {
        package static let nothing = Outcome(interrupted: nil, completed: nil)

        package let interrupted: Digit?
        package let completed: Digit?
    }

    private struct Held: Equatable, Sendable, Codable {
        var event: UInt8
        var timestamp: UInt32
        /// Ticks of the pieces before this timestamp.
        var before: Int64
        var duration: UInt16
        var clockRate: UInt32
        var heardAt: MonotonicTime
    }

    private struct Finished: Equatable, Sendable, Codable {
        var timestamp: UInt32
        var heardAt: MonotonicTime
    }

    private var ssrc: UInt32?
    private var held: Held?
    private var finished: Finished?

    package init() {}

    /// When `advance` is due; nil while no event is held.
    package var nextDeadline: MonotonicTime? {
        held.map { $0.heardAt + Self.patience }
    }

    /// Takes one packet.
    /// - Parameters:
    ///   - header: of the packet as it came in.
    ///   - clockRate: of its payload type, Hz.
    package mutating func received(
        _ event: TelephoneEvent, header: RTPHeader, clockRate: UInt32, now: MonotonicTime
    ) -> Outcome {
        var interrupted: Digit?
        if ssrc != header.ssrc {
            interrupted = finish(now: now)
            ssrc = header.ssrc
            finished = nil
        }
        if isStraggler(header.timestamp, clockRate: clockRate, now: now) {
            return Outcome(interrupted: interrupted, completed: nil)
        }
        if var current = held {
            let ahead = header.timestamp.distance(after: current.timestamp)
            if ahead == 0 {
                current.duration = max(current.duration, event.duration)
                current.heardAt = now
                held = current
                return Outcome(interrupted: interrupted, completed: event.isEnd ? finish(now: now) : nil)
            }
            if ahead > 0, ahead == Int(current.duration), event.event == current.event, !header.marker {
                current.before += Int64(current.duration)
                current.timestamp = header.timestamp
                current.duration = event.duration
                current.heardAt = now
                held = current
                return Outcome(interrupted: interrupted, completed: event.isEnd ? finish(now: now) : nil)
            }
            interrupted = finish(now: now)
        }
        held = Held(
            event: event.event, timestamp: header.timestamp, before: 0, duration: event.duration,
            clockRate: max(1, clockRate), heardAt: now)
        return Outcome(interrupted: interrupted, completed: event.isEnd ? finish(now: now) : nil)
    }

    /// Ends an event whose last packets were lost.
    package mutating func advance(to now: MonotonicTime) -> Digit? {
        guard let nextDeadline, nextDeadline <= now else { return nil }
        return finish(now: now)
    }

    /// Whether a packet belongs to an event that is over, or to one from before the one that is held.
    private func isStraggler(_ timestamp: UInt32, clockRate: UInt32, now: MonotonicTime) -> Bool {
        let reach = Self.stragglerSeconds * Int64(max(1, clockRate))
        if let held {
            let behind = -Int64(timestamp.distance(after: held.timestamp))
            if behind > 0, behind <= max(reach, held.before) { return true }
        }
        if let finished {
            let behind = -Int64(timestamp.distance(after: finished.timestamp))
            if behind == 0 { return true }
            let isRecent = now.ticks(since: finished.heardAt, at: 1) < Self.stragglerSeconds
            if behind > 0, behind <= reach, isRecent { return true }
        }
        return false
    }

    private mutating func finish(now: MonotonicTime) -> Digit? {
        guard let over = held else { return nil }
        held = nil
        finished = Finished(timestamp: over.timestamp, heardAt: now)
        guard let character = TelephoneEvent(event: over.event, isEnd: true, duration: 0).digit else { return nil }
        return Digit(
            character: character,
            duration: Duration(ticks: over.before + Int64(over.duration), clockRate: over.clockRate))
    }
}
