import Backup
import Console
import Glibc
import Sealing
import Wire

/// Where backups, the recovery key's public half and the hooks lie.
extension BoxOptions {
    var backupDirectory: String { state.map { "\($0)/backups" } ?? "/var/backups/sipcall" }
    var recoveryRecipientFile: String { state.map { "\($0)/recovery.pub" } ?? "/etc/sipcall/recovery.pub" }
    var hookDirectory: String { state.map { "\($0)/backup.d" } ?? "/etc/sipcall/backup.d" }
    var credentialDirectory: String? { state == nil ? "/etc/credstore" : nil }
    /// Where everything lies in the clear for as long as a backup is made: nobody but the user who makes it may enter.
    var backupWork: String { "\(stateDirectory)/.backup" }
    var backupLock: String { "\(stateDirectory)/backup.lock" }

    /// - Throws: `backup.no-recovery-key`, `backup.recipient-unreadable`.
    func recoveryRecipient() throws(Problem) -> String {
        let path = recoveryRecipientFile
        guard let text = readText(path) else {
            throw errno == ENOENT ? BackupProblem.noRecoveryKey : BackupProblem.recipientUnreadable(path)
        }
        let lines = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard lines.count == 1, lines[0].hasPrefix("age1"), lines[0].utf8.count == 62 else {
            throw BackupProblem.recipientUnreadable(path)
        }
        return lines[0]
    }

    /// - Returns: nil when this user may not look.
    var backupReport: BackupReport? {
        let hasKey = access(recoveryRecipientFile, F_OK) == 0
        guard hasKey || errno == ENOENT else { return nil }
        let verdict = BackupVerdict.last(in: stateDirectory)
        return BackupReport(hasRecoveryKey: hasKey, proven: verdict?.proven, problem: verdict?.problem)
    }

    /// Whether there are records of calls.
    var hasCalls: Bool {
        (FileContents.names(in: "\(stateDirectory)/web/ledger") ?? []).contains {
            $0.hasSuffix(".calls.sqlite")
        }
    }

    /// The state of an installed box belongs to several users, and its settings to root.
    func requireRoot(to what: String) throws(Problem) {
        guard state == nil, geteuid() != 0 else { return }
        throw Problem(
            code: "backup.not-root", sentence: "Only root can \(what) the installed box.", remedy: "Put sudo before it."
        )
    }

    /// Where a backup's parts go on this machine.
    var places: Restoration.Places {
        Restoration.Places(
            state: stateDirectory,
            settings: state == nil
                ? ["": "/etc/sipcall"]
                : ["sipcall.toml": configurationFile, "recovery.pub": recoveryRecipientFile],
            credentials: credentialDirectory)
    }
}
