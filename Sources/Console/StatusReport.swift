package import Control
import Wire

/// What `sipcall status --json` prints: the core's own figures at the top, with the verdict and the processes.
///
/// A key, once there, stays and keeps its meaning.
package struct StatusReport: Encodable, Sendable {
    private let status: BoxStatus
    private let verdict: StatusScreen.Verdict
    private let problems: [Problem]
    private let processes: [ProcessReport]
    private let backup: BackupReport?

    package init(status: BoxStatus, screen: StatusScreen) {
        self.status = status
        verdict = screen.verdict
        problems = screen.troubles.map(\.problem)
        processes = screen.processes
        backup = screen.backup
    }

    private enum Key: String, CodingKey {
        case verdict, problems, processes, backup
    }

    package func encode(to encoder: any Encoder) throws {
        try status.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(problems, forKey: .problems)
        try container.encode(processes, forKey: .processes)
        try container.encodeIfPresent(backup, forKey: .backup)
    }
}
