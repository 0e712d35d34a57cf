package import Logging
import NIOCore
import NIOPosix
package import Wire

/// What a client's owner has to know, in the order in which it came about.
package enum ControlClientEvent: Sendable, Equatable {
    /// A connection is there and this is how things stand. `restarted`: the core is another process than before,
    /// so calls that it does not name are over.
    case connected(ControlSnapshot, restarted: Bool)
    case event(ControlEvent)
    /// The core cannot be reached; commands fail with `core.unreachable` until the next `connected`.
    case disconnected
}

/// The other side of the control socket: keeps one connection to the core for ever.
///
///     run ──▶ connecting ──snapshot──▶ open ──lost──▶ connecting (after 50 ms, 100 ms … 2 s)
package final class ControlClient: Sendable {
    /// How long a command may take.
    package static let replyWithin = Duration.seconds(10)

    /// Read by one task.
    package let events: AsyncStream<ControlClientEvent>

    private let path: String
    private let logger: Logger
    private let desk: ControlDesk
    private let loop: any EventLoop

    /// - Parameter watches: whether the events of the box (``ControlEvent/box(_:)``) are wanted.
    package init(
        path: String, logger: Logger, watches: Bool = true, replyWithin: Duration = ControlClient.replyWithin
    ) {
        self.path = path
        self.logger = logger
        let (events, continuation) = AsyncStream.makeStream(
            of: ControlClientEvent.self, bufferingPolicy: .bufferingOldest(8192))
        self.events = events
        loop = MultiThreadedEventLoopGroup.singleton.next()
        desk = ControlDesk(events: continuation, watches: watches, replyWithin: replyWithin)
    }

    /// Connects, and connects again whenever the connection is lost, until the task is cancelled. Call it once.
    package func run() async {
        var generator = SystemRandomNumberGenerator()
        var pause = Self.firstPause
        var told = false
        while !Task.isCancelled {
            if await connectOnce() { (pause, told) = (Self.firstPause, false) }
            if Task.isCancelled { break }
            if !told {
                logger.warning(
                    "control socket: the core cannot be reached, trying again",
                    metadata: ["code": "control.core-away"])
            }
            told = true
            try? await Task.sleep(for: .milliseconds(Int.random(in: pause / 2...pause, using: &generator)))
            pause = min(pause * 2, Self.longestPause)
        }
        desk.finish()
    }

    /// Asks the core for something.
    ///
    /// A command that was under way when the connection was lost is sent again over the next one, under the same
    /// id, unless the core has been restarted.
    /// - Returns: any reply but `.failed`, which is thrown.
    /// - Throws: what the core replied; `core.unreachable` at once while there is no connection and when the core
    ///   restarts; `core.no-reply` after 10 s; `core.message-too-large`.
    package func send(_ command: ControlCommand) async throws(Problem) -> ControlReply {
        switch await desk.send(command, on: loop) {
        case .failed(let problem): throw problem
        case let reply: return reply
        }
    }

    /// Whether commands can be sent now.
    package var isConnected: Bool { desk.isConnected }

    /// Waits for the first connection, for a command line that has just started the client.
    /// - Throws: `core.unreachable`.
    package func connected(within limit: Duration) async throws(Problem) {
        let deadline = ContinuousClock.now + limit
        while !isConnected {
            guard ContinuousClock.now < deadline, !Task.isCancelled else { throw ControlProblem.unreachable }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private static let firstPause = 50
    private static let longestPause = 2000

    /// - Returns: whether a connection came about that was of use.
    private func connectOnce() async -> Bool {
        let desk = desk
        let logger = logger
        guard
            let channel = try? await ClientBootstrap(group: loop)
                .channelInitializer({ channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ControlLink(desk: desk, logger: logger))
                    }
                })
                .connect(unixDomainSocketPath: path).get()
        else { return false }
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        return desk.lost()
    }
}
