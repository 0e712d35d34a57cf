import ArgumentParser
import Backup
import Glibc
import Sealing
import Wire

/// `sipcall recovery-key`: makes the key that opens the backups, and shows it once.
struct RecoveryKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery-key", abstract: "Make the key that opens the backups, and show it once.")

    @OptionGroup var box: BoxOptions

    @Flag(help: "Replace the one there is: it still opens the backups made so far, the new one those made from now on.")
    var again = false

    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        try box.requireRoot(to: "make a recovery key for")
        let path = box.recoveryRecipientFile
        if FileTree.exists(path) {
            guard again else {
                throw Problem(
                    code: "recovery-key.exists", sentence: "There is a recovery key already; it cannot be shown again.",
                    remedy: "If it got lost, make a new one with: sipcall recovery-key --again")
            }
            if !yes {
                try Confirmation.ask("Backups from now on open with the new key only. Type yes to go on:")
            }
        }
        let key = RecoveryKey()
        // Shown before it is in force: a key that nobody has seen must not be the one that backups are made for.
        for line in Self.lines(key) { StandardStream.output.write(line: line) }
        try FileTree.write(Array((key.ageRecipient + "\n").utf8), to: path, mode: 0o644)
    }

    private static func lines(_ key: RecoveryKey) -> [String] {
        let words = key.words.revealed
        let rows = stride(from: 0, to: words.count, by: 6).map { start in
            "  " + words[start..<min(start + 6, words.count)].joined(separator: " ")
        }
        return [
            "The recovery key. Whoever has it can open the backups; without it nobody can. It is shown this once.",
            "Write the words down on paper:", "",
        ] + rows + [
            "", "The same key for age -d -i FILE:", "", "  \(key.ageIdentity.revealed)", "",
        ]
    }
}

/// A question that has to be answered with yes on a terminal.
enum Confirmation {
    static func ask(_ question: String) throws(Problem) {
        guard isatty(0) == 1 else {
            throw Problem(
                code: "restore.not-confirmed", sentence: "Nothing was changed: nobody confirmed it.",
                remedy: "Confirm it on a terminal, or add --yes.")
        }
        StandardStream.error.write(line: question)
        guard readLine(strippingNewline: true)?.lowercased() == "yes" else {
            throw Problem(
                code: "restore.not-confirmed", sentence: "Nothing was changed: nobody confirmed it.",
                remedy: "Type yes to go on.")
        }
    }
}
