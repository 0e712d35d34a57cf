import ArgumentParser
import Backup
import Glibc
import Wire

/// `sipcall backup`: the whole box in one encrypted file that was proven to open.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Make a backup of the box, encrypted to the recovery key, and prove it.")

    /// Somebody who erases on and on keeps it from no end.
    private static let mostRounds = 10

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
        var problems: [Problem] = []
        // What starts a backup after an erasure starts none while one runs, and this one may have been copied before it.
        for round in 1...Self.mostRounds {
            let erasures = ErasuresMark(box)
            problems = try await make(in: folder, for: recipient)
            if erasures == ErasuresMark(box) { break }
            if round < Self.mostRounds {
                StandardStream.error.write(line: "Something was erased meanwhile: once more.")
            }
        }
        BackupVerdict.note(problems.first, isProven: true, in: box.stateDirectory)
        for problem in problems { StandardStream.error.write(line: "sipcall: \(problem)") }
        if !problems.isEmpty { throw ExitCode(ExitStatus.failure.rawValue) }
    }

    /// - Returns: what is wrong all the same.
    private func make(in folder: BackupFolder, for recipient: String) async throws -> [Problem] {
        do {
            let made = try await BackupMaker(box: box).makeOfRunning(in: folder, for: recipient)
            StandardStream.output.write(line: made.path)
            for name in folder.prune() { StandardStream.error.write(line: "Kept long enough, removed: \(name)") }
            return made.problems + folder.runHooks(in: box.hookDirectory, for: made.path)
        } catch {
            BackupVerdict.note(error as? Problem ?? BackupProblem.unknown, isProven: false, in: box.stateDirectory)
            throw error
        }
    }
}

/// What tells one state of the erasure list from another: it is replaced whole with each erasure.
struct ErasuresMark: Equatable {
    private var number: UInt64 = 0
    private var size: Int = 0
    private var seconds: Int = 0
    private var nanoseconds: Int = 0

    init(_ box: BoxOptions) { self.init(path: "\(box.stateDirectory)/web/ledger/erasures") }

    init(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        (number, size) = (UInt64(status.st_ino), Int(status.st_size))
        (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}
