import Call
import Control
import Foundation
import Logging
import Wire

/// What stands behind the server in these tests: it notes the commands and answers them.
actor FakeCore {
    private(set) var commands: [ControlCommand] = []
    private var holding = false
    private var held: [CheckedContinuation<Void, Never>] = []

    func handle(_ command: ControlCommand) async -> ControlReply {
        commands.append(command)
        if holding { await withCheckedContinuation { held.append($0) } }
        switch command {
        case .status: return .status(BoxStatus(version: "test", calls: commands.count))
        case .start(_, let to, _, _) where to.revealed == "nobody": return .failed(EndReason.wrongNumber.problem)
        default: return .done
        }
    }

    func hold() { holding = true }

    func release() {
        holding = false
        for continuation in held { continuation.resume() }
        held = []
    }
}

/// A short path of its own: the kernel takes 107 bytes.
func temporarySocket() throws -> String {
    var template = Array("/tmp/sipcall-control-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw POSIXError(.EIO) }
    return String(cString: made) + "/control.sock"
}

func connection(_ number: Int) throws -> ConnectionIdentifier {
    guard let identifier = ConnectionIdentifier("tab-\(number)") else { throw POSIXError(.EINVAL) }
    return identifier
}

func startServer(
    _ path: String, webPath: String? = nil, core: FakeCore, limits: ControlServer.Limits = .init()
) async throws -> ControlServer {
    try await ControlServer.start(
        path: path, webPath: webPath, logger: Logger(label: "test"), limits: limits,
        handler: { await core.handle($0) },
        snapshot: { ControlSnapshot(trunk: TrunkStatus(name: "Carrier", state: .registered)) })
}

/// Runs a client as long as the body needs it.
func withClient<Result>(
    _ path: String, replyWithin: Duration = .seconds(10), _ body: (ControlClient) async throws -> Result
) async throws -> Result {
    let client = ControlClient(path: path, logger: Logger(label: "test"), replyWithin: replyWithin)
    let running = Task { await client.run() }
    defer { running.cancel() }
    return try await body(client)
}
