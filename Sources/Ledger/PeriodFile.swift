import Foundation
import GRDB
import Sealing
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
    /// Grows with every change, for what is derived from the file.
    private(set) var generation = 0

    init(_ path: String, period: Period, kind: RecordKind, key: PeriodKey) throws(Problem) {
        (self.period, self.kind, self.key) = (period, kind, key)
        file = try LedgerDatabase(path, sort: .period, version: 1, tables: Self.tables)
    }

    /// Files all of them durably, or none. A row whose identifier is there is replaced by a higher revision only: filed
    /// twice, it is there once.
    func put(_ rows: [Row]) throws(Problem) {
        generation += 1
        try file.transact { database in
            for row in rows { try put(row, database) }
        }
    }

    private func put(_ row: Row, _ database: Database) throws {
        let id = Data(row.header.identifier.bytes)
        let find = try database.cachedStatement(
            sql: "SELECT number, id, kind, revision, schema, sealed FROM row WHERE id = ?")
        let tokens = Set(row.terms.map { key.token(of: $0.text, as: $0.meaning) })
        let sealed = Data(key.seal(row.bytes.revealed, as: row.header))
        var number: Int64
        var former: Set<Int64> = []
        if let there = try GRDB.Row.fetchOne(find, arguments: [id]) {
            guard let found = found(there) else { throw LedgerProblem.damaged(file.path) }
            guard found.header.revision < row.header.revision else { return }
            number = found.number
            if let bytes = found.bytes, let terms = Searchable.terms(of: bytes, as: found.header) {
                former = Set(terms.map { key.token(of: $0.text, as: $0.meaning) })
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
        generation += 1
        try file.transact { database in
            for number in numbers {
                try database.execute(sql: "DELETE FROM row WHERE number = ?", arguments: [number])
                try database.execute(sql: "DELETE FROM token WHERE row = ?", arguments: [number])
            }
        }
    }

    /// Reads everything: pages, seals, and whether the hashes are those of the rows.
    ///
    /// - Throws: `ledger.file-damaged`, ``SealingProblem/notAuthentic``.
    func verify() throws(Problem) {
        try file.check()
        var (below, tokens) = (Int64.max, 0)
        while true {
            let page = try rows(below: below, count: 500)
            guard let last = page.last else { break }
            below = last.number
            for row in page {
                guard let bytes = row.bytes else { throw SealingProblem.notAuthentic }
                guard let terms = Searchable.terms(of: bytes, as: row.header) else { continue }
                let wanted = Set(terms.map { key.token(of: $0.text, as: $0.meaning) })
                tokens += wanted.count
                for token in wanted {
                    let isThere = try file.work {
                        try Bool.fetchOne(
                            $0, sql: "SELECT EXISTS (SELECT 1 FROM token WHERE token = ? AND row = ?)",
                            arguments: [token, row.number]) ?? false
                    }
                    guard isThere else { throw LedgerProblem.damaged(file.path) }
                }
            }
        }
        let all = try file.work { try Int.fetchOne($0, sql: "SELECT count(*) FROM token") ?? 0 }
        guard all == tokens else { throw LedgerProblem.damaged(file.path) }
    }
}
