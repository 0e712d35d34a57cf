import ArgumentParser
import Backup
import Wire

/// `sipcall backup`: the whole box in one encrypted file that was proven to open.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Make a backup of the box, encrypted to the recovery key, and prove it.")

    @OptionGroup var box: BoxOptions

    @Option(help: "The directory for the backup. Default: /var/backups/sipcall, or backups in the state directory.")
    var output: String?

    func run() async throws {
        try box.requireRoot(to: "back up")
        let recipient = try box.recoveryRecipient()
        let directory = output ?? box.backupDirectory
        try FileTree.makeDirectory(directory)
        let lock = try BackupLock(box.backupLock)
        defer { withExtendedLifetime(lock) {} }
        let folder = BackupFolder(directory)
        var problems: [Problem]
        do {
            let made = try await BackupMaker(box: box).makeOfRunning(in: folder, for: recipient)
            StandardStream.output.write(line: made.path)
            problems = made.problems
            for name in folder.prune() { StandardStream.error.write(line: "Kept long enough, removed: \(name)") }
            problems += folder.runHooks(in: box.hookDirectory, for: made.path)
        } catch {
            BackupVerdict.note(error as? Problem ?? BackupProblem.unknown, isProven: false, in: box.stateDirectory)
            throw error
        }
        BackupVerdict.note(problems.first, isProven: true, in: box.stateDirectory)
        for problem in problems { StandardStream.error.write(line: "sipcall: \(problem)") }
        if !problems.isEmpty { throw ExitCode(ExitStatus.failure.rawValue) }
    }
}
