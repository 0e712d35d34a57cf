import Glibc
package import Logging
package import NIOCore
import NIOPosix
package import Wire

/// The core's side of the control socket.
///
/// Many clients can be connected (the web process, `sipcall status`); each hears every event.
package final class ControlServer: Sendable {
    /// Does one command. Commands of one phone socket come one after the other.
    package typealias Handler = @Sendable (ControlCommand) async -> ControlReply
    package typealias SnapshotSource = @Sendable () async -> ControlSnapshot

    /// What may be set otherwise in a test.
    package struct Limits: Sendable {
        /// How long a client may stay away before its phone sockets count as lost.
        package var absence: Duration
        /// Bytes that a client may leave unread before it is cut off; it then starts again from a snapshot.
        package var unreadBytes: Int

        package init(absence: Duration = .seconds(5), unreadBytes: Int = 4 * 1024 * 1024) {
            self.absence = absence
            self.unreadBytes = unreadBytes
        }
    }

    private let path: String
    private let channel: any Channel
    private let hub: NIOLoopBound<ControlHub>

    private init(path: String, channel: any Channel, hub: NIOLoopBound<ControlHub>) {
        self.path = path
        self.channel = channel
        self.hub = hub
    }

    /// Listens on a unix stream socket that its owner and group may use (mode 0660).
    ///
    /// - Parameters:
    ///   - loop: where it lives; best that of whoever handles the commands.
    ///   - path: at most 100 bytes (the kernel takes 107). A socket file that nobody listens on is replaced.
    ///   - handler: also called with `.detach(connection, closed: false)` for each phone socket of a client that
    ///     stayed away too long.
    ///   - snapshot: called whenever a client connects.
    /// - Throws: `control.already-running`, `control.cannot-listen`.
    package static func start(
        path: String, logger: Logger, limits: Limits = Limits(),
        on loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(), handler: @escaping Handler,
        snapshot: @escaping SnapshotSource
    ) async throws(Problem) -> ControlServer {
        guard path.utf8.count <= 100 else {
            throw ControlProblem.cannotListen(path, why: "the path is longer than 100 bytes")
        }
        if await answers(path, on: loop) { throw ControlProblem.alreadyRunning(path) }
        // The mode has to be right before anybody can connect, so the socket gets its name last.
        let unnamed = path + ".new"
        do {
            let hub = try await loop.submit {
                NIOLoopBound(
                    ControlHub(loop: loop, logger: logger, limits: limits, handler: handler, snapshot: snapshot),
                    eventLoop: loop)
            }.get()
            let channel = try await ServerBootstrap(group: loop)
                .childChannelOption(
                    .writeBufferWaterMark, value: .init(low: limits.unreadBytes / 2, high: limits.unreadBytes)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(ControlSession(hub: hub.value))
                    }
                }
                .bind(unixDomainSocketPath: unnamed, cleanupExistingSocketFile: true).get()
            guard chmod(unnamed, 0o660) == 0, rename(unnamed, path) == 0 else {
                let reason = String(cString: strerror(errno))
                try? await channel.close()
                throw ControlProblem.cannotListen(path, why: reason)
            }
            return ControlServer(path: path, channel: channel, hub: hub)
        } catch let problem as Problem {
            throw problem
        } catch let error as IOError {
            throw ControlProblem.cannotListen(path, why: String(cString: strerror(error.errnoCode)))
        } catch {
            throw ControlProblem.cannotListen(path, why: "\(error)")
        }
    }

    /// Tells every client, in the order of the calls of this function.
    package func publish(_ event: ControlEvent) {
        let hub = hub
        let loop = channel.eventLoop
        if loop.inEventLoop { hub.value.publish(event) } else { loop.execute { hub.value.publish(event) } }
    }

    /// Closes the socket and every connection, and forgets the clients without a `detach`.
    package func stop() async {
        let hub = hub
        unlink(path)
        try? await channel.close()
        try? await channel.eventLoop.submit { hub.value.stop() }.get()
    }

    private static func answers(_ path: String, on loop: any EventLoop) async -> Bool {
        guard let channel = try? await ClientBootstrap(group: loop).connect(unixDomainSocketPath: path).get() else {
            return false
        }
        try? await channel.close()
        return true
    }
}
