import Foundation
import GRDB
package import Sealing
package import Wire

/// What waits in the core for the web process: sealed records that the core cannot read, durable from the moment that
/// ``append(_:)`` returns until ``acknowledge(_:)``.
///
///     append ──one commit for all that wait──▶ spool.sqlite ──batch──▶ web files it ──acknowledge──▶ deleted
///
/// A crash anywhere on the way means that a record is handed over again; the ledger files each only once.
/// It is bounded: at its limit the oldest messages (traces) go first, then the oldest figures of sound. A call's record that was
/// taken is never thrown away: when nothing else is left to go, new ones are refused.
package actor Spool {
    /// Bytes that one record may have.
    package static let largestRecord = 128 * 1024

    /// One that waits. The position only orders; what is acknowledged is the header.
    package struct Entry: Sendable, Equatable {
        package var position: Int64
        package var record: SealedRecord
    }

    /// What became of the records so far, since the spool was opened.
    package struct Figures: Sendable, Equatable {
        package var waiting = 0
        /// Bytes of sealed records that wait.
        package var bytes = 0
        /// Thrown away at the limit: traces and figures of sound.
        package var thrownAway = 0
        /// Refused at the limit.
        package var refused = 0
    }

    /// What one caller appends, in its order.
    private struct Waiter {
        var records: [SealedRecord]
        var continuation: CheckedContinuation<[Problem?], Never>
    }

    private static let tables = """
        CREATE TABLE record (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            id BLOB NOT NULL, kind INTEGER NOT NULL, revision INTEGER NOT NULL, schema INTEGER NOT NULL,
            sealed BLOB NOT NULL,
            UNIQUE (id, kind, revision)
        );
        CREATE INDEX record_kind ON record (kind, position);
        """

    private let executor = BlockingExecutor("sipcall.spool")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    nonisolated let file: LedgerDatabase
    private let limit: Int
    private var pending: [Waiter] = []
    private var isCommitting = false
    package private(set) var figures = Figures()

    /// - Parameters:
    ///   - path: of `spool.sqlite`; made if missing.
    ///   - limit: bytes of sealed records that may wait.
    /// - Throws: as ``LedgerDatabase``; with `ledger.file-damaged` use ``openSettingAside(_:limit:)``.
    package init(_ path: String, limit: Int = 256 << 20) throws(Problem) {
        file = try LedgerDatabase(path, sort: .spool, version: 1, tables: Self.tables)
        self.limit = limit
        try file.checkQuickly()
        figures = try file.work { database in
            let row = try Row.fetchOne(database, sql: "SELECT count(*), coalesce(sum(length(sealed)), 0) FROM record")
            return Figures(waiting: row?[0] ?? 0, bytes: row?[1] ?? 0)
        }
    }

    /// Opens the spool; one that is damaged, foreign or newer is renamed to `….aside-N` and a new one made, because calls must be
    /// recorded now. What was set aside stays for a repair.
    ///
    /// - Returns: the spool, and why the former was set aside.
    /// - Throws: when not even a new one can be made.
    package static func openSettingAside(_ path: String, limit: Int = 256 << 20) throws(Problem) -> (Spool, Problem?) {
        do {
            return (try Spool(path, limit: limit), nil)
        } catch {
            guard ["ledger.file-damaged", "ledger.file-foreign", "ledger.file-newer"].contains(error.code) else {
                throw error
            }
            // The name must be free: nothing that was set aside before is overwritten.
            guard let number = (1...99).first(where: { access("\(path).aside-\($0)", F_OK) != 0 }) else { throw error }
            for ending in ["-wal", "-shm", ""] where access(path + ending, F_OK) == 0 {
                guard rename(path + ending, "\(path).aside-\(number)\(ending)") == 0 else {
                    throw LedgerProblem.cannotWrite(path)
                }
            }
            LedgerDatabase.synchronise(directoryOf: path)
            return (try Spool(path, limit: limit), error)
        }
    }

    /// Returns once the record is on the disk. Records that come while the disk is busy share the next commit.
    ///
    /// - Throws: `ledger.spool-full` when it was refused; `ledger.disk-full` and the like when the disk failed: it is not kept then.
    package func append(_ record: SealedRecord) async throws(Problem) {
        if let failure = await append([record]).first, let failure { throw failure }
    }

    /// Appends records in their order, in one commit; returns once they are on the disk.
    ///
    /// - Returns: for each, why it is not kept; nil when it is. When the disk fails none is.
    package func append(_ records: [SealedRecord]) async -> [Problem?] {
        guard !records.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            pending.append(Waiter(records: records, continuation: continuation))
            guard !isCommitting else { return }
            isCommitting = true
            // Whoever has called already is queued before this.
            Task { commit() }
        }
    }

    private func commit() {
        isCommitting = false
        let waiters = pending
        pending = []
        let records = waiters.flatMap(\.records)
        let room = makeRoom(for: records.reduce(0) { $0 + $1.sealed.count })
        var outcomes: [Problem?]
        do {
            let (refused, added, bytes) = try file.transact { database in
                let statement = try database.cachedStatement(
                    sql: """
                        INSERT OR IGNORE INTO record (id, kind, revision, schema, sealed) VALUES (?, ?, ?, ?, ?)
                        """)
                var (left, refused, added) = (room, Set<Int>(), 0)
                for (index, record) in records.enumerated() {
                    guard record.sealed.count <= min(left, Self.largestRecord) else {
                        refused.insert(index)
                        continue
                    }
                    try statement.execute(
                        arguments: [
                            Data(record.header.identifier.bytes), record.header.kind.rawValue, record.header.revision,
                            record.header.schema, Data(record.sealed),
                        ])
                    // None when it waits already.
                    added += database.changesCount
                    left -= database.changesCount * record.sealed.count
                }
                return (refused, added, room - left)
            }
            figures.waiting += added
            figures.bytes += bytes
            figures.refused += refused.count
            outcomes = records.indices.map { refused.contains($0) ? LedgerProblem.spoolFull : nil }
        } catch {
            outcomes = records.map { _ in error }
        }
        for waiter in waiters {
            waiter.continuation.resume(returning: Array(outcomes.prefix(waiter.records.count)))
            outcomes.removeFirst(min(waiter.records.count, outcomes.count))
        }
    }

    /// Throws the oldest traces away, then the oldest figures of sound, until `bytes` fit or none are left.
    ///
    /// - Returns: how many bytes fit.
    private func makeRoom(for bytes: Int) -> Int {
        for kind in [RecordKind.trace, .quality] where figures.bytes + bytes > limit {
            let wanted = figures.bytes + bytes - limit
            let gone = try? file.transact { database in
                var (count, freed) = (0, 0)
                var last: Int64?
                let rows = try Row.fetchCursor(
                    database, sql: "SELECT position, length(sealed) FROM record WHERE kind = ? ORDER BY position",
                    arguments: [kind.rawValue])
                while freed < wanted, let row = try rows.next() {
                    (count, freed, last) = (count + 1, freed + row[1], row[0])
                }
                try database.execute(
                    sql: "DELETE FROM record WHERE kind = ? AND position <= ?", arguments: [kind.rawValue, last ?? 0])
                return (count: count, freed: freed)
            }
            guard let gone else { continue }
            figures.waiting -= gone.count
            figures.bytes -= gone.freed
            figures.thrownAway += gone.count
        }
        return max(0, limit - figures.bytes)
    }

    /// The oldest that wait.
    ///
    /// - Parameters:
    ///   - after: a position from an earlier batch that is not acknowledged yet; 0 for the oldest of all.
    ///   - count: at most so many, 1...1,000.
    ///   - bytes: at most so many of sealed records, but one record in any case.
    package func batch(after: Int64 = 0, count: Int = 200, bytes: Int = 256 * 1024) throws(Problem) -> [Entry] {
        try file.work { database in
            var (entries, total): ([Entry], Int) = ([], 0)
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT position, id, kind, revision, schema, sealed FROM record WHERE position > ?
                    ORDER BY position LIMIT ?
                    """, arguments: [after, min(max(count, 1), 1000)])
            while let row = try rows.next() {
                guard let header = RecordHeader(row) else { throw LedgerProblem.damaged(file.path) }
                let sealed = Array(row[5] as Data)
                total += sealed.count
                if total > bytes, !entries.isEmpty { break }
                entries.append(Entry(position: row[0], record: SealedRecord(header: header, sealed: sealed)))
            }
            return entries
        }
    }

    /// Deletes what the ledger has filed. Records that are gone already are passed over.
    package func acknowledge(_ headers: [RecordHeader]) throws(Problem) {
        let gone = try file.transact { database in
            let statement = try database.cachedStatement(
                sql: "DELETE FROM record WHERE id = ? AND kind = ? AND revision = ? RETURNING length(sealed)")
            var (count, bytes) = (0, 0)
            for header in headers {
                let size = try Int.fetchOne(
                    statement,
                    arguments: [Data(header.identifier.bytes), header.kind.rawValue, header.revision])
                if let size { (count, bytes) = (count + 1, bytes + size) }
            }
            return (count: count, bytes: bytes)
        }
        figures.waiting -= gone.count
        figures.bytes -= gone.bytes
    }

    /// Writes without changing anything, and returns once it is on the disk: whether a record could be kept now.
    package func probe() throws(Problem) {
        try file.transact { try $0.execute(sql: "PRAGMA user_version = 1") }
    }

    /// For the end of the process and for backups: everything in one file, nothing in the log.
    package func checkpoint() throws(Problem) {
        try file.work { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    }

    #if DEBUG
        /// Blocks its thread for good. A release build does not have it.
        func wedge() {
            while true { sleep(60) }
        }
    #endif
}

extension RecordHeader {
    /// - Parameter row: id, kind, revision, schema, by name.
    /// - Returns: nil for values that no record has.
    init?(_ row: Row) {
        guard let id = Data.fromDatabaseValue(row["id"] as DatabaseValue),
            let kind = UInt8.fromDatabaseValue(row["kind"] as DatabaseValue).flatMap({ RecordKind(rawValue: $0) }),
            let revision = UInt8.fromDatabaseValue(row["revision"] as DatabaseValue),
            let schema = UInt16.fromDatabaseValue(row["schema"] as DatabaseValue),
            let identifier = RecordIdentifier(id)
        else { return nil }
        self.init(identifier: identifier, kind: kind, revision: revision, schema: schema)
    }
}
