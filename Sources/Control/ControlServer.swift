import Glibc
package import Logging
package import NIOCore
import NIOPosix
package import Wire

/// The core's side of the control socket.
///
/// Many clients can be connected (the web process, `sipcall status`); each hears every event.
///
/// The web process has a socket of its own, because what it alone may say (``ControlCommand/isForWeb``) decides with which key
/// the core seals and which records it deletes. Who may open which socket is a matter of the file system: the core cannot tell
/// users apart by SO_PEERCRED, which shows every other user as 65534 where the unit has a user namespace (PrivateUsers=).
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

    private let places: [(path: String, channel: any Channel)]
    private let loop: any EventLoop
    private let hub: NIOLoopBound<ControlHub>

    private init(places: [(path: String, channel: any Channel)], loop: any EventLoop, hub: NIOLoopBound<ControlHub>) {
        self.places = places
        self.loop = loop
        self.hub = hub
    }

    /// Listens on unix stream sockets that their owner and group may use (mode 0660).
    ///
    /// - Parameters:
    ///   - loop: where it lives; best that of whoever handles the commands.
    ///   - path: at most 100 bytes (the kernel takes 107). A socket file that nobody listens on is replaced.
    ///   - webPath: likewise, in a directory that only the web process may enter; nil where there is no ledger.
    ///   - handler: also called with `.detach(connection, closed: false)` for each phone socket of a client that
    ///     stayed away too long.
    ///   - snapshot: called whenever a client connects.
    /// - Throws: `control.already-running`, `control.cannot-listen`.
    package static func start(
        path: String, webPath: String? = nil, logger: Logger, limits: Limits = Limits(),
        on loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(), handler: @escaping Handler,
        snapshot: @escaping SnapshotSource
    ) async throws(Problem) -> ControlServer {
        let hub: NIOLoopBound<ControlHub>
        do {
            hub = try await loop.submit {
                NIOLoopBound(
                    ControlHub(loop: loop, logger: logger, limits: limits, handler: handler, snapshot: snapshot),
                    eventLoop: loop)
            }.get()
        } catch {
            throw ControlProblem.cannotListen(path, why: "\(error)")
        }
        var places: [(path: String, channel: any Channel)] = []
        for (path, isWebs) in [(path, false)] + (webPath.map { [($0, true)] } ?? []) {
            do throws(Problem) {
                places.append((path, try await listen(path, isWebs: isWebs, hub, limits, loop)))
            } catch {
                for place in places {
                    unlink(place.path)
                    try? await place.channel.close()
                }
                throw error
            }
        }
        return ControlServer(places: places, loop: loop, hub: hub)
    }

    private static func listen(
        _ path: String, isWebs: Bool, _ hub: NIOLoopBound<ControlHub>, _ limits: Limits, _ loop: any EventLoop
    ) async throws(Problem) -> any Channel {
        guard path.utf8.count <= 100 else {
            throw ControlProblem.cannotListen(path, why: "the path is longer than 100 bytes")
        }
        if await answers(path, on: loop) { throw ControlProblem.alreadyRunning(path) }
        // The mode has to be right before anybody can connect, so the socket gets its name last.
        let unnamed = path + ".new"
        do {
            let channel = try await ServerBootstrap(group: loop)
                .childChannelOption(
                    .writeBufferWaterMark, value: .init(low: limits.unreadBytes / 2, high: limits.unreadBytes)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ControlSession(hub: hub.value, isWebs: isWebs))
                    }
                }
                .bind(unixDomainSocketPath: unnamed, cleanupExistingSocketFile: true).get()
            guard chmod(unnamed, 0o660) == 0, rename(unnamed, path) == 0 else {
                let reason = String(cString: strerror(errno))
                try? await channel.close()
                throw ControlProblem.cannotListen(path, why: reason)
            }
            return channel
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
        if loop.inEventLoop { hub.value.publish(event) } else { loop.execute { hub.value.publish(event) } }
    }

    /// Closes the socket and every connection, and forgets the clients without a `detach`.
    package func stop() async {
        let hub = hub
        for place in places {
            unlink(place.path)
            try? await place.channel.close()
        }
        try? await loop.submit { hub.value.stop() }.get()
    }

    private static func answers(_ path: String, on loop: any EventLoop) async -> Bool {
        guard let channel = try? await ClientBootstrap(group: loop).connect(unixDomainSocketPath: path).get() else {
            return false
        }
        try? await channel.close()
        return true
    }
}
