import Call
import Dispatch
package import Sealing
import Synchronization
package import Wire

/// The core's way into the ledger: takes a record when something happened to a call, seals it with the public key, and has it in
/// the spool, where it waits for the web process.
///
///     take ──▶ in memory ──key known──▶ sealed ──spool takes it──▶ durable ──batch──▶ web files it ──acknowledge──▶ deleted
///                 ▲ at most `limit` calls, the newest record of each            │
///                 └── waits here: no key yet, or the disk takes nothing ◀───────┘
///
/// Whoever makes calls waits for nothing here: taking a record touches memory only. What the disk refuses is tried again, and
/// what does not fit into memory any more is counted and told.
///
/// The key comes from the web process over the control socket and is kept in a file of the core's, so that only a box whose web
/// process has never run has none. Its records wait in memory then.
package actor CallLogger {
    /// Calls whose records may wait in memory: some 4 MB.
    package static let limit = 4096
    /// After a failure.
    private static let retryTime: Duration = .seconds(5)

    private struct Waiting {
        /// A later record of a call says all that an earlier one does, so one for each call is enough.
        var records: [CallIdentifier: CallRecord] = [:]
        var order: [CallIdentifier] = []
        var lost = 0
    }

    private let executor = BlockingExecutor("sipcall.calllogger")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let directory: String
    private let box: String
    private let zone: @Sendable () -> String
    private let notice: @Sendable (Problem) -> Void
    private let whenWaiting: @Sendable () -> Void
    private nonisolated let waiting = Mutex(Waiting())
    private nonisolated let privacy = Mutex(CallPrivacy.full)
    private nonisolated let trouble = Mutex<Problem?>(nil)
    private nonisolated let settled = Mutex(false)
    private nonisolated let wakes: AsyncStream<Void>
    private nonisolated let wake: AsyncStream<Void>.Continuation
    private var key: SealingKey?
    private var spool: Spool?
    private var opening: (task: Task<Result<(Spool, Problem?), Problem>, Never>, since: MonotonicTime)?
    /// Sealed, and not in the spool yet.
    private var sealed: [SealedRecord] = []

    /// - Parameters:
    ///   - directory: the core's own, where `spool.sqlite` and `sealing-key` lie.
    ///   - box: names the box in every record.
    ///   - zone: where the box stands, as the tz database names it.
    ///   - notice: told of what happens once: a spool set aside, a new key, records lost.
    ///   - whenWaiting: called when records have come into the spool.
    package init(
        directory: String, box: String, zone: @escaping @Sendable () -> String,
        notice: @escaping @Sendable (Problem) -> Void, whenWaiting: @escaping @Sendable () -> Void
    ) {
        (self.directory, self.box, self.zone) = (directory, box, zone)
        (self.notice, self.whenWaiting) = (notice, whenWaiting)
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        key = SealingKeyFile.read(in: directory)
    }

    /// Why records do not come into the spool at the moment; nil when they do.
    package nonisolated var problem: Problem? { trouble.withLock { $0 } }

    /// Whether the spool was opened, or the disk said why not; false while it has not answered.
    package nonisolated var isSettled: Bool { settled.withLock { $0 } }

    /// Opens the spool ahead of the first record. A disk may take its time, so that nobody should wait for this without bound.
    package func open() async {
        do throws(Problem) {
            _ = try await openSpool()
        } catch {
            trouble.withLock { $0 = error }
        }
    }

    /// How much of the far number records keep from now on, and those that wait in memory as well.
    package nonisolated func keep(_ privacy: CallPrivacy) {
        self.privacy.withLock { $0 = privacy }
    }

    /// Leaves out what privacy leaves out, here, so that it is not in memory for as long as the disk takes nothing.
    private nonisolated func limited(_ record: CallRecord) -> CallRecord {
        let privacy = privacy.withLock { $0 }
        guard record.privacy.rawValue < privacy.rawValue else { return record }
        var record = record
        (record.far, record.privacy) = (record.far.limited(to: privacy), privacy)
        record.transferredTo = record.transferredTo?.limited(to: privacy)
        return record
    }

    /// Takes a record; never waits.
    package nonisolated func take(_ full: CallRecord) {
        let record = limited(full)
        waiting.withLock { waiting in
            if let former = waiting.records[record.identifier] {
                if former.stage < record.stage { waiting.records[record.identifier] = record }
            } else if waiting.records.count < Self.limit {
                waiting.records[record.identifier] = record
                waiting.order.append(record.identifier)
            } else {
                waiting.lost += 1
            }
        }
        wake.yield()
    }

    /// Works until it is cancelled.
    package func run() async {
        while !Task.isCancelled {
            let isDone = await turn()
            let retry =
                isDone
                ? nil
                : Task { [wake] in
                    try await Task.sleep(for: Self.retryTime)
                    wake.yield()
                }
            // The first wake-up, or the end of the task.
            for await _ in wakes { break }
            retry?.cancel()
        }
    }

    /// A last turn, and the truth about what could not be kept.
    package func stop() async {
        await turn()
        let left = waiting.withLock { $0.records.count } + sealed.count
        if left > 0 { notice(LedgerProblem.recordsLost(left)) }
        try? await spool?.checkpoint()
    }

    /// - Returns: whether nothing is left in memory.
    @discardableResult
    private func turn() async -> Bool {
        let lost = waiting.withLock { waiting in
            defer { waiting.lost = 0 }
            return waiting.lost
        }
        if lost > 0 { notice(LedgerProblem.recordsLost(lost)) }
        do throws(Problem) {
            let spool = try await openSpool()
            try seal()
            try await append(to: spool)
            trouble.withLock { $0 = nil }
        } catch {
            trouble.withLock { $0 = error }
        }
        return problem == nil
    }

    /// Checking a spool in which days of records wait takes its time. It is done on a thread of its own, so that whoever asks
    /// how things stand, the watchdog above all, is answered meanwhile.
    private func openSpool() async throws(Problem) -> Spool {
        if let spool { return spool }
        let opening: Task<Result<(Spool, Problem?), Problem>, Never>
        if let former = self.opening?.task {
            opening = former
        } else {
            let path = "\(directory)/spool.sqlite"
            opening = Task.detached {
                await withCheckedContinuation { continuation in
                    DispatchQueue(label: "sipcall.spool.opening").async {
                        do throws(Problem) {
                            continuation.resume(returning: .success(try Spool.openSettingAside(path)))
                        } catch {
                            continuation.resume(returning: .failure(error))
                        }
                    }
                }
            }
            self.opening = (opening, .now())
        }
        let result = await opening.value
        settled.withLock { $0 = true }
        // Several may have waited; the first of them takes it.
        if let spool { return spool }
        self.opening = nil
        let (opened, aside) = try result.get()
        if let aside { notice(aside) }
        spool = opened
        return opened
    }

    private func seal() throws(Problem) {
        guard let key else {
            guard waiting.withLock({ $0.records.isEmpty }) else { throw LedgerProblem.noSealingKey }
            return
        }
        // What the spool refuses must not pile up: the rest stays where it is bounded.
        guard sealed.count < Self.limit else { return }
        let records = waiting.withLock { waiting in
            defer { (waiting.records, waiting.order) = ([:], []) }
            return waiting.order.compactMap { waiting.records[$0] }
        }
        let zone = zone()
        for full in records {
            var record = limited(full)
            (record.box, record.zone) = (box, zone)
            do {
                sealed.append(try key.seal(record))
            } catch {
                notice(LedgerProblem.recordsLost(1))
            }
        }
    }

    private func append(to spool: Spool) async throws(Problem) {
        guard !sealed.isEmpty else { return }
        let records = sealed
        // In their order, in one commit.
        let outcomes = await spool.append(records)
        let refused = zip(records, outcomes).filter { $0.1 != nil }
        // Others may have been sealed meanwhile; they stand behind these.
        sealed = refused.map(\.0) + sealed.dropFirst(records.count)
        if refused.count < records.count { whenWaiting() }
        if let failure = refused.first?.1 { throw failure }
    }

    // MARK: - The web process

    /// The web process says which public key the ledger has.
    package func adopt(_ bytes: [UInt8]) throws(Problem) {
        guard bytes != key?.bytes else { return }
        let new = try SealingKey(bytes)
        if key != nil { notice(LedgerProblem.sealingKeyChanged) }
        key = new
        // If it cannot be kept, the web process says it again after the next start.
        SealingKeyFile.write(new, in: directory)
        wake.yield()
    }

    /// The oldest records that wait.
    package func batch(count: Int, bytes: Int) async throws(Problem) -> [SealedRecord] {
        try await batch(after: 0, count: count, bytes: bytes).map(\.record)
    }

    /// Those behind a position, with their positions.
    package func batch(after: Int64, count: Int, bytes: Int) async throws(Problem) -> [Spool.Entry] {
        try await openSpool().batch(after: after, count: count, bytes: bytes)
    }

    /// Deletes what the ledger has.
    package func acknowledge(_ headers: [RecordHeader]) async throws(Problem) {
        try await openSpool().acknowledge(headers)
    }

    /// For the watchdog: writes to the spool and waits until that is on the disk.
    ///
    /// - Returns: why records do not come into it; nil when they do.
    package func probe() async -> Problem? {
        if let opening, spool == nil {
            return MonotonicTime.now() - opening.since > .seconds(2) ? LedgerProblem.checking : problem
        }
        do throws(Problem) {
            try await openSpool().probe()
        } catch {
            return error
        }
        return problem
    }

    #if DEBUG
        /// Blocks the spool for good, as a disk would that never comes back.
        package func wedge() async {
            try? await openSpool().wedge()
        }
    #endif
}

/// The public key in a file of the core's: 64 hexadecimal digits. Nothing in it is secret.
enum SealingKeyFile {
    private static func path(_ directory: String) -> String { "\(directory)/sealing-key" }

    /// - Returns: nil for a file that is missing or of no use: the web process says the key again.
    static func read(in directory: String) -> SealingKey? {
        guard let bytes = PrivateBytes.read(path(directory), atMost: 128), bytes.count == 65, bytes.last == 0x0a else {
            return nil
        }
        var key: [UInt8] = []
        for index in 0..<32 {
            let digits = String(decoding: bytes[index * 2..<index * 2 + 2], as: UTF8.self)
            guard let byte = UInt8(digits, radix: 16) else { return nil }
            key.append(byte)
        }
        return try? SealingKey(key)
    }

    static func write(_ key: SealingKey, in directory: String) {
        try? PrivateBytes.replace(path(directory), with: Array("\(hexadecimal(key.bytes))\n".utf8))
    }
}
