import Foundation
import GRDB
import Sealing
import Synchronization
import Wire

/// The records of one kind in one part of a period: `2026-11.calls.sqlite` and the key that opens its rows.
///
/// In clear lie identifier, revision, form, order and size of each row, and for each searchable value a keyed hash.
final class PeriodFile {
    /// A record on its way into the file.
    struct Row {
        var header: RecordHeader
        var bytes: Redacted<[UInt8]>
        var terms: [Searchable.Term]
        /// Of the call; the period is the one that it lies in.
        var time: WallTime
    }

    /// A row as it was read.
    struct Found {
        /// The order of filing: 1, 2, …
        var number: Int64
        var header: RecordHeader
        /// nil when the row is damaged.
        var bytes: Redacted<[UInt8]>?
    }

    private static let tables = """
        CREATE TABLE row (
            number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL,
            revision INTEGER NOT NULL, schema INTEGER NOT NULL, sealed BLOB NOT NULL
        );
        CREATE TABLE token (token INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (token, row)) WITHOUT ROWID;
        """

    let period: Period
    let kind: RecordKind
    let key: PeriodKey
    let file: LedgerDatabase
    /// Another one after every change and every opening, for what is derived from the file.
    private(set) var generation = changes.add(1, ordering: .relaxed).newValue
    private static let changes = Atomic(0)

    static let version = 1

    init(_ path: String, period: Period, kind: RecordKind, key: PeriodKey) throws(Problem) {
        (self.period, self.kind, self.key) = (period, kind, key)
        file = try LedgerDatabase(path, sort: .period, version: Self.version, tables: Self.tables)
    }

    /// A file that was opened before.
    init(_ file: LedgerDatabase, period: Period, kind: RecordKind, key: PeriodKey) {
        (self.period, self.kind, self.key, self.file) = (period, kind, key, file)
    }

    /// What a row is found by. A row that can be found by nothing has one that nobody searches for: as with the others it ties
    /// the row's number, which no seal covers, to the row.
    private func tokens(of terms: [Searchable.Term], _ header: RecordHeader) -> Set<Int64> {
        guard !terms.isEmpty else { return [key.token(of: Redacted("\(header.identifier)"), as: "row")] }
        return Set(terms.map { key.token(of: $0.text, as: $0.meaning) })
    }

    /// Files all of them durably, or none. A row whose identifier is there is replaced by a higher revision only: filed
    /// twice, it is there once.
    func put(_ rows: [Row]) throws(Problem) {
        generation = Self.changes.add(1, ordering: .relaxed).newValue
        try file.transact { database in
            for row in rows { try put(row, database) }
        }
    }

    private func put(_ row: Row, _ database: Database) throws {
        let id = Data(row.header.identifier.bytes)
        let find = try database.cachedStatement(
            sql: "SELECT number, id, kind, revision, schema, sealed FROM row WHERE id = ?")
        let tokens = tokens(of: row.terms, row.header)
        let sealed = Data(key.seal(row.bytes.revealed, as: row.header))
        var number: Int64
        var former: Set<Int64> = []
        if let there = try GRDB.Row.fetchOne(find, arguments: [id]) {
            guard let found = found(there) else { throw LedgerProblem.damaged(file.path) }
            guard found.header.revision < row.header.revision else { return }
            number = found.number
            if let bytes = found.bytes, let terms = Searchable.terms(of: bytes, as: found.header) {
                former = self.tokens(of: terms, found.header)
            } else {
                try database.execute(sql: "DELETE FROM token WHERE row = ?", arguments: [number])
            }
            let change = try database.cachedStatement(
                sql: "UPDATE row SET revision = ?, schema = ?, sealed = ? WHERE number = ?")
            try change.execute(arguments: [row.header.revision, row.header.schema, sealed, number])
        } else {
            let insert = try database.cachedStatement(
                sql: "INSERT INTO row (id, kind, revision, schema, sealed) VALUES (?, ?, ?, ?, ?)")
            try insert.execute(arguments: [id, kind.rawValue, row.header.revision, row.header.schema, sealed])
            number = database.lastInsertedRowID
        }
        let forget = try database.cachedStatement(sql: "DELETE FROM token WHERE token = ? AND row = ?")
        for token in former.subtracting(tokens) { try forget.execute(arguments: [token, number]) }
        let remember = try database.cachedStatement(sql: "INSERT OR IGNORE INTO token (token, row) VALUES (?, ?)")
        for token in tokens { try remember.execute(arguments: [token, number]) }
    }

    private func found(_ row: GRDB.Row) -> Found? {
        guard let header = RecordHeader(row), header.kind == kind,
            let sealed = Data.fromDatabaseValue(row["sealed"] as DatabaseValue),
            let number = Int64.fromDatabaseValue(row["number"] as DatabaseValue)
        else { return nil }
        return Found(number: number, header: header, bytes: try? key.open(Array(sealed), as: header))
    }

    func contains(_ identifier: RecordIdentifier) throws(Problem) -> Bool {
        try file.work {
            try Bool.fetchOne(
                $0, sql: "SELECT EXISTS (SELECT 1 FROM row WHERE id = ?)", arguments: [Data(identifier.bytes)]) ?? false
        }
    }

    /// Rows below a number, the newest first.
    ///
    /// - Parameter term: only rows that may have it.
    /// - Throws: `ledger.file-damaged` when not even the clear part of a row makes sense.
    func rows(below: Int64 = .max, count: Int, with term: Searchable.Term? = nil) throws(Problem) -> [Found] {
        try file.work { database in
            var found: [Found] = []
            let columns = "number, id, kind, revision, schema, sealed"
            let rows: RowCursor
            if let term {
                rows = try GRDB.Row.fetchCursor(
                    database.cachedStatement(
                        sql: """
                            SELECT \(columns) FROM token JOIN row ON row.number = token.row
                            WHERE token.token = ? AND token.row < ? ORDER BY token.row DESC LIMIT ?
                            """), arguments: [key.token(of: term.text, as: term.meaning), below, count])
            } else {
                rows = try GRDB.Row.fetchCursor(
                    database.cachedStatement(
                        sql: "SELECT \(columns) FROM row WHERE number < ? ORDER BY number DESC LIMIT ?"),
                    arguments: [below, count])
            }
            while let row = try rows.next() {
                guard let next = self.found(row) else { throw LedgerProblem.damaged(file.path) }
                found.append(next)
            }
            return found
        }
    }

    /// Removes rows and their hashes; ``LedgerDatabase/wipe()`` must follow.
    func remove(_ numbers: [Int64]) throws(Problem) {
        generation = Self.changes.add(1, ordering: .relaxed).newValue
        try file.transact { database in
            for number in numbers {
                try database.execute(sql: "DELETE FROM row WHERE number = ?", arguments: [number])
                try database.execute(sql: "DELETE FROM token WHERE row = ?", arguments: [number])
            }
        }
    }

    /// What a look at every row has come to.
    struct Inspection {
        var rows = 0
        /// Numbers of rows that are not as they were sealed, or cannot be found as they should; at most ``mostNamed``.
        var damaged: [Int64] = []
        static let mostNamed = 100
    }

    /// Reads everything: pages, seals, and whether the hashes are those of the rows.
    ///
    /// - Parameter goOn: called now and then; throws when the look must end.
    /// - Throws: `ledger.file-damaged` when more is damaged than single rows.
    func inspect(goOn: () throws -> Void = {}) throws(Problem) -> Inspection {
        try file.look { database in
            try goOn()
            try file.check(database)
            var (inspection, tokens, isAllKnown) = (Inspection(), 0, true)
            func damaged(_ number: Int64) {
                isAllKnown = false
                if inspection.damaged.count < Inspection.mostNamed { inspection.damaged.append(number) }
            }
            let find = try database.cachedStatement(
                sql: "SELECT EXISTS (SELECT 1 FROM token WHERE token = ? AND row = ?)")
            let rows = try GRDB.Row.fetchCursor(
                database, sql: "SELECT number, id, kind, revision, schema, sealed FROM row ORDER BY number")
            while let row = try rows.next() {
                inspection.rows += 1
                if inspection.rows % 200 == 0 { try goOn() }
                guard let found = found(row), let bytes = found.bytes else {
                    damaged(Int64.fromDatabaseValue(row["number"] as DatabaseValue) ?? 0)
                    continue
                }
                // A newer version's row is whole, and only that version knows what it is found by.
                guard let terms = Searchable.terms(of: bytes, as: found.header) else {
                    isAllKnown = false
                    continue
                }
                let wanted = self.tokens(of: terms, found.header)
                tokens += wanted.count
                for token in wanted where try Bool.fetchOne(find, arguments: [token, found.number]) != true {
                    damaged(found.number)
                    break
                }
            }
            if isAllKnown, try Int.fetchOne(database, sql: "SELECT count(*) FROM token") != tokens {
                throw LedgerProblem.damaged(file.path)
            }
            return inspection
        }
    }
}
