import Control
import Logging
import Wire

/// A command line's line to the running core.
struct CoreLine {
    private let client: ControlClient
    private let running: Task<Void, Never>

    /// Asks the box that `box` means, and hangs up.
    /// - Throws: `status.not-running` when none answers, or what the core said.
    static func with<Result>(_ box: BoxOptions, _ body: (CoreLine) async throws -> Result) async throws -> Result {
        let client = ControlClient(
            path: box.controlSocket, logger: Logger(label: "command") { _ in SwiftLogNoOpLogHandler() })
        let line = CoreLine(client: client, running: Task { await client.run() })
        defer { line.running.cancel() }
        do {
            try await client.connected(within: .seconds(2))
        } catch {
            throw Problem(
                code: "status.not-running", sentence: "No box answers at \(box.controlSocket).",
                remedy: box.state.map { "Start it with: sipcall run --state \($0)" }
                    ?? "Start it with: systemctl start sipcall.target (asking it needs root or the group sipcall).")
        }
        return try await body(line)
    }

    /// - Throws: what the core said.
    func ask(_ command: ControlCommand) async throws -> ControlReply {
        try await client.send(command)
    }

    /// - Throws: `status.other-version` for a reply of another kind.
    func askForStatus(_ command: ControlCommand = .status) async throws -> BoxStatus {
        guard case .status(let status) = try await ask(command) else { throw Self.otherVersion }
        return status
    }

    static let otherVersion = Problem(
        code: "status.other-version", sentence: "The running box is of another version.", remedy: "Restart it.")
}
