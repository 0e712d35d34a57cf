import Synchronization
import Wire

/// What the web process said last of the ledger, which the core cannot look into.
final class LedgerNews: Sendable {
    private let latest = Mutex<Problem?>(nil)

    /// Why the ledger takes nothing; nil when all is well, or when nothing was said yet.
    var problem: Problem? {
        get { latest.withLock { $0 } }
        set { latest.withLock { $0 = newValue } }
    }
}
