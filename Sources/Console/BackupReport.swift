package import Wire

/// How the backups stand, for one line of `sipcall status` and one check of `sipcall doctor`.
package struct BackupReport: Encodable, Sendable, Equatable {
    /// A night may be missed, a second one not.
    private static let oldMilliseconds: Int64 = 2 * 86_400_000

    /// Without a recovery key none is made.
    package var hasRecoveryKey: Bool
    /// When a backup was last proven to open; nil: never.
    package var proven: WallTime?
    /// What was wrong with the last one.
    package var problem: Problem?

    package init(hasRecoveryKey: Bool, proven: WallTime?, problem: Problem?) {
        (self.hasRecoveryKey, self.proven, self.problem) = (hasRecoveryKey, proven, problem)
    }

    package static let never = Problem(
        code: "backup.never", sentence: "This box was never backed up.",
        remedy: "Make the first backup: systemctl start sipcall-backup")

    package static let noKey = Problem(
        code: "backup.no-key",
        sentence: "This box is not backed up: there is no recovery key yet that could open a backup.",
        remedy: "Make one with: sudo sipcall recovery-key")

    private func old(_ now: WallTime) -> Problem? {
        guard let proven, now.milliseconds - proven.milliseconds > Self.oldMilliseconds else { return nil }
        return Problem(
            code: "backup.old", sentence: "The newest proven backup is \(age(proven, now)) old.",
            remedy: "See whether the timer runs: systemctl status sipcall-backup.timer; and make one: "
                + "systemctl start sipcall-backup")
    }

    /// What limits the box: a backup that failed or is old. That none was asked for yet is said, and no fault of a new box.
    package func trouble(now: WallTime) -> Problem? { hasRecoveryKey ? problem ?? old(now) : nil }

    package func line(now: WallTime) -> String {
        guard let proven else {
            return hasRecoveryKey ? "none yet" : "none; there is no recovery key (sipcall recovery-key)"
        }
        return "made and proven \(age(proven, now)) ago" + (problem == nil ? "" : "; the last one failed")
    }

    private func age(_ proven: WallTime, _ now: WallTime) -> String {
        words(seconds: Int(clamping: (now.milliseconds - proven.milliseconds) / 1000))
    }

    package func finding(now: WallTime) -> Finding {
        guard hasRecoveryKey else { return Finding(.warning, Self.noKey) }
        if let problem { return Finding(.fault, problem) }
        guard proven != nil else { return Finding(.warning, Self.never) }
        if let old = old(now) { return Finding(.warning, old) }
        return Finding(.ok, "The newest backup was \(line(now: now)).")
    }
}
