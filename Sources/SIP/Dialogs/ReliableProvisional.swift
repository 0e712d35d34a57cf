import Wire

/// Provisional responses that the caller acknowledges with PRACK: one at a time, each repeated until then
/// (RFC 3262 §3).
///
/// ```
///            offered: send                 acknowledged, nothing queued
///   +------+ ------------------> +---------+ -----------------> idle
///   | idle |                     | waiting |--+ timer: resend
///   +------+ <------------------ +---------+<-+ offered: queue
///               64·T1: give up      |     ^ acknowledged: send the next
///                                   +-----+
/// ```
struct ReliableProvisional: Hashable, Sendable, Codable {
    struct Content: Hashable, Sendable, Codable {
        let status: Int
        let body: [UInt8]
    }

    enum Effect: Equatable, Sendable {
        /// Send this one now, under this number.
        case send(Content, number: UInt32)
        case resend
        /// Nobody acknowledged: refuse the call.
        case giveUp
    }

    private struct Waiting: Hashable, Sendable, Codable {
        let content: Content
        var resendAt: MonotonicTime
        var interval: Duration
        let giveUpAt: MonotonicTime
    }

    private let timers: SIPTimers
    /// RSeq of the last response sent.
    private(set) var number: UInt32
    private var waiting: Waiting?
    private var queue: [Content] = []

    /// More than this are never waiting: whatever rings as often as that is not to be believed.
    private static let queueLimit = 8

    /// - Parameter number: random, 0..<2^31 - 1, so that its successors fit in 32 bits.
    init(timers: SIPTimers, number: UInt32) {
        self.timers = timers
        self.number = number
    }

    var nextDeadline: MonotonicTime? { waiting.map { min($0.resendAt, $0.giveUpAt) } }

    /// A session description was sent and is not acknowledged: no 2xx may be sent.
    var holdsAnswerBack: Bool { !(waiting?.content.body.isEmpty ?? true) || queue.contains { !$0.body.isEmpty } }

    mutating func offered(_ content: Content, now: MonotonicTime) -> [Effect] {
        guard waiting == nil else {
            if queue.count < Self.queueLimit { queue.append(content) }
            return []
        }
        return send(content, now: now)
    }

    private mutating func send(_ content: Content, now: MonotonicTime) -> [Effect] {
        number &+= 1
        waiting = Waiting(
            content: content, resendAt: now + timers.t1, interval: timers.t1, giveUpAt: now + timers.transactionTimeout)
        return [.send(content, number: number)]
    }

    /// PRACK came.
    /// - Returns: nil if it matches nothing: answer 481. Otherwise what was acknowledged, and what is to be sent next.
    mutating func acknowledged(_ number: UInt32, now: MonotonicTime) -> (content: Content, effects: [Effect])? {
        guard number == self.number, let content = waiting?.content else { return nil }
        waiting = nil
        return (content, queue.isEmpty ? [] : send(queue.removeFirst(), now: now))
    }

    /// Here the interval doubles without the bound of T2.
    mutating func timePassed(to now: MonotonicTime) -> [Effect] {
        guard var current = waiting else { return [] }
        if current.giveUpAt <= now {
            waiting = nil
            queue = []
            return [.giveUp]
        }
        guard current.resendAt <= now else { return [] }
        current.interval = current.interval * 2
        current.resendAt = now + current.interval
        waiting = current
        return [.resend]
    }
}
