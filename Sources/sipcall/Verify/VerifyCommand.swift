import ArgumentParser
import Console
import Glibc
import Ledger
import WebAPI
import Wire

/// `sipcall verify`: whether everything that the box keeps is as it was written. Reads, and changes nothing.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read everything that the box keeps, and say whether it is whole.")

    enum Part: String, ExpressibleByArgument, CaseIterable {
        case ledger, keys, audit, backups
    }

    @OptionGroup var box: BoxOptions

    @Argument(help: "What to look at: ledger, keys, audit, backups. Default: all of it.")
    var parts: [Part] = []

    @Option(help: "A head of the audit log that was written down: NUMBER:HASH. May be given more than once.")
    var head: [AuditHead] = []

    @Flag(help: "Print one JSON object a part, one a line, instead of text.")
    var json = false

    @Flag(help: .hidden)
    var each = false

    func validate() throws {
        guard head.count <= 16 else { throw ValidationError("--head: at most 16 of them.") }
    }

    func run() async throws {
        do {
            if each { return try await verifyEach() }
            // Backups may lie on a machine without a box.
            if parts != [.backups], access("\(box.stateDirectory)/web", F_OK) != 0, errno == ENOENT {
                throw OwnerOfState.missing(box.stateDirectory)
            }
            var isWhole = true
            for part in parts.isEmpty ? Part.allCases : parts {
                // One after the other, so that each is shown when it is done.
                let verdict = await verdict(on: part)
                isWhole = isWhole && verdict.isWhole
                if json {
                    try LineOutput.write(json: verdict)
                } else {
                    for line in VerdictLines.of(verdict, style) { try LineOutput.write(line) }
                }
            }
            guard isWhole else { throw ExitCode(ExitStatus.failure.rawValue) }
        } catch is ReaderGone {
            return
        }
    }

    private var style: Style { Style(isColoured: isatty(1) == 1 && getenv("NO_COLOR") == nil) }

    /// For tests that alter a ledger thousands of times: a state directory a line on standard input, for each of them a line with
    /// one array of verdicts.
    private func verifyEach() async throws {
        while let line = readLine() {
            var command = self
            command.box.state = line
            var verdicts: [LedgerVerdict] = []
            for part in parts.isEmpty ? Part.allCases : parts { verdicts.append(await command.verdict(on: part)) }
            try LineOutput.write(json: verdicts)
        }
    }

    private func verdict(on part: Part) async -> LedgerVerdict {
        do throws(Problem) {
            return switch part {
            case .backups: try BackupsVerdict.of(box.backupDirectory)
            case .ledger: try await verdict(on: LedgerVerdict.Part.ledger)
            case .keys: try await verdict(on: LedgerVerdict.Part.keys)
            case .audit:
                try await verdict(
                    on: LedgerVerdict.Part.audit, heads: head + (box.state == nil ? JournalHeads.newest() : []))
            }
        } catch {
            return LedgerVerdict(part: part.rawValue, faults: [.init(name: part.rawValue, problem: error)])
        }
    }

    /// By the web process, which has the ledger open and the key; where none runs, by this one.
    private func verdict(
        on part: LedgerVerdict.Part, heads: [AuditHead] = []
    ) async throws(Problem) -> LedgerVerdict {
        let notRunning = OperatorClient.notRunning(box)
        let client = OperatorClient(path: box.operatorSocket, notRunning: notRunning, patience: .seconds(7200))
        let query = [(name: "part", value: part.rawValue)] + heads.map { (name: "head", value: "\($0)") }
        do throws(Problem) {
            let verdicts = try await client.json(.init("/api/v1/verify", query: query), as: [LedgerVerdict].self)
            guard let verdict = verdicts.first(where: { $0.part == part.rawValue }) else { throw notRunning }
            return verdict
        } catch {
            guard error.code == notRunning.code else { throw error }
        }
        return try AbandonedLedger.verdict(box, on: part, heads: heads)
    }
}

extension AuditHead: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}
