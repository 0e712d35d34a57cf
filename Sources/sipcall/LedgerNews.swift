import Synchronization
import Wire

/// What the web process said last of the ledger, which the core cannot look into.
final class LedgerNews: Sendable {
    private let latest = Mutex<[Problem]>([])

    /// Why the ledger takes nothing, and what the owner should know of it besides; empty when all is well, or when nothing was
    /// said yet.
    var problems: [Problem] {
        get { latest.withLock { $0 } }
        set { latest.withLock { $0 = newValue } }
    }
}
