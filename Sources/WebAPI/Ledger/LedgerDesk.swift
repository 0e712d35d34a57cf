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
    /// How often it looks for what was kept long enough; see ``LedgerStore/expire(_:)`` for how many looks that takes.
    private static let expiryTime: Duration = .seconds(3600)
    /// Searches at the same time, of one session and of all: each reads up to 20,000 rows, one after the other.
    private static let (mostOfOne, mostOfAll) = (2, 16)

    private struct State {
        /// Why the ledger takes nothing at the moment, or what part of it does not.
        var problem: Problem?
        /// What the owner should know besides.
        var warning: Problem?
        /// Searches that run, by whose they are.
        var searches: [String: Int] = [:]
        /// The first attempt to open it is over.
        var isSettled = false
        var isUntold = true
        /// Another spool, perhaps: positions begin anew.
        var isNewCore = true
    }

    private(set) var settings: LedgerSettings
    private let lockPath: String
    let keyring: @Sendable () throws(Problem) -> MasterKeyring
    private let whenRewrapped: @Sendable () throws(Problem) -> Bool
    let storing: @Sendable (MasterKeyring) throws(Problem) -> Void
    private let clock: @Sendable () -> RetentionClock
    private let logger: Logger
    private nonisolated let state = Mutex(State())
    private nonisolated let wakes: AsyncStream<Void>
    private nonisolated let wake: AsyncStream<Void>.Continuation
    private(set) var store: LedgerStore?
    private var lock: LedgerLock?
    private var expiredAt: MonotonicTime?
    private var told: LedgerHandover?
    private var retention: Problem?
    private var fullness = LedgerUsage.Level.fine
    /// Records up to this position were offered and could not be filed; they are asked for again when `patience` is over.
    private var passed: (position: Int64, since: MonotonicTime, patience: Duration)?
    private var unusable: Set<UnusablePart> = []

    /// - Parameters:
    ///   - lock: the file that a second web process finds locked.
    ///   - keyring: read when the ledger is opened; see ``MasterKeyFile``.
    ///   - whenRewrapped: called when all keys are wrapped by the first of the master keys; removes one that the others took the
    ///     place of, and says whether it did.
    ///   - storing: keeps another keyring in place of the one that `keyring` reads; without it the master key cannot be changed.
    package init(
        _ settings: LedgerSettings, lock: String, logger: Logger,
        keyring: @escaping @Sendable () throws(Problem) -> MasterKeyring,
        whenRewrapped: @escaping @Sendable () throws(Problem) -> Bool = { () throws(Problem) in false },
        storing: @escaping @Sendable (MasterKeyring) throws(Problem) -> Void = { (_) throws(Problem) in
            throw LedgerProblem.masterKeyElsewhere
        },
        clock: @escaping @Sendable () -> RetentionClock
    ) {
        self.settings = settings
        lockPath = lock
        self.keyring = keyring
        self.whenRewrapped = whenRewrapped
        self.storing = storing
        self.clock = clock
        self.logger = logger
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package nonisolated var problem: Problem? { state.withLock { $0.problem } }

    /// A new connection: the core may be another process that knows no key.
    nonisolated func coreConnected() {
        state.withLock { ($0.isUntold, $0.isNewCore) = (true, true) }
        wake.yield()
    }

    nonisolated func recordsWait() { wake.yield() }

    /// Others hold from now on; what they let go goes at the next look, which is now.
    package func adopt(_ settings: LedgerSettings) async {
        self.settings = settings
        await store?.adopt(settings)
        expiredAt = nil
        wake.yield()
    }

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
        let (problem, warning) = (found, retention ?? Self.warning(fullness))
        state.withLock { ($0.problem, $0.warning, $0.isSettled) = (problem, warning, true) }
        try? await tell(control, problem: problem)
    }

    private static func warning(_ level: LedgerUsage.Level) -> Problem? {
        switch level {
        case .fine: nil
        case .warning80: LedgerProblem.quota80
        case .warning90, .full: LedgerProblem.quota90
        }
    }

    private func open() async throws(Problem) -> LedgerStore {
        if let store { return store }
        if lock == nil { lock = try LedgerLock(lockPath) }
        let ring = try keyring()
        let opened = try await LedgerStore.open(settings, keyring: ring)
        store = opened
        // A change of the master key that was cut short goes on. Where the ring is not the box's to write, its owner ends it.
        if ring.names.count > 1 { try? await opened.changeMasterKey(store: storing) }
        // Once for each opening: what is wrong with a single key makes its own period unusable, and says so there.
        if await opened.rewrap(), try whenRewrapped() {
            await opened.note(.masterRetired, "the unit hands over another one")
            logger.notice(
                "\(LedgerProblem.masterKeyMoved.sentence)", metadata: ["code": "\(LedgerProblem.masterKeyMoved.code)"])
        }
        return opened
    }

    /// Says how the ledger stands, when that is new to this connection.
    private func tell(_ control: ControlClient, problem: Problem?) async throws(Problem) {
        let handover = LedgerHandover(
            sealingKey: store?.sealingKey.bytes, problem: problem, warning: state.withLock { $0.warning })
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

    /// - Throws: the core's problem; or that of the first part that took nothing, when all others have.
    func takeOver(_ store: LedgerStore, _ control: ControlClient) async throws(Problem) {
        let isNewCore = state.withLock { state in
            defer { state.isNewCore = false }
            return state.isNewCore
        }
        if isNewCore { passed = nil }
        // What could not be filed is not carried over again each time that a call is told, but soon, for a disk that was full for
        // a moment, and then less and less often.
        var patience = passed?.patience ?? Self.retryTime
        if let passed, MonotonicTime.now() - passed.since >= patience {
            patience = min(patience * 2, Self.idleTime)
            self.passed = nil
        }
        var position = passed?.position ?? 0
        let begin = passed?.since ?? .now()
        var refused: Set<UnusablePart> = []
        while !Task.isCancelled {
            let reply = try await control.send(.sealedRecords(after: position))
            guard case .sealedRecords(let records, let last) = reply else { throw WebProblem.unexpectedReply }
            guard !records.isEmpty, last > position else { break }
            position = last
            let filing = await store.file(records)
            if !filing.acknowledged.isEmpty { _ = try await control.send(.filed(filing.acknowledged)) }
            if filing.unopened > 0 {
                logger.warning(
                    "Records came that cannot be opened; they are kept sealed.",
                    metadata: ["records": "\(filing.unopened)", "code": "ledger.not-authentic"])
            }
            refused.formUnion(filing.unusable)
            for name in try await store.makeRoom() {
                logger.warning(
                    "The ledger has reached its quota: its oldest part was removed.",
                    metadata: ["code": "ledger.quota-reached", "part": "\(name)"])
            }
        }
        follow(await store.usage().level)
        if !refused.isEmpty {
            report(refused)
            passed = (position, begin, patience)
            unusable = refused
        } else if passed == nil {
            unusable = []
        }
        if let first = unusable.min(by: { $0.name < $1.name }) { throw first.problem }
    }

    private func report(_ parts: Set<UnusablePart>) {
        for part in parts.subtracting(unusable).sorted(by: { $0.name < $1.name }) {
            logger.error(
                "\(part.problem.sentence) \(part.problem.remedy)",
                metadata: ["code": "\(part.problem.code)", "part": "\(part.name)"])
        }
    }

    /// Says it once each time that it has become more.
    private func follow(_ level: LedgerUsage.Level) {
        if level > fullness, let warning = Self.warning(level), warning != Self.warning(fullness) {
            logger.warning("\(warning.sentence) \(warning.remedy)", metadata: ["code": "\(warning.code)"])
        }
        fullness = level
    }

    /// At the start and every hour.
    private func expire(_ store: LedgerStore) async throws(Problem) {
        if let expiredAt, MonotonicTime.now() - expiredAt < Self.expiryTime { return }
        let expiry = try await store.expire(clock())
        for name in expiry.removed {
            logger.notice("A part of the ledger was kept long enough and is removed.", metadata: ["part": "\(name)"])
        }
        if let problem = expiry.problem, retention == nil {
            logger.warning("\(problem.sentence) \(problem.remedy)", metadata: ["code": "\(problem.code)"])
        }
        retention = expiry.problem
        expiredAt = .now()
    }

    // MARK: - Asked

    /// A page of history.
    ///
    /// - Parameter session: whose search it is; each may have a few at a time.
    /// - Throws: why the ledger cannot be read; `ledger.busy` when too many searches run.
    package func page(_ query: CallQuery, for session: String) async throws(Problem) -> CallPage {
        let isAdmitted = state.withLock { state in
            let (own, all) = (state.searches[session] ?? 0, state.searches.values.reduce(0, +))
            guard own < Self.mostOfOne, all < Self.mostOfAll else { return false }
            state.searches[session] = own + 1
            return true
        }
        guard isAdmitted else { throw LedgerProblem.busy }
        defer {
            state.withLock { state in
                let left = (state.searches[session] ?? 1) - 1
                state.searches[session] = left > 0 ? left : nil
            }
        }
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
        let answer = Answer()
        Task {
            do throws(Problem) {
                try await store.probe()
                answer.give(nil)
            } catch {
                answer.give(error)
            }
        }
        // A file that is written anew, after an erasure, holds up the answer and is no fault.
        let alarm = Task {
            repeat { try await Task.sleep(for: .milliseconds(500)) } while !store.isRewriting
            answer.give(nil)
        }
        let found = await answer.given()
        alarm.cancel()
        return found ?? problem
    }

    /// The first one that comes counts.
    private final class Answer: Sendable {
        private let stream: AsyncStream<Problem?>
        private let continuation: AsyncStream<Problem?>.Continuation

        init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1)) }

        func give(_ problem: Problem?) {
            continuation.yield(problem)
            continuation.finish()
        }

        func given() async -> Problem? {
            for await problem in stream { return problem }
            return nil
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
