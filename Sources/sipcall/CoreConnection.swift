import Control
import Logging
import Wire

/// A command's connection to the core of the running box.
struct CoreConnection {
    let client: ControlClient
    private let running: Task<Void, Never>

    /// Events that nobody reads are thrown away.
    private let draining: Task<Void, Never>?

    /// - Parameter watches: whether the command reads `client.events`.
    init(_ box: BoxOptions, watches: Bool = false) {
        let client = ControlClient(
            path: box.controlSocket, logger: Logger(label: "command") { _ in SwiftLogNoOpLogHandler() },
            watches: watches)
        self.client = client
        running = Task { await client.run() }
        draining = watches ? nil : Task { for await _ in client.events {} }
    }

    func close() {
        running.cancel()
        draining?.cancel()
    }

    /// Waits for the core's first word.
    /// - Throws: `status.not-running`.
    func opened(_ box: BoxOptions, within limit: Duration = .seconds(2)) async throws(Problem) {
        do {
            try await client.connected(within: limit)
        } catch {
            throw Self.notRunning(box)
        }
    }

    /// Asks the box that `box` means, and hangs up.
    /// - Throws: `status.not-running` when none answers, or what the core said.
    static func with<Result>(_ box: BoxOptions, _ body: (CoreConnection) async throws -> Result) async throws -> Result
    {
        let core = CoreConnection(box)
        defer { core.close() }
        try await core.opened(box)
        return try await body(core)
    }

    /// - Parameter command: one that is answered with the status.
    /// - Throws: `status.other-version` for a reply of another kind, or what the core said.
    func status(_ command: ControlCommand = .status) async throws(Problem) -> BoxStatus {
        guard case .status(let status) = try await client.send(command) else { throw Self.otherVersion }
        return status
    }

    static func notRunning(_ box: BoxOptions) -> Problem {
        Problem(
            code: "status.not-running", sentence: "No box answers at \(box.controlSocket).",
            remedy: box.state.map { "Start it with: sipcall run --state \($0)" }
                ?? "Start it with: systemctl start sipcall.target (asking it needs root or the group sipcall).")
    }

    static let otherVersion = Problem(
        code: "status.other-version", sentence: "The running box is of another version.", remedy: "Restart it.")
}
