import ArgumentParser
import Backup
import Glibc
import WebAPI
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
        let path = try await make(folder, recipient)
        StandardStream.output.write(line: path)
        for name in folder.prune() { StandardStream.error.write(line: "Kept long enough, removed: \(name)") }
        let failed = folder.runHooks(in: box.hookDirectory, for: path)
        for problem in failed { StandardStream.error.write(line: "sipcall: \(problem)") }
        if !failed.isEmpty { throw ExitCode(ExitStatus.failure.rawValue) }
    }

    private func make(_ folder: BackupFolder, _ recipient: String) async throws -> String {
        say("Copying: the web process hands over what it keeps")
        // Copying a large ledger takes its time.
        let client = OperatorClient(
            path: box.operatorSocket, notRunning: OperatorClient.notRunning(box), patience: .seconds(1800))
        let handover = try await client.json(
            OperatorClient.Request("/api/v1/backup", method: "POST"), as: BackupHandover.self)
        let made: Result<String, Problem>
        let staging = "\(folder.directory)/.staging"
        do throws(Problem) {
            try stage(staging)
            let manifest = BackupManifest(
                version: productVersion, created: .now(), host: Self.hostName, ledger: handover.ledger,
                spoolEmptied: handover.spoolEmptied)
            if !handover.spoolEmptied {
                say("The core could not hand over its newest records; they are in the next backup.")
            }
            made = .success(
                try folder.make(
                    staging: staging, handover: "\(box.stateDirectory)/web/handover", manifest: manifest,
                    masterKey: Redacted(Array(handover.masterKey.revealed.utf8)), recipient: recipient, say: say))
        } catch {
            made = .failure(error)
        }
        FileTree.remove(staging)
        // The copy is of no use any more; the next one would remove it as well.
        _ = try? await client.send(OperatorClient.Request("/api/v1/backup", method: "DELETE"))
        return try made.get()
    }

    /// Settings, credentials and what the core keeps: small files, each replaced whole by whoever writes it.
    private func stage(_ staging: String) throws(Problem) {
        try FileTree.makeEmpty(staging)
        try FileTree.copy("\(box.stateDirectory)/core", to: "\(staging)/core", deep: false) {
            // Emptied into the ledger; a database in use is its owner's alone.
            !$0.hasPrefix("spool.sqlite") && $0 != "storage-probe" && !$0.hasSuffix(".new")
        }
        if box.state == nil {
            try FileTree.copy("/etc/sipcall", to: "\(staging)/settings", deep: true)
        } else {
            try FileTree.makeDirectory("\(staging)/settings")
            for (name, path) in box.places.settings where FileTree.exists(path) {
                try FileTree.copyFile(path, to: "\(staging)/settings/\(name)")
            }
        }
        try FileTree.makeDirectory("\(staging)/credentials")
        guard let credentials = box.credentialDirectory, FileTree.exists(credentials) else { return }
        try FileTree.copy(credentials, to: "\(staging)/credentials", deep: false) {
            $0.hasPrefix("sipcall.") && $0 != "sipcall.master-key" && !$0.contains(".before-")
        }
    }

    private func say(_ line: String) { StandardStream.error.write(line: line) }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
