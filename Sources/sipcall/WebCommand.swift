import Accounts
import Appliance
import ArgumentParser
import Call
import Control
import Ledger
import Logging
import Sealing
import Settings
import Supervision
import Switchboard
import Synchronization
import Systemd
import WebAPI
import Wire

/// `sipcall web`: the page, its sessions and the phone socket. It speaks no SIP and no RTP.
struct WebCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "web", abstract: "Run the web process (started by systemd or by sipcall run).")

    @OptionGroup var box: BoxOptions

    func run() async throws {
        FatalSignals.endTheProcess()
        try box.prepareState(for: "web")
        let log = Logger(part: "web", verbose: box.verbose)
        let note = box.noteRunning(part: "web", log: log)
        defer { withExtendedLifetime(note) {} }
        // A copy that a backup which was cut short has left.
        HandoverFolder(state: box.stateDirectory).remove()
        let schema = StateSchema(part: "web", of: box)
        try schema.prepare(log)
        let configuration = try box.loadConfiguration(withSecrets: false)
        let web = configuration.settings.web
        let notifier = Notifier()
        let handed = try HandedSockets(ActivationSockets(InheritedDescriptors.take()))
        let control = ControlClient(path: box.webSocket, logger: log, watches: false)
        let folder = "\(box.stateDirectory)/web"
        let accounts = try AccountStore("\(folder)/accounts.sqlite")
        _ = try await FirstOwner.make(in: accounts, stateDirectory: box.stateDirectory)
        let ledger = LedgerDesk(
            LedgerSettings(configuration.settings.ledger, directory: "\(folder)/ledger"), lock: "\(folder)/ledger.lock",
            logger: log
        ) { () throws(Problem) in
            try MasterKeyFile.keyring(
                credential: try Credentials().read("master-key"), path: "\(folder)/master.key",
                ledger: "\(folder)/ledger")
        } whenRewrapped: { () throws(Problem) in
            try MasterKeyFile.retire("\(folder)/master.key", credential: try Credentials().read("master-key"))
        } storing: { (keyring) throws(Problem) in
            try MasterKeyFile.store(
                keyring, credential: try Credentials().read("master-key"), path: "\(folder)/master.key")
        } clock: {
            RetentionClock.now()
        }
        let stateDirectory = box.stateDirectory
        let rules = Mutex(configuration.settings.dialling)
        let settings = SettingsDesk(
            path: "\(folder)/settings.toml", schema: .ofThisBuild, logger: log,
            readFile: { [box] in try SettingsDesk.File(box.loadConfiguration(withSecrets: false)) },
            whenChanged: { settings in
                rules.withLock { $0 = settings.dialling }
                await ledger.adopt(LedgerSettings(settings.ledger, directory: "\(folder)/ledger"))
            })
        await settings.open()
        do {
            let server = try WebServer(
                listen: web.listen, handed: handed, control: control, accounts: accounts, ledger: ledger,
                settings: settings,
                operatorPath: box.state == nil ? nil : box.operatorSocket,
                spellings: { number in rules.withLock { $0 }.spellings(of: number) },
                settingsText: { [path = configuration.file] in readText(path) },
                recoveryRecipient: { [path = box.recoveryRecipientFile] in readText(path) },
                wwwRoot: web.www,
                stateDirectory: stateDirectory, logger: log,
                whenListening: { place in
                    schema.serves(log)
                    FirstOwner.forgetFormer(in: stateDirectory)
                    notifier.ready(status: Self.status(place))
                })
            let watchdog = server.watchdog(notifier)
            try watchdog.start { news in
                log.report(news)
                note.follow(news)
                let problem = watchdog.degraded.first?.problem
                notifier.status(problem?.sentence ?? Self.status(WebPlace.last(in: box.stateDirectory)))
            }
            defer { watchdog.stop() }
            #if DEBUG
                let fault = WebFault(server, log: log)
                defer { withExtendedLifetime(fault) {} }
            #endif
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                group.addTask { await Shutdown.requested(with: Lifeline.inherited()) }
                try await group.next()
                notifier.stopping()
                group.cancelAll()
            }
        } catch let problem as Problem {
            let keys = [
                "web.port-in-use": "web.listen", "web.cannot-listen": "web.listen", "web.page-missing": "web.www",
            ]
            guard let key = keys[problem.code] else { throw problem }
            throw configuration.error(key, problem)
        }
        log.info("The web process has ended.")
    }

    private static func status(_ places: [WebPlace]) -> String {
        "Serving the page at \(places.map { $0.url() }.joined(separator: ", "))"
    }
}

extension SettingsDesk.File {
    init(_ configuration: Configuration) {
        self.init(
            name: configuration.file, text: configuration.text, settings: configuration.settings,
            presets: configuration.presets)
    }
}

extension LedgerSettings {
    init(_ keeping: LedgerKeeping, directory: String) {
        self.init(directory: directory)
        length =
            switch keeping.period {
            case .month: .month
            case .week: .week
            case .day: .day
            }
        for kind in RecordKind.allCases where kind != .audit { retentionDays[kind] = keeping.days }
        quota = keeping.megabytes << 20
    }
}

extension HandedSockets {
    /// What `sipcall-web.socket`, `sipcall-web-http.socket` and `sipcall-web-operator.socket` hand over; nothing where they could
    /// not be had.
    init(_ sockets: ActivationSockets) throws(Problem) {
        self.init(
            https: try sockets.claim("https").map { ListeningSocket(descriptor: $0.descriptor, address: $0.address) },
            http: try sockets.claim("http").map { ListeningSocket(descriptor: $0.descriptor, address: $0.address) },
            operators: try sockets.claim("operator").map { ListeningSocket(descriptor: $0.descriptor, address: nil) })
    }
}
