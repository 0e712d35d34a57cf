import NIOCore
import Synchronization
import Wire

/// The client's commands under way, across connections.
final class ControlDesk: Sendable {
    /// Names this process towards the core.
    let client: String
    /// Whether the events of the box are wanted.
    let watches: Bool

    private struct Waiting {
        var frame: ByteBuffer
        var deadline: Scheduled<Void>
        var continuation: CheckedContinuation<ControlReply, Never>
    }

    private struct State {
        var channel: (any Channel)?
        var epoch: String?
        var lastID: UInt64 = 0
        var waiting: [UInt64: Waiting] = [:]
    }

    private let state = Mutex(State())
    private let events: AsyncStream<ControlClientEvent>.Continuation
    private let replyWithin: TimeAmount

    init(events: AsyncStream<ControlClientEvent>.Continuation, watches: Bool, replyWithin: Duration) {
        self.events = events
        self.watches = watches
        self.replyWithin = .nanoseconds(replyWithin.nanoseconds)
        var generator = SystemRandomNumberGenerator()
        client = hexadecimal(bytes: 16, using: &generator)
    }

    var isConnected: Bool { state.withLock { $0.channel != nil } }

    func send(_ command: ControlCommand, on loop: any EventLoop) async -> ControlReply {
        await withCheckedContinuation { continuation in
            let refusal: Problem? = state.withLock { state in
                guard let channel = state.channel else { return ControlProblem.unreachable }
                state.lastID &+= 1
                let id = state.lastID
                guard let frame = try? ControlCoder().frame(ControlRequest.command(id: id, command: command)) else {
                    return ControlProblem.tooLarge
                }
                let deadline = loop.scheduleTask(in: replyWithin) {
                    self.replied(.failed(ControlProblem.silent), to: id)
                }
                state.waiting[id] = Waiting(frame: frame, deadline: deadline, continuation: continuation)
                channel.writeAndFlush(frame, promise: nil)
                return nil
            }
            if let refusal { continuation.resume(returning: .failed(refusal)) }
        }
    }

    func replied(_ reply: ControlReply, to id: UInt64) {
        guard let waiting = state.withLock({ $0.waiting.removeValue(forKey: id) }) else { return }
        waiting.deadline.cancel()
        waiting.continuation.resume(returning: reply)
    }

    /// - Returns: false if the owner does not read its events, so that the connection is of no use.
    func opened(_ channel: any Channel, epoch: String, snapshot: ControlSnapshot) -> Bool {
        let (restarted, orphans) = state.withLock { state -> (Bool, [Waiting]) in
            let restarted = state.epoch != nil && state.epoch != epoch
            state.epoch = epoch
            state.channel = channel
            guard restarted else {
                for (_, waiting) in state.waiting.sorted(by: { $0.key < $1.key }) {
                    channel.write(waiting.frame, promise: nil)
                }
                channel.flush()
                return (false, [])
            }
            defer { state.waiting = [:] }
            return (true, Array(state.waiting.values))
        }
        fail(orphans)
        return tell(.connected(snapshot, restarted: restarted))
    }

    /// - Returns: false if the owner does not read its events.
    func heard(_ event: ControlEvent) -> Bool {
        tell(.event(event))
    }

    /// - Returns: whether there was a connection to lose.
    func lost() -> Bool {
        let had = state.withLock { state in
            defer { state.channel = nil }
            return state.channel != nil
        }
        if had { _ = tell(.disconnected) }
        return had
    }

    func finish() {
        let orphans = state.withLock { state in
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        fail(orphans)
        events.finish()
    }

    private func fail(_ orphans: [Waiting]) {
        for waiting in orphans {
            waiting.deadline.cancel()
            waiting.continuation.resume(returning: .failed(ControlProblem.unreachable))
        }
    }

    private func tell(_ event: ControlClientEvent) -> Bool {
        if case .dropped = events.yield(event) { return false }
        return true
    }
}
