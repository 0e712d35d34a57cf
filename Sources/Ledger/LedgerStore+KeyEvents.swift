import Sealing
import Wire

/// What befalls the keys that the ledger is kept with, as the audit log has it.
package enum KeyEvent: String, Sendable {
    /// The key of a part: nobody can read that part any more.
    case destroyed = "key.destroyed"
    /// Keys are wrapped anew, by another master key.
    case masterChanged = "key.master-changed"
    /// The file with a former master key was overwritten and removed.
    case masterRetired = "key.master-retired"
    /// A wrapped key does not open, or is missing.
    case unusable = "key.unusable"
}

extension LedgerStore {
    /// Entries that wait for an audit log that takes nothing at the moment. So many parts do not go at once.
    static let mostUntold = 256

    /// Writes down what happens to a key. Called before it happens: a crash in between leaves an entry too many, never one too few.
    ///
    /// An audit log that cannot be written keeps no key from being destroyed when its time is over: the entry waits for the next one.
    package func note(_ event: KeyEvent, _ detail: String) {
        let entry = AuditEntry(
            time: .now(), actor: Redacted("box"), action: event.rawValue, detail: Redacted(detail))
        if event != .destroyed, untold.contains(where: { $0.isLike(entry) }) || isNoted(entry) { return }
        if untold.count < Self.mostUntold { untold.append(entry) }
        tell()
    }

    /// Writes what waits.
    func tell() {
        while let entry = untold.first {
            guard (try? append(entry)) != nil else { return }
            untold.removeFirst()
        }
    }

    /// Whether the newest entries say it already: a process that is started again and again says it once.
    private func isNoted(_ entry: AuditEntry) -> Bool {
        ((try? auditPage(count: 50)) ?? []).contains { $0.entry?.isLike(entry) ?? false }
    }

    /// - Parameter problem: why the key of a part cannot be had; that of a disk is none of the key's.
    func noteUnusable(_ purpose: KeyPurpose, _ problem: Problem) {
        let isOfKey = [
            SealingProblem.keyUnreadable.code, SealingProblem.masterKeyMissing.code, LedgerProblem.keyMissing("").code,
        ].contains(problem.code)
        if isOfKey, toldUnusable.insert(purpose).inserted { note(.unusable, "key of \(purpose): \(problem.code)") }
    }
}

extension AuditEntry {
    fileprivate func isLike(_ other: Self) -> Bool {
        action == other.action && detail.revealed == other.detail.revealed
    }
}
