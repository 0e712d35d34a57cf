import GRDB
import Synchronization
import Wire

#if canImport(Glibc)
    import Glibc
#endif

/// Keeps long looks at the ledger's files and erasures apart: SQLite cuts no log that somebody still reads, and what was erased
/// would stay in it. A look gives way, and begins again when the erasure is over.
final class LedgerReaders: Sendable {
    /// The look had to give way.
    struct Interrupted: Error {}

    private struct State {
        var erasures = 0
        var queues: [ObjectIdentifier: DatabaseQueue] = [:]
    }

    private let state = Mutex(State())

    /// Reads, unless something is being erased. The connection is closed when this returns, and no transaction is open when the reader
    /// counts as gone.
    ///
    /// - Throws: ``Interrupted``, and what `body` throws.
    func read<Value>(_ queue: DatabaseQueue, _ body: () throws -> Value) throws -> Value {
        let isAdmitted = state.withLock { state in
            guard state.erasures == 0 else { return false }
            state.queues[ObjectIdentifier(queue)] = queue
            return true
        }
        guard isAdmitted else { throw Interrupted() }
        defer {
            // In this order: a connection that is closed must not be interrupted.
            state.withLock { $0.queues[ObjectIdentifier(queue)] = nil }
            try? queue.close()
        }
        do {
            return try body()
        } catch {
            try goOn()
            throw error
        }
    }

    /// - Throws: ``Interrupted`` when something is to be erased.
    func goOn() throws {
        guard state.withLock({ $0.erasures == 0 }) else { throw Interrupted() }
    }

    /// Waits for readers to give way, and keeps new ones out meanwhile.
    func alone(_ body: () throws(Problem) -> Void) throws(Problem) {
        state.withLock { $0.erasures += 1 }
        defer { state.withLock { $0.erasures -= 1 } }
        // Again and again: one may just have been about to begin its next statement.
        while state.withLock({ state in
            for queue in state.queues.values { queue.interrupt() }
            return !state.queues.isEmpty
        }) { usleep(1000) }
        try body()
    }
}
