import Backup
import Glibc
import Ledger
import Sealing
import WebAPI
import Wire

/// Makes one backup: takes over what the web process hands over, adds settings, credentials and the core's files, packs, proves.
struct BackupMaker {
    let box: BoxOptions

    struct Made {
        var path: String
        /// What is wrong all the same.
        var problems: [Problem]
    }

    /// Of a box that runs.
    func makeOfRunning(in folder: BackupFolder, for recipient: String) async throws -> Made {
        let handover = HandoverFolder(state: box.stateDirectory)
        try begin(folder)
        let cleaning = CutShort { [self] in
            clean(folder)
            handover.remove()
        }
        defer {
            withExtendedLifetime(cleaning) {}
            clean(folder)
        }
        say("Copying: the web process hands over what it keeps")
        // Copying a large ledger takes its time.
        let client = OperatorClient(
            path: box.operatorSocket, notRunning: OperatorClient.notRunning(box), patience: .seconds(1800))
        let copy = try await client.json(
            OperatorClient.Request("/api/v1/backup", method: "POST"), as: BackupHandover.self)
        // Out of the web process's reach: what is packed is what was handed over.
        let isMoved = FileTree.moved(handover.path, to: "\(box.backupWork)/handover")
        let made = Result { () throws(Problem) in
            try pack(folder, recipient, copy, handover: isMoved ? "\(box.backupWork)/handover" : handover.path)
        }
        if !isMoved { _ = try? await client.send(OperatorClient.Request("/api/v1/backup", method: "DELETE")) }
        return try made.get()
    }

    /// Of a box that does not run and belongs to one user, whose lock on the ledger the caller holds.
    func makeOfStopped(in folder: BackupFolder, for recipient: String) async throws -> Made {
        let web = "\(box.stateDirectory)/web"
        let handover = HandoverFolder(state: box.stateDirectory)
        try begin(folder)
        let cleaning = CutShort { [self] in
            clean(folder)
            handover.remove()
        }
        defer {
            withExtendedLifetime(cleaning) {}
            clean(folder)
            handover.remove()
        }
        let keyring = try MasterKeyFile.keyring(
            credential: nil, path: "\(web)/master.key", ledger: "\(web)/ledger")
        let store = try await LedgerStore.open(LedgerSettings(directory: "\(web)/ledger"), keyring: keyring)
        let target = try handover.makeEmpty(size: try await store.snapshotSize())
        let snapshot = try await store.snapshot(into: "\(target)/ledger")
        let passedOver = try handover.copyFiles()
        let copy = BackupHandover(
            masterKey: Redacted(String(decoding: keyring.file.revealed, as: UTF8.self)), ledger: snapshot,
            spoolEmptied: false, passedOver: passedOver)
        return try pack(folder, recipient, copy, handover: handover.path)
    }

    /// What one that was cut short has left goes first.
    private func begin(_ folder: BackupFolder) throws(Problem) {
        folder.removeUnfinished()
        try FileTree.makeEmpty(box.backupWork)
    }

    private func clean(_ folder: BackupFolder) {
        FileTree.remove(box.backupWork)
        folder.removeUnfinished()
    }

    private func pack(
        _ folder: BackupFolder, _ recipient: String, _ copy: BackupHandover, handover: String
    ) throws(Problem) -> Made {
        let staging = "\(box.backupWork)/staging"
        for path in try stage(staging) + copy.passedOver {
            say("Not in the backup, being no plain file: \(path)")
        }
        if !copy.spoolEmptied { say("The core could not hand over its newest records; they are in the next backup.") }
        let manifest = BackupManifest(
            version: productVersion, created: .now(), host: Self.hostName, ledger: copy.ledger,
            spoolEmptied: copy.spoolEmptied)
        let made = try folder.make(
            staging: staging, handover: handover, work: box.backupWork, manifest: manifest,
            masterKey: Redacted(Array(copy.masterKey.revealed.utf8)), recipient: recipient, say: say)
        if let moved = made.movedErasures {
            say("An erasure list of another box lay beside the backups; it is now \(moved).")
        }
        let leftOut = copy.ledger.leftOut.sorted { $0.key < $1.key }
        for (name, why) in leftOut { say("Left out: \(name): \(why)") }
        return Made(path: made.path, problems: leftOut.isEmpty ? [] : [BackupProblem.leftOut(leftOut.map(\.key))])
    }

    /// Settings, credentials and what the core keeps: small files, each replaced whole by whoever writes it.
    ///
    /// - Returns: what was passed over.
    private func stage(_ staging: String) throws(Problem) -> [String] {
        try FileTree.makeEmpty(staging)
        var passedOver = try FileTree.copy("\(box.stateDirectory)/core", to: "\(staging)/core", deep: false) {
            // Emptied into the ledger; a database in use is its owner's alone.
            !$0.hasPrefix("spool.sqlite") && $0 != "storage-probe" && !$0.hasPrefix("schema.")
                && !$0.hasPrefix("served") && !$0.contains("-schema-") && !$0.hasSuffix(".new")
        }
        // Carried over and not settled yet: the data is in the new form, and says so in the backup.
        let (pending, next) = ("\(box.stateDirectory)/core/schema.pending", "\(box.stateDirectory)/core/schema.next")
        if FileTree.exists(pending), FileTree.exists(next) {
            FileTree.remove("\(staging)/core/schema")
            try FileTree.copyFile(next, to: "\(staging)/core/schema")
        }
        if box.state == nil {
            passedOver += try FileTree.copy("/etc/sipcall", to: "\(staging)/settings", deep: true)
        } else {
            try FileTree.makeDirectory("\(staging)/settings")
            for (name, path) in box.places.settings where FileTree.exists(path) {
                try FileTree.copyFile(path, to: "\(staging)/settings/\(name)")
            }
        }
        try FileTree.makeDirectory("\(staging)/credentials")
        guard let credentials = box.credentialDirectory, FileTree.exists(credentials) else { return passedOver }
        return try passedOver
            + FileTree.copy(credentials, to: "\(staging)/credentials", deep: false) {
                $0.hasPrefix("sipcall.") && $0 != "sipcall.master-key" && !$0.contains(".before-")
                    && !$0.hasSuffix(".restored")
            }
    }

    private func say(_ line: String) { StandardStream.error.write(line: line) }

    private static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
