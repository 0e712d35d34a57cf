import Foundation
import GRDB
import GRDBSQLite
import Wire

/// A copy of a database in use, made some pages at a time (SQLite's online backup).
///
/// It reads through the connection that writes: what is changed between two steps is changed in the copy as well
/// (sqlite.org/c3ref/backup_finish.html), and no lock is held between them that would keep a log from being cut.
final class DatabaseCopy {
    /// 256 kB: some milliseconds, on a slow memory card some more.
    private static let pages: Int32 = 64

    private let source: LedgerDatabase
    private let path: String
    private let target: DatabaseQueue
    private var backup: OpaquePointer?

    /// - Parameter path: made anew (0600).
    /// - Throws: `ledger.disk-full`, `ledger.cannot-write` and the like.
    init(of source: LedgerDatabase, to path: String) throws(Problem) {
        (self.source, self.path) = (source, path)
        for ending in ["", "-wal", "-shm", "-journal"] { unlink(path + ending) }
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw errno == ENOSPC ? LedgerProblem.diskFull(path) : LedgerProblem.cannotWrite(path)
        }
        close(descriptor)
        do {
            target = try DatabaseQueue(path: path)
            backup = try target.inDatabase { copy in
                // It is packed and thrown away: a copy that a crash cuts short is made again.
                try copy.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
                return source.queue.inDatabase { original in
                    sqlite3_backup_init(copy.sqliteConnection, "main", original.sqliteConnection, "main")
                }
            }
        } catch {
            throw LedgerProblem.from(error, path)
        }
        guard backup != nil else { throw LedgerProblem.cannotWrite(path) }
    }

    deinit { finish() }

    /// Pages that are not copied yet, as of the last step.
    var remaining: Int { backup.map { Int(sqlite3_backup_remaining($0)) } ?? 0 }

    /// - Returns: false when all is copied.
    func step() throws(Problem) -> Bool {
        guard let backup else { return false }
        let code = source.queue.inDatabase { _ in sqlite3_backup_step(backup, Self.pages) }
        switch code {
        case SQLITE_OK: return true
        case SQLITE_DONE:
            finish()
            return false
        case SQLITE_FULL: throw LedgerProblem.diskFull(path)
        default: throw LedgerProblem.from(DatabaseError(resultCode: ResultCode(rawValue: code)), source.path)
        }
    }

    /// Nothing more is copied; the connections are free again.
    private func finish() {
        guard let backup else { return }
        self.backup = nil
        _ = source.queue.inDatabase { _ in sqlite3_backup_finish(backup) }
    }
}
