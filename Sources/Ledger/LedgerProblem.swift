import GRDB
package import Wire

/// What can go wrong with the ledger's files. Each sentence says what is untouched.
package enum LedgerProblem {
    static let recordNewer = Problem(
        code: "ledger.record-newer",
        sentence: "A record was written by a newer SIPCall; it is kept as it is and shown once that version is back.",
        remedy: "Install the newer version again.")

    static let recordUnreadable = Problem(
        code: "ledger.record-unreadable", sentence: "A record's seal is whole, but what is inside makes no sense.",
        remedy: "Report it; the record is kept as it is.")

    package static let spoolFull = Problem(
        code: "ledger.spool-full",
        sentence: "The sealed records that wait for the web process have reached their limit; new ones are lost.",
        remedy: "See that sipcall-web runs: it takes the records over within seconds.")

    static func recordsLost(_ count: Int) -> Problem {
        Problem(
            code: "ledger.records-lost",
            sentence: "Records of calls could not be kept and are lost; so many: \(count).",
            remedy: "See what sipcall status says of the disk and of sipcall-web.")
    }

    static let noSealingKey = Problem(
        code: "ledger.no-sealing-key",
        sentence: "Records of calls wait in memory: the web process has not made the ledger's key yet.",
        remedy:
            "Start it once: systemctl start sipcall-web. Calls go on; a restart of sipcall-core would lose these records."
    )

    static let sealingKeyChanged = Problem(
        code: "ledger.sealing-key-changed",
        sentence: "The ledger has another public key than before; records are sealed with the new one from now on.",
        remedy: "Nothing, if the ledger was made anew or restored. Otherwise find out who may open the control socket.")

    static func damaged(_ path: String) -> Problem {
        Problem(
            code: "ledger.file-damaged", sentence: "The file \(path) is damaged; it is left as it is.",
            remedy: "Run sipcall verify, and restore the file from a backup.")
    }

    static func foreign(_ path: String) -> Problem {
        Problem(
            code: "ledger.file-foreign",
            sentence: "The file \(path) is not what SIPCall keeps in this place; it is left as it is.",
            remedy: "Move the file away, or restore the right one from a backup.")
    }

    static func newer(_ path: String) -> Problem {
        Problem(
            code: "ledger.file-newer",
            sentence: "The file \(path) was written by a newer SIPCall; it is left as it is.",
            remedy: "Install the newer version again.")
    }

    static func keyMissing(_ path: String) -> Problem {
        Problem(
            code: "ledger.key-missing",
            sentence: "The key file \(path) is missing, so a part of the ledger cannot be read; it is left as it is.",
            remedy: "Restore the key file from a backup.")
    }

    /// The cause in its own words, and that nothing is lost.
    static func periodUnusable(_ name: String, _ cause: Problem) -> Problem {
        Problem(
            code: "ledger.period-unusable",
            sentence:
                "The part \(name) of the ledger cannot be used (\(cause.code)); its new records wait in the core, and all others are kept and shown.",
            remedy: "\(cause.sentence) \(cause.remedy)")
    }

    private static let nearlyFullRemedy =
        "At 100 % the oldest records go. Give it more with megabytes in [ledger] of sipcall.toml, or keep them for fewer days."

    package static let quota80 = Problem(
        code: "ledger.quota-80", sentence: "The ledger has used 80 % of the room that it may have.",
        remedy: nearlyFullRemedy)

    package static let quota90 = Problem(
        code: "ledger.quota-90", sentence: "The ledger has used 90 % of the room that it may have.",
        remedy: nearlyFullRemedy)

    package static let retentionWaits = Problem(
        code: "ledger.retention-waits",
        sentence: "Records are kept longer than they are meant to be: the machine's clock follows no time server.",
        remedy: "Have the clock set: timedatectl set-ntp true. A clock that may be wrong decides about no record's end."
    )

    package static let busy = Problem(
        code: "ledger.busy", sentence: "Too many searches in the history run at the same time.",
        remedy: "Wait for those that run, then search again.")

    static let checking = Problem(
        code: "ledger.spool-checking",
        sentence: "The records that wait for the web process are being checked; new ones wait in memory meanwhile.",
        remedy: "Nothing: it ends by itself within minutes.")

    package static let masterKeyElsewhere = Problem(
        code: "ledger.master-key-elsewhere",
        sentence: "systemd hands the master key over as a credential, which the box cannot write; nothing was changed.",
        remedy:
            "Write a new credential with the former key below the new one, restart sipcall-web, and remove the former key then."
    )

    package static let masterKeyMoved = Problem(
        code: "ledger.master-key-moved",
        sentence:
            "All keys of the ledger are wrapped by the master key of the systemd credential now; the former key file was overwritten and removed."
    )

    static func diskFull(_ path: String) -> Problem {
        Problem(
            code: "ledger.disk-full", sentence: "The disk is full: \(path) could not be written, and is as it was.",
            remedy: "Free some space; calls go on meanwhile.")
    }

    static func cannotWrite(_ path: String) -> Problem {
        Problem(
            code: "ledger.cannot-write", sentence: "The file \(path) cannot be opened or written; nothing was changed.",
            remedy: "Check that the disk is not mounted read-only and that the directory belongs to the service.")
    }

    static func inUse(_ path: String) -> Problem {
        Problem(
            code: "ledger.in-use", sentence: "Another process holds the file \(path).",
            remedy: "Stop the other process; only one may open the ledger.")
    }

    static func diskFailed(_ path: String) -> Problem {
        Problem(
            code: "ledger.disk-failed", sentence: "The disk reports an error for \(path).",
            remedy: "Look at the kernel's journal; replace the disk and restore the backup.")
    }

    static let erasuresDamaged = Problem(
        code: "ledger.erasures-damaged",
        sentence:
            "The list of what was erased is damaged or missing; the ledger stays closed so that nothing comes back.",
        remedy: "Restore the list; it lies beside the backups.")

    /// For the journal, from where it can be compared later.
    package static func auditHead(_ head: AuditHead) -> Problem {
        Problem(
            code: "ledger.audit-head",
            sentence: "The audit log has come to entry \(head.sequence) with the hash \(head.hash).",
            remedy: "Nothing to do; a later check of the log is compared with it.")
    }

    /// Entries that found no room while the ledger could not be written.
    package static func auditLost(_ count: Int) -> Problem {
        Problem(
            code: "ledger.audit-lost",
            sentence: "Entries of the audit log could not be written and are lost; so many: \(count).",
            remedy: "See what sipcall status says of the disk and of the ledger.")
    }

    static func auditBroken(_ entry: Int64) -> Problem {
        Problem(
            code: "ledger.audit-broken", sentence: "The audit log was altered: entry \(entry) is not what was written.",
            remedy: "Compare with the head of the chain in the journal and in the backups.")
    }

    /// What SQLite said, in our words.
    static func from(_ error: any Error, _ path: String) -> Problem {
        if let problem = error as? Problem { return problem }
        guard let error = error as? DatabaseError else { return damaged(path) }
        switch error.resultCode {
        case .SQLITE_FULL: return diskFull(path)
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: return cannotWrite(path)
        case .SQLITE_BUSY, .SQLITE_LOCKED: return inUse(path)
        case .SQLITE_IOERR, .SQLITE_NOMEM, .SQLITE_INTERRUPT: return diskFailed(path)
        default: return damaged(path)
        }
    }
}
