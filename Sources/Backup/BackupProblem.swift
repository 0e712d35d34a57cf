package import Wire

/// What can go wrong with backups. Each sentence says what is untouched.
package enum BackupProblem {
    package static let noRecoveryKey = Problem(
        code: "backup.no-recovery-key",
        sentence: "There is no recovery key yet, so nobody could open a backup; none was made.",
        remedy: "Make one with: sipcall recovery-key")

    package static func recipientUnreadable(_ path: String) -> Problem {
        Problem(
            code: "backup.recipient-unreadable",
            sentence: "The file \(path) holds no public half of a recovery key; no backup was made.",
            remedy: "Make a new recovery key with: sipcall recovery-key --again")
    }

    package static func noRoom(_ path: String, needed: Int) -> Problem {
        Problem(
            code: "backup.no-room",
            sentence:
                "There is not enough room in \(path): \(needed / 1_000_000 + 1) MB are needed; nothing was changed.",
            remedy: "Free some space, or name another directory with --output.")
    }

    static func cannotWrite(_ path: String, _ why: String) -> Problem {
        Problem(
            code: "backup.cannot-write", sentence: "\(path) cannot be read or written: \(why).",
            remedy: "Run the command with sudo, and see that the disk is not read-only.")
    }

    static func toolMissing(_ tool: String) -> Problem {
        Problem(
            code: "backup.tool-missing", sentence: "The program \(tool) could not be started; nothing was changed.",
            remedy: "Install it: apt-get install tar zstd age")
    }

    static func toolFailed(_ tool: String, _ why: String) -> Problem {
        Problem(
            code: "backup.tool-failed", sentence: "\(tool) failed: \(why).",
            remedy: "See what it says; a disk that is full or failing is the usual reason.")
    }

    static func tooLong(_ tool: String) -> Problem {
        Problem(
            code: "backup.too-long", sentence: "\(tool) did not end in time and was stopped.",
            remedy: "See whether the disk answers, and try again.")
    }

    static func notExchanged(_ path: String, _ why: String) -> Problem {
        Problem(
            code: "restore.not-exchanged",
            sentence: "\(path) could not be exchanged for what was restored: \(why); everything is as it was before.",
            remedy: "A disk that is mounted there has to be unmounted first, or mounted one directory further up.")
    }

    static let wrongKey = Problem(
        code: "backup.wrong-key", sentence: "This key does not open this backup; nothing was changed.",
        remedy: "Use the recovery key that was in force when the backup was made.")

    static func damaged(_ why: String) -> Problem {
        Problem(
            code: "backup.damaged", sentence: "The backup is damaged or not whole (\(why)); nothing was changed.",
            remedy: "Use another copy of it, or an older backup.")
    }

    static func newer(_ version: Int) -> Problem {
        Problem(
            code: "backup.newer",
            sentence: "The backup has form \(version), which this SIPCall does not know; nothing was changed.",
            remedy: "Install the version of SIPCall that made it, or a newer one.")
    }

    package static func notFound(_ path: String) -> Problem {
        Problem(
            code: "backup.not-found", sentence: "There is no backup at \(path).",
            remedy: "See what sipcall backup wrote.")
    }

    package static func hookFailed(_ name: String, _ why: String) -> Problem {
        Problem(
            code: "backup.hook-failed",
            sentence: "The backup is made and proven, but the hook \(name) failed: \(why).",
            remedy: "Run the hook by hand; until it works the backup lies on this machine only.")
    }

    package static func leftOut(_ names: [String]) -> Problem {
        Problem(
            code: "backup.left-out",
            sentence: "The backup is made and proven, but without what cannot be used: "
                + "\(names.prefix(8).joined(separator: ", "))\(names.count > 8 ? " and \(names.count - 8) more" : "").",
            remedy: "See what sipcall verify says, and restore these parts from an older backup.")
    }

    package static let unknown = Problem(
        code: "backup.failed", sentence: "The backup failed for a reason that has no name; none was made.",
        remedy: "Look at the journal of sipcall-backup.")

    package static let underWay = Problem(
        code: "backup.under-way", sentence: "Another backup or restore is under way.", remedy: "Wait until it is done.")
}
