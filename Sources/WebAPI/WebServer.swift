package import Accounts
package import Control
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
package import Wire

/// The web process's one service: HTTP, phone sockets and the connection to the core.
package struct WebServer: Service {
    private let settingsAddress: NetworkAddress
    private let handed: HandedSockets
    private let stateDirectory: String
    private let control: ControlClient
    private let logger: Logger
    private let limits: WebLimits
    private let operatorPath: String?
    let hub: PhoneHub
    let claim: ClaimDesk
    private let trail: AuditTrail
    private let spellings: @Sendable (String) -> [String]
    private let settingsText: @Sendable () -> String?
    private let recoveryKey: RecoveryKeyWatch
    let ledger: LedgerDesk?
    private let settings: SettingsDesk?
    let accounts: AccountStore
    let tokens: AccessTokens
    private let gate: SignInGate
    private let files: StaticFiles
    private let roll: ConnectionRoll
    private let operatorRoll: ConnectionRoll
    let probe: ListenerProbe
    private let whenListening: @Sendable ([WebPlace]) async -> Void

    /// - Parameters:
    ///   - listen: where the page is served when no socket for https was handed over.
    ///   - control: the server runs it; nobody else may.
    ///   - ledger: the server runs it, too; nil for a box that keeps no records.
    ///   - settings: the server runs it, too; nil for a box whose settings are nobody's choice.
    ///   - operatorPath: the socket for the commands of this machine, when none was handed over; nil for none.
    ///   - spellings: in which records may have a number that somebody writes.
    ///   - settingsText: the configuration file, whose changes the audit log keeps; nil while it cannot be read.
    ///   - recoveryRecipient: the public half of the recovery key, likewise.
    ///   - wwwRoot: the page's folder, read now.
    ///   - stateDirectory: holds `web/setup-token` (see ``SetupNote``).
    ///   - whenListening: called with the true addresses once requests are answered.
    /// - Throws: `web.page-missing`.
    package init(
        listen: NetworkAddress, handed: HandedSockets = HandedSockets(), control: ControlClient,
        accounts: AccountStore, ledger: LedgerDesk? = nil, settings: SettingsDesk? = nil, operatorPath: String? = nil,
        spellings: @escaping @Sendable (String) -> [String] = { [$0] },
        settingsText: @escaping @Sendable () -> String? = { nil },
        recoveryRecipient: @escaping @Sendable () -> String? = { nil }, wwwRoot: String, stateDirectory: String,
        logger: Logger,
        limits: WebLimits = WebLimits(),
        whenListening: @escaping @Sendable ([WebPlace]) async -> Void = { _ in }
    ) throws(Problem) {
        settingsAddress = listen
        self.handed = handed
        self.stateDirectory = stateDirectory
        roll = ConnectionRoll(limits: limits)
        probe = ListenerProbe(roll: roll)
        self.control = control
        self.logger = logger
        self.limits = limits
        self.operatorPath = operatorPath
        self.spellings = spellings
        self.settingsText = settingsText
        recoveryKey = RecoveryKeyWatch(stateDirectory: stateDirectory, recipient: recoveryRecipient)
        trail = AuditTrail(ledger, logger: logger)
        operatorRoll = ConnectionRoll(limits: OperatorListener.limits)
        self.whenListening = whenListening
        self.ledger = ledger
        self.settings = settings
        claim = ClaimDesk(
            store: accounts, control: control, trail: trail, stateDirectory: stateDirectory, logger: logger)
        hub = PhoneHub(control: control, ledger: ledger, settings: settings, claim: claim, logger: logger)
        self.accounts = accounts
        tokens = AccessTokens(accounts)
        gate = SignInGate(accounts)
        files = try StaticFiles(root: wwwRoot)
    }

    /// Serves until graceful shutdown or cancellation.
    /// - Throws: `Problem` with the code `web.port-in-use`, `web.cannot-listen` or `web.certificate-file`.
    package func run() async throws {
        let listeners = try await listen()
        if let place = listeners.places.first { probe.serves(at: place) }
        do {
            try WebPlace.keep(listeners.places, in: stateDirectory)
        } catch {
            logger.warning(
                "sipcall setup-url cannot be told where the page is: \(error).",
                metadata: ["code": "web.place-not-kept"])
        }
        await claim.begin(at: listeners.places)
        await whenListening(listeners.places)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await control.run() }
            group.addTask { await hub.run() }
            if let ledger {
                group.addTask { await ledger.run(control) }
                group.addTask { await trail.run() }
                group.addTask { await followSettings() }
            }
            if let settings { group.addTask { await settings.run(control) } }
            if let certificate = listeners.certificate { group.addTask { await certificate.keepValid() } }
            try? await gracefulShutdown()
            for listener in listeners.all { try? await listener.channel.close() }
            for listener in listeners.operators { await listener.close() }
            async let pages: Void = roll.close(
                within: Self.farewell, on: MultiThreadedEventLoopGroup.singleton.any())
            async let commands: Void = operatorRoll.close(
                within: Self.farewell, on: MultiThreadedEventLoopGroup.singleton.any())
            _ = await (pages, commands)
            group.cancelAll()
        }
    }

    /// How long what goes on may take when the process ends.
    private static let farewell = Duration.seconds(3)

    /// Writes down what was changed in the configuration file while this process runs.
    private func followSettings() async {
        var known = settingsText()
        while !Task.isCancelled {
            await recoveryKey.look(trail)
            try? await Task.sleep(for: .seconds(5))
            guard let text = settingsText(), text != known else { continue }
            let former = known
            known = text
            guard let former else { continue }
            let changes = SettingsChanges.between(former, text)
            if !changes.isEmpty { await trail.note(.settingsChange, by: "the configuration file", changes) }
        }
    }

    private struct Listeners {
        var all: [WebListener] = []
        var operators: [OperatorListener] = []
        var places: [WebPlace] = []
        var certificate: ServedCertificate?
    }

    private func listen() async throws(Problem) -> Listeners {
        let certificate = handed.https.isEmpty ? nil : try ServedCertificate(in: stateDirectory, logger: logger)
        let challenges = ChallengeBoard()
        let responder = WebResponder(
            control: control, hub: hub, ledger: ledger, settings: settings, accounts: accounts, tokens: tokens,
            sessions: SessionDesk(
                store: accounts, tokens: tokens, gate: gate, hub: hub, trail: trail, stateDirectory: stateDirectory,
                logger: logger),
            people: PeopleDesk(
                store: accounts, hub: hub, trail: trail, claim: claim, stateDirectory: stateDirectory),
            ownAccount: OwnAccountDesk(store: accounts, tokens: tokens, gate: gate, hub: hub, trail: trail),
            claim: claim, files: files,
            stateDirectory: stateDirectory, trail: trail, certificate: certificate,
            challenges: challenges, spellings: spellings, logger: logger)
        let admission = PhoneAdmission(accounts: accounts, tokens: tokens, hub: hub, roll: roll, limits: limits)
        // Hummingbird tells of each connection that breaks.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        var listeners = Listeners()
        listeners.certificate = certificate
        if let certificate {
            let page = PhoneChannel(responder: responder.handler(isSecure: true), admission: admission, limits: limits)
            for socket in handed.https {
                let listener = try await WebListener.take(
                    socket, for: .securePage(page, certificate), roll: roll, logger: quiet)
                listeners.all.append(listener)
                listeners.places.append(WebPlace(isSecure: true, address: listener.address))
            }
        } else {
            let page = PhoneChannel(responder: responder.handler(isSecure: false), admission: admission, limits: limits)
            let listener = try await WebListener.open(settingsAddress, for: .page(page), roll: roll, logger: quiet)
            listeners.all = [listener]
            listeners.places = [WebPlace(isSecure: false, address: listener.address)]
        }
        let port = certificate == nil ? nil : listeners.places.first?.address.port
        for socket in handed.http {
            listeners.all.append(
                try await WebListener.take(socket, for: .redirect(to: port, challenges), roll: roll, logger: quiet))
        }
        listeners.operators = await operatorListeners(responder, admission, quiet)
        return listeners
    }

    /// Where they cannot be had, the page is served all the same.
    private func operatorListeners(
        _ responder: WebResponder, _ admission: PhoneAdmission, _ quiet: Logger
    ) async -> [OperatorListener] {
        let limits = OperatorListener.limits
        func page(mayBeAnyone: Bool) -> PhoneChannel {
            PhoneChannel(
                responder: responder.operatorHandler(mayBeAnyone: mayBeAnyone), admission: admission, limits: limits)
        }
        var listeners: [OperatorListener] = []
        do throws(Problem) {
            for socket in handed.operators {
                listeners.append(
                    try await OperatorListener.take(
                        socket, page: page(mayBeAnyone: true), roll: operatorRoll, logger: quiet))
            }
            if handed.operators.isEmpty, let operatorPath {
                listeners.append(
                    try await OperatorListener.open(
                        operatorPath, page: page(mayBeAnyone: false), roll: operatorRoll, logger: quiet))
            }
        } catch {
            logger.error("\(error.sentence)", metadata: ["code": "\(error.code)"])
        }
        return listeners
    }
}
