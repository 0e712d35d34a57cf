import Foundation
import GRDB
package import Sealing
package import Wire

extension LedgerStore {
    /// Files a batch of the core's spool. Everything acknowledged is durable when this returns; filed again, it changes nothing.
    ///
    /// - Throws: the disk's or a file's problem: nothing is acknowledged then, and the core keeps the records.
    package func file(_ records: [SealedRecord]) throws(Problem) -> Filing {
        var filing = Filing()
        var groups: [Place: [PeriodFile.Row]] = [:]
        var strangers: [SealedRecord] = []
        for record in records {
            do {
                let planned = try plan(record)
                if let planned { groups[planned.place, default: []].append(planned.row) } else { filing.erased += 1 }
            } catch {
                strangers.append(record)
            }
        }
        for (place, rows) in groups.sorted(by: { $0.key.period < $1.key.period }) {
            for (period, rows) in try parts(of: place, for: rows) { try file(period, place.kind).put(rows) }
        }
        try unopened.put(strangers)
        filing.unopened = strangers.count
        filing.acknowledged = records.map(\.header)
        return filing
    }

    struct Place: Hashable {
        var period: Period
        var kind: RecordKind
    }

    /// - Returns: nil when it was erased.
    /// - Throws: when it cannot be opened or read.
    private func plan(_ record: SealedRecord) throws(Problem) -> (place: Place, row: PeriodFile.Row)? {
        let bytes = try openingKey.open(record)
        let (terms, time): ([Searchable.Term], WallTime)
        var erasable: [Searchable.Term]
        switch record.header.kind {
        case .call:
            let call = try CallRecord(bytes, as: record.header)
            (terms, time) = (Searchable.terms(of: call), call.dialled)
            erasable = terms + [("call", Redacted(call.identifier.description))]
        case .quality, .trace:
            let detail = try CallDetail(bytes, as: record.header)
            (terms, time) = (Searchable.terms(of: detail), detail.time)
            erasable = terms
        case .audit: throw LedgerProblem.recordUnreadable
        }
        guard let period = Period(containing: time, length: settings.length) else {
            throw LedgerProblem.recordUnreadable
        }
        erasable.removeAll { $0.meaning == "end" }
        guard !erasures.covers(erasable, at: time) else { return nil }
        return (
            Place(period: period, kind: record.header.kind),
            PeriodFile.Row(header: record.header, bytes: bytes, terms: terms)
        )
    }

    /// Which rows belong into which part: a record that is there stays where it is, others go into the last part that has room.
    private func parts(
        of place: Place, for rows: [PeriodFile.Row]
    ) throws(Problem) -> [(Period, [PeriodFile.Row])] {
        let parts = periods(place.kind).filter { $0.name == place.period.name }
        var last = parts.last ?? place.period
        if !parts.isEmpty, try file(last, place.kind).file.size() >= settings.largestFile { last = last.next ?? last }
        guard parts.count > 1 || last != parts.last ?? last else { return [(last, rows)] }
        var byPart: [Period: [PeriodFile.Row]] = [:]
        for row in rows {
            var home = last
            for part in parts.reversed() where try file(part, place.kind).contains(row.header.identifier) {
                home = part
                break
            }
            byPart[home, default: []].append(row)
        }
        return byPart.sorted { $0.key < $1.key }
    }

    /// Tries again what could not be opened before: a key was restored, a newer version installed.
    func fileUnopened() throws(Problem) {
        var after: Int64 = 0
        while true {
            let page = try unopened.page(after: after, count: 100)
            guard let last = page.last else { return }
            after = last.position
            for entry in page {
                guard let planned = try? plan(entry.record) else { continue }
                for (period, rows) in try parts(of: planned.place, for: [planned.row]) {
                    try file(period, planned.place.kind).put(rows)
                }
                try unopened.remove(entry.position)
            }
        }
    }
}

/// Sealed records that could not be opened, kept as they came: for a restored key or a newer version.
struct UnopenedRecords {
    /// Bytes; the oldest go first.
    private static let limit = 16 << 20

    private let file: LedgerDatabase

    init(_ path: String) throws(Problem) {
        file = try LedgerDatabase(
            path, sort: .unopened, version: 1,
            tables: """
                CREATE TABLE record (
                    position INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, kind INTEGER NOT NULL,
                    revision INTEGER NOT NULL, schema INTEGER NOT NULL, sealed BLOB NOT NULL,
                    UNIQUE (id, kind, revision, sealed)
                );
                """)
    }

    func put(_ records: [SealedRecord]) throws(Problem) {
        guard !records.isEmpty else { return }
        try file.transact { database in
            for record in records {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO record (id, kind, revision, schema, sealed) VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        Data(record.header.identifier.bytes), record.header.kind.rawValue, record.header.revision,
                        record.header.schema, Data(record.sealed),
                    ])
            }
            try database.execute(
                sql: """
                    DELETE FROM record WHERE position <= (
                        SELECT position FROM (
                            SELECT position, sum(length(sealed)) OVER (ORDER BY position DESC) AS bytes FROM record
                        ) WHERE bytes > ? ORDER BY position DESC LIMIT 1)
                    """, arguments: [Self.limit])
        }
    }

    func page(after: Int64, count: Int) throws(Problem) -> [(position: Int64, record: SealedRecord)] {
        try file.work { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT position, id, kind, revision, schema, sealed FROM record WHERE position > ?
                    ORDER BY position LIMIT ?
                    """, arguments: [after, count])
            return try rows.map { row in
                guard let header = RecordHeader(row) else { throw LedgerProblem.damaged(file.path) }
                return (row[0], SealedRecord(header: header, sealed: Array(row[5] as Data)))
            }
        }
    }

    func remove(_ position: Int64) throws(Problem) {
        try file.transact { try $0.execute(sql: "DELETE FROM record WHERE position = ?", arguments: [position]) }
    }

    func count() throws(Problem) -> Int {
        try file.work { try Int.fetchOne($0, sql: "SELECT count(*) FROM record") ?? 0 }
    }
}
