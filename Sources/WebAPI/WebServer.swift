package import Control
import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle
package import Wire

/// The web process's one service: HTTP, phone sockets and the connection to the core.
package struct WebServer: Service {
    private let listen: NetworkAddress
    private let control: ControlClient
    private let logger: Logger
    private let limits: WebLimits
    private let hub: PhoneHub
    let sessions = SessionStore()
    private let gate: SignInGate
    private let files: StaticFiles
    private let whenListening: @Sendable (NetworkAddress) async -> Void

    /// - Parameters:
    ///   - control: the server runs it; nobody else may.
    ///   - wwwRoot: the page's folder, read now.
    ///   - stateDirectory: holds `web/admin.json` (see `AdminPassword.create`).
    ///   - whenListening: called with the true address once requests are answered.
    /// - Throws: `web.page-missing`, `web.password-file`.
    package init(
        listen: NetworkAddress, control: ControlClient, wwwRoot: String, stateDirectory: String, logger: Logger,
        limits: WebLimits = WebLimits(), whenListening: @escaping @Sendable (NetworkAddress) async -> Void = { _ in }
    ) throws(Problem) {
        self.listen = listen
        self.control = control
        self.logger = logger
        self.limits = limits
        self.whenListening = whenListening
        hub = PhoneHub(control: control, logger: logger)
        gate = SignInGate(password: try AdminPassword(in: stateDirectory))
        files = try StaticFiles(root: wwwRoot)
    }

    /// Serves until graceful shutdown or cancellation.
    /// - Throws: `Problem` with the code `web.port-in-use` or `web.cannot-listen`.
    package func run() async throws {
        let responder = WebResponder(
            control: control, hub: hub, sessions: sessions, gate: gate, files: files, logger: logger)
        let admission = PhoneAdmission(sessions: sessions, hub: hub, limits: limits)
        let limits = limits
        let listen = listen
        let whenListening = whenListening
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let application = Application(
            responder: responder,
            server: HTTPServerBuilder { PhoneChannel(responder: $0, admission: admission, limits: limits) },
            configuration: ApplicationConfiguration(
                address: .hostname("\(listen.host)", port: Int(listen.port)),
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port.flatMap(UInt16.init(exactly:)) ?? listen.port
                await whenListening(NetworkAddress(host: listen.host, port: port))
            },
            logger: quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await control.run() }
            group.addTask { await hub.run() }
            defer { group.cancelAll() }
            do {
                try await application.run()
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                throw WebProblem.portInUse(listen)
            } catch let error as IOError {
                throw WebProblem.cannotListen(listen, why: "\(SystemFailure(error.errnoCode))")
            }
        }
    }
}
