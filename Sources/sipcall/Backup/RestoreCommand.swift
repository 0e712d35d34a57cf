import Accounts
import ArgumentParser
import Backup
import Control
import Glibc
import Ledger
import Sealing
import Wire

/// `sipcall restore`: brings a box back from a backup, whole or not at all.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring the box back from a backup, or only check one.")

    @OptionGroup var box: BoxOptions

    @Argument(help: "The backup: sipcall-….tar.zst.age")
    var file: String?

    @Option(help: "A file with the recovery key, as words or as an age identity.")
    var identity: String?

    @Flag(help: "Ask for the recovery key on the terminal, or read it from standard input.")
    var words = false

    @Option(help: "The list of what was erased; without it the one beside the backup is used.")
    var erasures: String?

    @Flag(help: "Restore without that list: what was erased after the backup was made comes back.")
    var force = false

    @Flag(help: "Only unpack and compare; nothing is changed.")
    var check = false

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(name: .customLong("no-backup"), help: "Do not make a backup of what is there first.")
    var withoutBackup = false

    @Flag(help: "Go on with a restore that was broken off.")
    var resume = false

    func validate() throws {
        guard resume == (file == nil) else { throw ValidationError("Name the backup to restore, or give --resume.") }
        guard resume || (identity != nil) != words else { throw ValidationError("Give either --identity or --words.") }
    }

    func run() async throws {
        try box.requireRoot(to: "restore")
        guard FileTree.exists(box.stateDirectory) || mkdir(box.stateDirectory, 0o700) == 0 else {
            throw BackupProblem.notFound(box.stateDirectory)
        }
        let lock = try BackupLock(box.backupLock)
        defer { withExtendedLifetime(lock) {} }
        if resume {
            let wasUnderWay = try DirectorySwap.finish(box.stateDirectory)
            Restoration.discard(in: box.stateDirectory)
            StandardStream.output.write(
                line: wasUnderWay ? "The restore is complete; start the box." : "No restore was under way.")
            return
        }
        try RestoreProblem.refuseUnfinished(box.stateDirectory)
        guard let file else { return }
        let key = try recoveryKey()
        StandardStream.error.write(line: "Unpacking and comparing")
        let restoration = try Restoration(file, key: key, places: box.places)
        defer { restoration.discard() }
        let manifest = restoration.proven.manifest
        StandardStream.output.write(
            line: "A whole backup of \(manifest.host), made \(manifest.created) by SIPCall \(manifest.version), "
                + "\(manifest.ledger.rows.values.reduce(0, +)) rows in \(manifest.ledger.rows.count) databases.")
        for name in manifest.ledger.leftOut.keys.sorted() {
            StandardStream.output.write(line: "Not in it, since it could not be used: \(name)")
        }
        if check { return }
        // Whatever can be refused is refused before anything is stopped.
        let owners = try owners()
        _ = try restoration.erasureLists(given: erasures, found: erasureLists(beside: file), isForced: force)
        let wasActive = box.state == nil && Services.areActive()
        let ledgerLock = wasActive ? nil : try requireStopped()
        defer { withExtendedLifetime(ledgerLock) {} }
        if !yes {
            try Confirmation.ask("It takes the place of what is at \(box.stateDirectory). Type yes to go on:")
        }
        try await backUpFirst(key, isRunning: wasActive)
        try await CutShort.never { try await replace(restoration, file, owners: owners, wasActive: wasActive) }
    }

    /// Where lists of what was erased may lie.
    private func erasureLists(beside file: String) -> [String] {
        let beside = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        let all = BackupFolder.erasureLists(in: beside) + ["\(box.stateDirectory)/web/ledger/erasures"]
        return all + BackupFolder.erasureLists(in: box.backupDirectory)
    }

    /// What is there may be worth more than what comes.
    private func backUpFirst(_ key: RecoveryKey, isRunning: Bool) async throws {
        guard !withoutBackup, box.hasCalls || FileTree.exists(box.recoveryRecipientFile) else { return }
        guard isRunning || box.state != nil else { throw RestoreProblem.noBackupFirst("the box does not run") }
        guard FileTree.exists("\(box.stateDirectory)/web/ledger") else { return }
        do {
            // A box without a key of its own: for the one that is at hand.
            let recipient = (try? box.recoveryRecipient()) ?? key.ageRecipient
            try FileTree.makeDirectory(box.backupDirectory)
            let maker = BackupMaker(box: box)
            let folder = BackupFolder(box.backupDirectory)
            let made =
                isRunning
                ? try await maker.makeOfRunning(in: folder, for: recipient)
                : try await maker.makeOfStopped(in: folder, for: recipient)
            StandardStream.output.write(line: "What is there now is backed up: \(made.path)")
            for problem in made.problems { StandardStream.error.write(line: "sipcall: \(problem)") }
        } catch {
            throw RestoreProblem.noBackupFirst((error as? Problem)?.sentence ?? "\(error)")
        }
    }

    private func replace(
        _ restoration: Restoration, _ file: String, owners: Owners?, wasActive: Bool
    ) async throws {
        let kept: String?
        do {
            if wasActive { try Services.stop() }
            let ledgerLock = wasActive ? try requireStopped() : nil
            defer { withExtendedLifetime(ledgerLock) {} }
            // Looked for once more: the box was in use until now.
            try await restoration.replayErasures(
                from: try restoration.erasureLists(given: erasures, found: erasureLists(beside: file), isForced: true))
            if try await hasOwner(restoration) { try restoration.markClaimed() }
            let stamp = WallTime.now().description.prefix(19).filter { $0 != ":" && $0 != "-" }
            kept = try restoration.carryOut(owners: owners, stamp: stamp + "Z")
        } catch {
            // What was running runs again, on what is there: nothing was changed, or the box says that a restore is unfinished.
            if wasActive { try? Services.start() }
            throw error
        }
        StandardStream.output.write(line: "The backup is restored.")
        if let kept {
            StandardStream.output.write(
                line: "What was there before lies in \(kept), erased numbers included; remove it when all is well.")
        }
        if wasActive { try Services.start() }
    }

    /// A file that is of no use is told by the web process, in its own words.
    private func hasOwner(_ restoration: Restoration) async throws -> Bool {
        guard let file = restoration.accounts, let store = try? AccountStore(file) else { return false }
        return !store.isEmpty
    }

    /// - Returns: keeps the web process from starting until it is let go.
    private func requireStopped() throws(Problem) -> LedgerLock? {
        guard FileTree.exists("\(box.stateDirectory)/web") else { return nil }
        do throws(Problem) {
            return try LedgerLock("\(box.stateDirectory)/web/ledger.lock")
        } catch {
            throw error.code == "ledger.in-use" ? RestoreProblem.boxRunning : error
        }
    }

    private typealias Owners = (web: (user: UInt32, group: UInt32), core: (user: UInt32, group: UInt32))

    /// - Returns: nil where one user runs everything.
    private func owners() throws(Problem) -> Owners? {
        guard box.state == nil else { return nil }
        func owner(_ name: String) throws(Problem) -> (user: UInt32, group: UInt32) {
            guard let entry = getpwnam(name) else { throw RestoreProblem.noUser(name) }
            return (entry.pointee.pw_uid, entry.pointee.pw_gid)
        }
        return (try owner("sipcall-web"), try owner("sipcall-core"))
    }

    private func recoveryKey() throws -> RecoveryKey {
        if let identity {
            guard let text = readText(identity) else { throw BackupProblem.notFound(identity) }
            // age-keygen writes remarks above the key.
            let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
            return try RecoveryKey(Redacted(lines.joined(separator: " ")))
        }
        if isatty(0) == 1 { return try RecoveryKey(try Terminal.secret(prompt: "Recovery key (24 words): ")) }
        var text = ""
        while text.utf8.count < 4096, let line = readLine(strippingNewline: true) { text += line + " " }
        return try RecoveryKey(Redacted(text))
    }
}

enum RestoreProblem {
    static let boxRunning = Problem(
        code: "restore.box-running", sentence: "The box is running; nothing was changed.",
        remedy: "Stop it, and start the restore again.")

    static func noBackupFirst(_ why: String) -> Problem {
        Problem(
            code: "restore.no-backup",
            sentence: "What is there could not be backed up first (\(why)); nothing was changed.",
            remedy: "Start the box and try again; or, if what is there may get lost, add --no-backup.")
    }

    static func noUser(_ name: String) -> Problem {
        Problem(
            code: "restore.no-user", sentence: "This machine has no user \(name); nothing was changed.",
            remedy: "Install the package first: apt-get install ./sipcall_*.deb")
    }

    static let unfinished = Problem(
        code: "restore.unfinished",
        sentence: "A restore was broken off, so that the box is partly the old and partly the restored one.",
        remedy: "Finish it with: sipcall restore --resume")

    static func refuseUnfinished(_ state: String) throws(Problem) {
        if FileTree.exists(DirectorySwap.note(in: state)) { throw unfinished }
    }
}
