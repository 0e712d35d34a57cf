import Foundation
import GRDB
package import Sealing
package import Wire

extension LedgerStore {
    /// Files a batch of the core's spool. Everything acknowledged is durable when this returns; filed again, it changes nothing.
    ///
    /// A part that cannot be used keeps nothing else from being filed: its records are not acknowledged, so the core keeps them.
    package func file(_ records: [SealedRecord]) -> Filing {
        var filing = Filing()
        var groups: [Place: [PeriodFile.Row]] = [:]
        var strangers: [SealedRecord] = []
        for record in records {
            do {
                guard let planned = try plan(record) else {
                    filing.erased += 1
                    filing.acknowledged.append(record.header)
                    continue
                }
                // The cost and other amendments are the web process's to tell: see ``amend(_:)``.
                guard record.header.kind != .call || record.header.revision < CallRecord.Stage.amended.rawValue else {
                    throw LedgerProblem.recordUnreadable
                }
                groups[planned.place, default: []].append(planned.row)
            } catch {
                strangers.append(record)
            }
        }
        for (place, rows) in groups.sorted(by: { $0.key < $1.key }) {
            let (filed, unusable) = put(rows, into: place)
            filing.acknowledged += filed
            filing.unusable += unusable
        }
        do {
            try unopened.put(strangers)
            filing.unopened = strangers.count
            filing.acknowledged += strangers.map(\.header)
        } catch {
            filing.unusable.append(UnusablePart(unopened: error))
        }
        return filing
    }

    /// What the web process itself adds to a call that is over.
    ///
    /// - Throws: the problem of the period's file.
    package func amend(_ records: [CallRecord]) throws(Problem) {
        for record in records {
            guard let planned = try plan(Redacted(record.encoded), as: record.header) else { continue }
            if let part = put([planned.row], into: planned.place).unusable.first { throw part.problem }
        }
    }

    /// - Returns: what is durable, and which parts took nothing.
    private func put(
        _ rows: [PeriodFile.Row], into place: Place
    ) -> (filed: [RecordHeader], unusable: [UnusablePart]) {
        var (filed, unusable): ([RecordHeader], [UnusablePart]) = ([], [])
        let parts: [(Period, [PeriodFile.Row])]
        do {
            parts = try self.parts(of: place, for: rows)
        } catch {
            return ([], [UnusablePart(place.period, place.kind, error)])
        }
        for (period, rows) in parts {
            do {
                try file(period, place.kind).put(rows)
                filed += rows.map(\.header)
            } catch {
                // Opened anew the next time: the file may have been put back by then.
                close(period, place.kind)
                unusable.append(UnusablePart(period, place.kind, error))
            }
        }
        return (filed, unusable)
    }

    struct Place: Hashable, Comparable {
        var period: Period
        var kind: RecordKind

        static func < (left: Self, right: Self) -> Bool {
            (left.period, left.kind.rawValue) < (right.period, right.kind.rawValue)
        }
    }

    /// - Returns: nil when it was erased.
    /// - Throws: when it cannot be opened or read.
    private func plan(_ record: SealedRecord) throws(Problem) -> (place: Place, row: PeriodFile.Row)? {
        try plan(try openingKey.open(record), as: record.header)
    }

    private func plan(
        _ bytes: Redacted<[UInt8]>, as header: RecordHeader
    ) throws(Problem) -> (place: Place, row: PeriodFile.Row)? {
        let (terms, time): ([Searchable.Term], WallTime)
        var erasable: [Searchable.Term]
        switch header.kind {
        case .call:
            let call = try CallRecord(bytes, as: header)
            (terms, time) = (Searchable.terms(of: call), call.dialled)
            erasable = terms + [("call", Redacted(call.identifier.description))]
        case .quality, .trace:
            let detail = try CallDetail(bytes, as: header)
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
            Place(period: period, kind: header.kind),
            PeriodFile.Row(header: header, bytes: bytes, terms: terms, time: time)
        )
    }

    /// Which rows belong into which part: a record that is there stays where it is, others go into the last part that has room.
    ///
    /// The length of periods may have been changed while a call went on: where it lies is looked for under every length.
    private func parts(
        of place: Place, for rows: [PeriodFile.Row]
    ) throws(Problem) -> [(Period, [PeriodFile.Row])] {
        let all = try periods(place.kind)
        let parts = all.filter { $0.name == place.period.name }
        let others = all.filter {
            $0.name != place.period.name && $0.start < place.period.end && $0.end > place.period.start
        }
        var last = parts.last ?? place.period
        if !parts.isEmpty, try file(last, place.kind).file.size() >= settings.fileLimit { last = last.next ?? last }
        guard parts.count > 1 || last != parts.last ?? last || !others.isEmpty else { return [(last, rows)] }
        var byPart: [Period: [PeriodFile.Row]] = [:]
        for row in rows {
            var home = last
            let covering = others.filter { $0.start <= row.time && $0.end > row.time }
            for part in parts.reversed() + covering
            where try file(part, place.kind).contains(row.header.identifier) {
                home = part
                break
            }
            byPart[home, default: []].append(row)
        }
        return byPart.sorted { $0.key < $1.key }
    }

    /// Tries again what could not be opened before: a key was restored, a newer version installed. What was erased meanwhile
    /// goes, and leaves nothing in file and log.
    ///
    /// - Throws: when the file of such records cannot be read or written.
    func fileUnopened() throws(Problem) {
        var (after, gone): (Int64, Int) = (0, 0)
        while true {
            let page = try unopened.page(after: after, count: 100)
            guard let last = page.last else { break }
            after = last.position
            for entry in page {
                let planned: (place: Place, row: PeriodFile.Row)?
                do { planned = try plan(entry.record) } catch { continue }
                if let planned {
                    let isForged =
                        planned.place.kind == .call && planned.row.header.revision >= CallRecord.Stage.amended.rawValue
                    guard !isForged, put([planned.row], into: planned.place).unusable.isEmpty else { continue }
                }
                try unopened.remove(entry.position)
                gone += 1
            }
        }
        if gone > 0 { try readers.alone { () throws(Problem) in try unopened.wipe() } }
    }
}

extension UnusablePart {
    fileprivate init(unopened cause: Problem) {
        name = "unopened"
        problem = LedgerProblem.periodUnusable(name, cause)
    }
}

/// Sealed records that could not be opened, kept as they came: for a restored key or a newer version.
struct UnopenedRecords {
    /// Bytes; the oldest go first.
    private static let limit = 16 << 20
    static let version = 1

    let file: LedgerDatabase

    init(_ path: String) throws(Problem) {
        file = try LedgerDatabase(
            path, sort: .unopened, version: Self.version,
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

    /// After ``remove(_:)``: nothing of it stays in file and log.
    func wipe() throws(Problem) { try file.wipe() }

    func count() throws(Problem) -> Int {
        try file.work { try Int.fetchOne($0, sql: "SELECT count(*) FROM record") ?? 0 }
    }
}
