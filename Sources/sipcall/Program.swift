// sipcall: the one program of the box. Each subcommand is one process of the design, or a tool.
import ArgumentParser
import Glibc
import Logging
import Settings
import Wire

@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sipcall",
        abstract: "A telephone exchange of one's own: calls from the browser through a SIP provider.",
        version: productVersion,
        subcommands: [
            RunCommand.self, StatusCommand.self, EventsCommand.self, TraceCommand.self, CallCommand.self,
            CallsCommand.self, AuditCommand.self, VerifyCommand.self, PrivacyCommand.self, DoctorCommand.self,
            CoreCommand.self,
            WebCommand.self, ReloadCommand.self, DrainCommand.self,
            SetupURLCommand.self, UserCommand.self, CertificateCommand.self, BackupCommand.self, RestoreCommand.self,
            RecoveryKeyCommand.self, MasterKeyCommand.self, MigrateSettingsCommand.self, SettleCommand.self,
        ] + faults)

    #if DEBUG
        private static let faults: [any ParsableCommand.Type] = [FaultCommand.self]
    #else
        private static let faults: [any ParsableCommand.Type] = []
    #endif

    /// Runs the command and turns every error into one sentence and an exit code.
    static func main() async {
        // A peer that closes its end must be an error of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as SettingsError {
            fail("\(error)", .configuration, code: error.problem.code)
        } catch let problem as Problem {
            fail("\(problem)", .failure, code: problem.code)
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if code.isSuccess {
                StandardStream.output.write(line: text)
                Glibc.exit(0)
            }
            fail(text, .usage)
        }
    }

    /// - Parameter code: of the `Problem`, for the journal's message catalog.
    private static func fail(_ text: String, _ status: ExitStatus, code: String? = nil) -> Never {
        let part = CommandLine.arguments.dropFirst().first ?? ""
        if let code, Logger.writesToJournal, ["core", "web", "run"].contains(part) {
            Logger(part: part, verbose: false).critical("\(text)", metadata: ["code": "\(code)"])
        } else {
            StandardStream.error.write(line: text.hasPrefix("Error:") ? text : "sipcall: \(text)")
        }
        Glibc.exit(status.rawValue)
    }
}

/// What the program's exit says to a shell or to systemd (sysexits.h).
enum ExitStatus: CInt {
    case failure = 1
    /// The command line is wrong.
    case usage = 2
    /// The configuration file, or what it asks for, cannot be used.
    case configuration = 78
}

let productVersion = "0.1.0"
