import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Wire

/// The Unix socket on which the commands of this machine ask the web process: the same addresses as for the page, in HTTP/1.1.
///
/// On an installed box systemd binds it (`sipcall-web-operator.socket`), with the mode and group that say who may connect;
/// otherwise the process makes it itself, for its own user and root.
struct OperatorListener {
    let channel: any Channel
    private let path: String?

    /// An export of a large ledger takes its time, and a reader may be slow.
    static var limits: WebLimits {
        var limits = WebLimits()
        limits.answer = .seconds(3600)
        limits.connections = 32
        return limits
    }

    /// - Throws: `web.operator-socket`.
    static func take(
        _ socket: ListeningSocket, page: PhoneChannel, roll: ConnectionRoll, logger: Logger
    ) async throws(Problem) -> OperatorListener {
        do {
            let channel = try await bootstrap(page, roll, logger).withBoundSocket(socket.descriptor).get()
            return OperatorListener(channel: channel, path: nil)
        } catch {
            throw WebProblem.operatorSocket("that systemd handed over", why: "\(error)")
        }
    }

    /// - Parameter path: a socket file that is left there is replaced.
    /// - Throws: `web.operator-socket`.
    static func open(
        _ path: String, page: PhoneChannel, roll: ConnectionRoll, logger: Logger
    ) async throws(Problem) -> OperatorListener {
        guard path.utf8.count <= 100 else {
            throw WebProblem.operatorSocket(path, why: "the path is longer than 100 bytes")
        }
        // The mode has to be right before anybody can connect, so the socket gets its name last.
        let unnamed = path + ".new"
        do {
            let channel = try await bootstrap(page, roll, logger)
                .bind(unixDomainSocketPath: unnamed, cleanupExistingSocketFile: true).get()
            guard chmod(unnamed, 0o600) == 0, rename(unnamed, path) == 0 else {
                let reason = "\(SystemFailure(errno))"
                try? await channel.close()
                throw WebProblem.operatorSocket(path, why: reason)
            }
            return OperatorListener(channel: channel, path: path)
        } catch let problem as Problem {
            throw problem
        } catch let error as IOError {
            throw WebProblem.operatorSocket(path, why: "\(SystemFailure(error.errnoCode))")
        } catch {
            throw WebProblem.operatorSocket(path, why: "\(error)")
        }
    }

    func close() async {
        if let path { unlink(path) }
        try? await channel.close()
    }

    private struct OneTooMany: Error {}

    private static func bootstrap(_ page: PhoneChannel, _ roll: ConnectionRoll, _ logger: Logger) -> ServerBootstrap {
        ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger: logger))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                guard roll.admit(channel, mayProxy: true) else {
                    return channel.eventLoop.makeFailedFuture(OneTooMany())
                }
                return page.serve(channel, logger: logger)
            }
    }
}
