import Control
package import Ledger
package import Logging
package import Sealing
import Synchronization
package import Wire

/// The web process's keeper of the ledger: opens it, takes sealed records over from the core, lets go what has been kept long
/// enough, and answers what pages ask.
///
///     core connected ─▶ tell the public key ─▶ ask for a batch ─▶ file it ─▶ acknowledge ─▶ ask again … until none waits
///
/// Whatever breaks off in between is done again: filing is idempotent, and the core deletes only what was acknowledged. A ledger
/// that cannot be opened is left as it is and tried again; the records stay in the core's spool meanwhile.
package actor LedgerDesk {
    private static let retryTime: Duration = .seconds(10)
    /// How often it looks by itself, should a word of the core get lost.
    private static let idleTime: Duration = .seconds(300)
    private static let expiryTime: Duration = .seconds(86_400)

    private struct State {
        /// Why the ledger takes nothing at the moment.
        var problem: Problem?
        /// The first attempt to open it is over.
        var isSettled = false
        var isUntold = true
    }

    private let settings: LedgerSettings
    private let lockPath: String
    private let keyring: @Sendable () throws(Problem) -> MasterKeyring
    private let logger: Logger
    private nonisolated let state = Mutex(State())
    private nonisolated let wakes: AsyncStream<Void>
    private nonisolated let wake: AsyncStream<Void>.Continuation
    private(set) var store: LedgerStore?
    private var lock: LedgerLock?
    private var expiredAt: MonotonicTime?
    private var told: LedgerHandover?

    /// - Parameters:
    ///   - lock: the file that a second web process finds locked.
    ///   - keyring: read when the ledger is opened; see ``MasterKeyFile``.
    package init(
        _ settings: LedgerSettings, lock: String, logger: Logger,
        keyring: @escaping @Sendable () throws(Problem) -> MasterKeyring
    ) {
        self.settings = settings
        lockPath = lock
        self.keyring = keyring
        self.logger = logger
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package nonisolated var problem: Problem? { state.withLock { $0.problem } }

    /// A new connection: the core may be another process that knows no key.
    nonisolated func coreConnected() {
        state.withLock { $0.isUntold = true }
        wake.yield()
    }

    nonisolated func recordsWait() { wake.yield() }

    /// Works until it is cancelled.
    func run(_ control: ControlClient) async {
        while !Task.isCancelled {
            await turn(control)
            let pause = problem == nil ? Self.idleTime : Self.retryTime
            let alarm = Task { [wake] in
                try await Task.sleep(for: pause)
                wake.yield()
            }
            // The first wake-up, or the end of the task.
            for await _ in wakes { break }
            alarm.cancel()
        }
    }

    private func turn(_ control: ControlClient) async {
        var found: Problem?
        do throws(Problem) {
            let store = try await open()
            try await tell(control, problem: nil)
            do throws(Problem) {
                try await takeOver(store, control)
            } catch {
                // Without the core nothing waits and nothing is wrong with the ledger.
                if !error.code.hasPrefix("core.") { found = error }
            }
            // What cannot be removed keeps nothing from being filed.
            try await expire(store)
        } catch {
            if !error.code.hasPrefix("core.") { found = found ?? error }
        }
        let problem = found
        state.withLock { ($0.problem, $0.isSettled) = (problem, true) }
        try? await tell(control, problem: problem)
    }

    private func open() async throws(Problem) -> LedgerStore {
        if let store { return store }
        if lock == nil { lock = try LedgerLock(lockPath) }
        let opened = try await LedgerStore.open(settings, keyring: try keyring())
        store = opened
        return opened
    }

    /// Says how the ledger stands, when that is new to this connection.
    private func tell(_ control: ControlClient, problem: Problem?) async throws(Problem) {
        let handover = LedgerHandover(sealingKey: store?.sealingKey.bytes, problem: problem)
        let isUntold = state.withLock { state in
            defer { state.isUntold = false }
            return state.isUntold
        }
        guard isUntold || handover != told else { return }
        do throws(Problem) {
            _ = try await control.send(.ledger(handover))
            told = handover
        } catch {
            state.withLock { $0.isUntold = true }
            throw error
        }
    }

    func takeOver(_ store: LedgerStore, _ control: ControlClient) async throws(Problem) {
        while !Task.isCancelled {
            guard case .sealedRecords(let records) = try await control.send(.sealedRecords) else {
                throw WebProblem.unexpectedReply
            }
            guard !records.isEmpty else { return }
            let filing = try await store.file(records)
            _ = try await control.send(.filed(filing.acknowledged))
            if filing.unopened > 0 {
                logger.warning(
                    "Records came that cannot be opened; they are kept sealed.",
                    metadata: ["records": "\(filing.unopened)", "code": "ledger.not-authentic"])
            }
            for name in try await store.makeRoom() {
                logger.warning(
                    "The ledger has reached its quota: its oldest part was removed.",
                    metadata: ["code": "ledger.quota-reached", "part": "\(name)"])
            }
        }
    }

    /// At the start and once a day.
    private func expire(_ store: LedgerStore) async throws(Problem) {
        if let expiredAt, MonotonicTime.now() - expiredAt < Self.expiryTime { return }
        // A clock that is plainly wrong decides about no record's age.
        guard WallTime.now().isPlausible else { return }
        for name in try await store.expire(now: .now()) {
            logger.notice("A part of the ledger was kept long enough and is removed.", metadata: ["part": "\(name)"])
        }
        expiredAt = .now()
    }

    // MARK: - Asked

    /// A page of history.
    ///
    /// - Throws: why the ledger cannot be read.
    package func page(_ query: CallQuery) async throws(Problem) -> CallPage {
        await settle()
        guard let store else { throw problem ?? ControlProblem.unreachable }
        return try await store.page(query)
    }

    /// For the watchdog: reads the ledger.
    ///
    /// - Returns: why it takes nothing or cannot be read; nil when all is well.
    package func probe() async -> Problem? {
        await settle()
        guard let store else { return problem }
        do throws(Problem) {
            try await store.probe()
            return problem
        } catch {
            return error
        }
    }

    #if DEBUG
        /// Blocks the ledger for good, as a disk would that never comes back.
        func wedge() async {
            await settle()
            await store?.wedge()
        }
    #endif

    /// Waits for the first attempt to open the ledger, a moment after the start.
    func settle() async {
        for _ in 0..<100 where !state.withLock({ $0.isSettled }) {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
