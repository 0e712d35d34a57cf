import Accounts
import Call
import Control
import Foundation
import Glibc
import Logging
import Settings
import Wire

@testable import WebAPI

/// What stands behind the control socket in these tests.
actor FakeCore {
    private(set) var commands: [ControlCommand] = []
    private(set) var connections: [ConnectionIdentifier] = []
    let call: CallIdentifier
    /// Published before the reply to `start`, as a quick core does.
    private var early: (@Sendable (ControlEvent) -> Void)?
    private var isSilent = false
    /// What the core answers to a page that comes back, by its identity.
    private var lost: [ConnectionIdentifier: (user: String, attached: AttachedPhone)] = [:]

    init() {
        var generator = SystemRandomNumberGenerator()
        call = CallIdentifier(using: &generator)
    }

    func publishEarly(_ publish: @escaping @Sendable (ControlEvent) -> Void) { early = publish }

    func remember(_ connection: ConnectionIdentifier, of user: String, _ attached: AttachedPhone) {
        lost[connection] = (user, attached)
    }

    /// A call comes in before the page's `attach` is answered.
    var ringsWhileAttaching = false

    func ringWhileAttaching() { ringsWhileAttaching = true }

    func fallSilent() { isSilent = true }

    /// Commands to hold a call wait until they may go on.
    private var slow: [CheckedContinuation<Void, Never>]?

    func slowDown() { slow = [] }

    func goOn() {
        let waiting = slow ?? []
        slow = nil
        for one in waiting { one.resume() }
    }

    /// What was chosen in the page, as the core has it, and how it refuses a choice.
    private(set) var held = SettingsInForce(revision: 0, toml: ChosenSettings().toml)
    private var refusal: (problem: Problem, key: String)?

    func hold(_ settings: SettingsInForce) { held = settings }

    func refuse(_ problem: Problem?, key: String = "") { refusal = problem.map { ($0, key) } }

    private func choose(_ choice: SettingsChoice) -> ControlReply {
        if let refusal { return .choiceRefused(refusal.problem, key: refusal.key) }
        held = SettingsInForce(
            revision: choice.revision, toml: choice.toml,
            withPassword: Set(held.withPassword).union(choice.passwords.keys).sorted())
        return .chosen(held)
    }

    var choices: [SettingsChoice] {
        commands.compactMap { if case .choose(let choice) = $0 { choice } else { nil } }
    }

    func handle(_ command: ControlCommand) async -> ControlReply {
        commands.append(command)
        if isSilent { try? await Task.sleep(for: .seconds(30)) }
        if case .hold = command, slow != nil { await withCheckedContinuation { slow?.append($0) } }
        switch command {
        case .attach(let connection, let user):
            connections.append(connection)
            if ringsWhileAttaching {
                early?(.incoming(connection: connection, call: call, from: Redacted("1"), name: nil))
                early?(.state(connection: connection, call: call, state: .ringing))
            }
            guard let known = lost[connection] else { return .attached(AttachedPhone()) }
            guard known.user == user else {
                return .failed(Problem(code: "phone.other-user", sentence: "Another one's."))
            }
            return .attached(known.attached)
        case .start(let connection, let to, _, _):
            early?(.state(connection: connection, call: call, state: .dialling))
            if to.revealed == "0900" { return .failed(DiallingRefusal.premium.problem) }
            if to.revealed == "0" { return .failed(EndReason.wrongNumber.problem) }
            return .media(call: call, answer: Redacted("v=0\r\nanswer"))
        case .chosen: return .chosen(held)
        case .choose(let choice): return choose(choice)
        case .offer(_, let call, _): return .media(call: call, answer: Redacted("v=0\r\nanswer"))
        case .status:
            let call = CallStatus(
                call: call, direction: .outbound, state: .active, far: "…10", seconds: 2, talkSeconds: 1)
            return .status(BoxStatus(version: "test", list: [call]))
        default: return .done
        }
    }

    var detached: [PhoneDeparture] {
        commands.compactMap { if case .detach(_, let departure) = $0 { departure } else { nil } }
    }
}

/// A web server on 127.0.0.1 with a core behind it.
struct Box {
    static let password = "correct-horse"
    static let cost = PasswordHash.Cost(cost: 1 << 10, parallelism: 1)

    let port: Int
    let core: FakeCore
    let controlPath: String
    let control: ControlServer
    let server: WebServer
    let stateDirectory: String
    let settings: SettingsDesk

    var accounts: AccountStore { server.accounts }

    /// An access token of a session that has just begun.
    func token(of name: String = FirstOwner.name) async throws -> String { try await server.token(of: name) }

    /// An access token of somebody who may read everything and do nothing.
    func auditor() async throws -> String {
        guard let name = AccountName("audra") else { throw RawClient.Closed() }
        let hash = try PasswordHash(Redacted(Self.password), cost: Self.cost)
        _ = try await accounts.add(name, displayName: "Audra", role: .auditor, password: hash, now: .now)
        return try await token(of: "audra")
    }

    /// A phone socket after its first message.
    func phone() async throws -> RawClient {
        let client = try await RawClient(port: port)
        guard try await client.upgrade(token: token()).status == 101 else { throw RawClient.Closed() }
        _ = try await client.text(with: "phone.ready")
        _ = await eventually { await !core.connections.isEmpty }
        return client
    }

    /// - Parameter waits: the core is that of a box that nobody has claimed.
    static func startControl(_ path: String, _ core: FakeCore, waits: Bool = false) async throws -> ControlServer {
        try await ControlServer.start(
            path: path + ".all", webPath: path, logger: Logger(label: "core"), handler: { await core.handle($0) },
            snapshot: {
                var snapshot = ControlSnapshot(trunk: TrunkStatus(name: "Carrier", state: .registered))
                if waits { snapshot.waitsToBeClaimed = true }
                return snapshot
            })
    }
}

/// Runs a box as long as the body needs it.
func withBox(
    limits: WebLimits = WebLimits(), handed: HandedSockets = HandedSockets(), isClaimed: Bool = true,
    configuration: String = "", chosen: String? = nil, held: SettingsInForce? = nil, _ body: (Box) async throws -> Void
) async throws {
    let directory = try stateDirectory()
    let www = directory + "/www"
    try FileManager.default.createDirectory(atPath: www + "/app", withIntermediateDirectories: true)
    try Data("<!doctype html><title>SIPCall</title>".utf8).write(to: URL(filePath: www + "/index.html"))
    try Data("export default 1;\n".utf8).write(to: URL(filePath: www + "/app/main.js"))
    try Data("hidden".utf8).write(to: URL(filePath: www + "/.secret"))
    try Data("outside".utf8).write(to: URL(filePath: directory + "/outside.txt"))
    try FileManager.default.createSymbolicLink(
        atPath: www + "/link.txt", withDestinationPath: directory + "/outside.txt")

    let path = directory + "/control.sock"
    let core = FakeCore()
    if let held { await core.hold(held) }
    let control = try await Box.startControl(path, core, waits: !isClaimed)
    if let chosen { try Data(chosen.utf8).write(to: URL(filePath: directory + "/web/settings.toml")) }
    let settings = settingsDesk(in: directory, configuration)
    await settings.open()
    let client = ControlClient(path: path, logger: Logger(label: "web"))
    let (ports, announce) = AsyncStream.makeStream(of: Int.self)
    guard let listen = NetworkAddress("127.0.0.1", port: 0) else { throw POSIXError(.EINVAL) }
    let accounts =
        isClaimed ? try await owned(in: directory) : try AccountStore(directory + "/web/accounts.sqlite")
    let server = try WebServer(
        listen: listen, handed: handed, control: client, accounts: accounts,
        settings: settings, operatorPath: directory + "/web.sock", wwwRoot: www,
        stateDirectory: directory,
        logger: Logger(label: "web"),
        limits: limits, whenListening: { announce.yield(Int($0.first?.address.port ?? 0)) })
    let running = Task { try await server.run() }
    defer { running.cancel() }
    var iterator = ports.makeAsyncIterator()
    guard let port = await iterator.next() else { throw RawClient.Closed() }
    try await client.connected(within: .seconds(30))
    // Until the hub has heard so too, it refuses what a page asks for.
    _ = await eventually { await server.hub.isConnected }
    try await body(
        Box(
            port: port, core: core, controlPath: path, control: control, server: server, stateDirectory: directory,
            settings: settings))
    await control.stop()
}

/// What is chosen in the page of a box with this configuration file.
private func settingsDesk(in directory: String, _ text: String) -> SettingsDesk {
    let preset = "[provider]\nname = \"Example\"\nauthentication = [\"address\"]\n[sources]\nauthentication = \"here\""
    let presets = PresetShelf(names: ["example"]) { $0 == "example" ? ("example.toml", preset) : nil }
    return SettingsDesk(
        path: directory + "/web/settings.toml", schema: SettingsSchema(), logger: Logger(label: "web"),
        readFile: {
            let settings = try BoxSettings(toml: text, file: "sipcall.toml", presets: presets) { _ in "-" }
            return SettingsDesk.File(name: "sipcall.toml", text: text, settings: settings, presets: presets)
        }, whenChanged: { _ in })
}

extension WebServer {
    func token(of name: String = FirstOwner.name) async throws -> String {
        guard let name = AccountName(name) else { throw RawClient.Closed() }
        let (session, _) = try await accounts.beginSession(of: name, device: "", source: "", now: .now)
        guard let token = await tokens.make(for: session, now: .now) else { throw RawClient.Closed() }
        return token.revealed
    }
}

func stateDirectory() throws -> String {
    let directory = try temporaryDirectory()
    try FileManager.default.createDirectory(atPath: directory + "/web", withIntermediateDirectories: true)
    return directory
}

/// Accounts with the first owner and a known password; its hash is a cheap one.
func owned(in directory: String) async throws -> AccountStore {
    let store = try AccountStore(directory + "/web/accounts.sqlite")
    _ = try await FirstOwner.make(
        in: store, stateDirectory: directory, given: Redacted(Box.password), cost: Box.cost)
    return store
}

func temporaryDirectory() throws -> String {
    var template = Array("/tmp/sipcall-web-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw POSIXError(.EIO) }
    return String(cString: made)
}

/// Waits for a condition instead of sleeping; false after 30 s.
func eventually(_ condition: @Sendable () async -> Bool) async -> Bool {
    for _ in 0..<3000 {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return false
}
