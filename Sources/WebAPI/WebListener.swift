import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Wire

/// One listening socket and what is done with the connections that come to it.
///
///     accepted ─▶ ConnectionRoll ─▶ [TLS] ─▶ HTTP codec ─▶ RequestDeadline ─▶ UpgradeGate ─▶ Hummingbird
///                      └─ one too many: closed                    └─▶ HTTPSRedirect (port 80)
struct WebListener {
    /// What a connection is for.
    enum Purpose: Sendable {
        /// The page in the clear: for this machine, or for a proxy that speaks TLS.
        case page(PhoneChannel)
        case securePage(PhoneChannel, ServedCertificate)
        /// The port of https; nil without one. Challenges of an ACME server are answered.
        case redirect(to: UInt16?, ChallengeBoard)
    }

    let channel: any Channel
    let address: NetworkAddress

    /// Listens where the settings say.
    /// - Throws: `web.port-in-use`, `web.cannot-listen`.
    static func open(
        _ listen: NetworkAddress, for purpose: Purpose, roll: ConnectionRoll, logger: Logger
    ) async throws(Problem) -> WebListener {
        do {
            let channel = try await bootstrap(purpose, roll, logger)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: "\(listen.host)", port: Int(listen.port)).get()
            return WebListener(channel: channel, configured: listen)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw WebProblem.portInUse(listen)
        } catch let error as IOError {
            throw WebProblem.cannotListen(listen, why: "\(SystemFailure(error.errnoCode))")
        } catch {
            throw WebProblem.cannotListen(listen, why: "\(error)")
        }
    }

    /// Takes a socket over that listens already.
    /// - Throws: `web.cannot-listen`.
    static func take(
        _ socket: ListeningSocket, for purpose: Purpose, roll: ConnectionRoll, logger: Logger
    ) async throws(Problem) -> WebListener {
        let address = socket.address ?? NetworkAddress(host: .ipv4(0), port: 0)
        do {
            let channel = try await bootstrap(purpose, roll, logger).withBoundSocket(socket.descriptor).get()
            return WebListener(channel: channel, configured: address)
        } catch {
            throw WebProblem.cannotListen(address, why: "\(error)")
        }
    }

    private init(channel: any Channel, configured: NetworkAddress) {
        self.channel = channel
        let port = channel.localAddress?.port.flatMap(UInt16.init(exactly:)) ?? configured.port
        address = NetworkAddress(host: configured.host, port: port)
    }

    private static func bootstrap(_ purpose: Purpose, _ roll: ConnectionRoll, _ logger: Logger) -> ServerBootstrap {
        ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(logger: logger))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in serve(channel, purpose, roll, logger) }
    }

    private struct OneTooMany: Error {}

    private static func serve(
        _ channel: any Channel, _ purpose: Purpose, _ roll: ConnectionRoll, _ logger: Logger
    ) -> EventLoopFuture<Void> {
        let loop = channel.eventLoop
        let mayProxy = if case .page = purpose { true } else { false }
        guard roll.admit(channel, mayProxy: mayProxy) else { return loop.makeFailedFuture(OneTooMany()) }
        switch purpose {
        case .page(let page):
            return page.serve(channel, logger: logger)
        case .securePage(let page, let certificate):
            let secured = loop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificate.context))
            }
            return secured.flatMap { page.serve(channel, logger: logger) }
        case .redirect(let port, let challenges):
            return loop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: false, withErrorHandling: false)
                try pipeline.addHandler(RequestDeadline(limits: roll.limits))
                try pipeline.addHandler(HTTPSRedirect(to: port, challenges: challenges))
            }
        }
    }
}
