import Foundation
import GRDB
import Wire

/// One SQLite file, opened the way every file here is: by its owner only, durable, and leaving nothing deleted behind.
///
/// - synchronous FULL in WAL mode: a commit that has returned survives the loss of power (sqlite.org/wal.html §2.2).
/// - secure_delete: what is deleted is overwritten with zeros within the file; see ``wipe()`` for the rest.
/// - application_id names SIPCall and the sort of file, user_version its form: a foreign or newer file is not touched.
struct LedgerDatabase {
    /// What the file holds; the number is its `application_id`.
    enum Sort: Int32 {
        case spool = 0x5343_5301
        case period = 0x5343_5302
        case audit = 0x5343_5303
        case unopened = 0x5343_5304
    }

    let path: String
    let queue: DatabaseQueue

    /// Opens the file, or makes it (0600) when it is missing.
    ///
    /// - Parameters:
    ///   - version: of the tables, 1...; a file with a higher one is newer.
    ///   - tables: makes them in a new file.
    /// - Throws: `ledger.file-foreign`, `ledger.file-newer`, `ledger.file-damaged`, `ledger.cannot-write`,
    ///   `ledger.disk-full`, `ledger.disk-failed`, `ledger.in-use`; an existing file is untouched then.
    init(_ path: String, sort: Sort, version: Int, tables: String) throws(Problem) {
        self.path = path
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 1
        configuration.prepareDatabase { database in
            try database.execute(
                sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -1024")
        }
        do {
            if try Self.isMissing(path) {
                try Self.make(
                    path,
                    tables: "\(tables); PRAGMA application_id = \(sort.rawValue); PRAGMA user_version = \(version)")
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.inDatabase { database in
                // Reading comes first: a file that is not ours is not even switched to another journal.
                let found = Int32(truncatingIfNeeded: try Self.number("application_id", database))
                let form = try Self.number("user_version", database)
                guard found == sort.rawValue else { throw LedgerProblem.foreign(path) }
                guard form <= version else { throw LedgerProblem.newer(path) }
                guard form >= 1 else { throw LedgerProblem.damaged(path) }
                try database.execute(
                    sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")
            }
        } catch {
            throw LedgerProblem.from(error, path)
        }
    }

    /// Opens a file that is there, reads it and changes nothing.
    ///
    /// - Parameters:
    ///   - path: what it is called in what a problem says; `file` may be a copy of it.
    ///   - isAlone: nobody has it open or has left a log beside it; then not even the files of a log are made.
    /// - Throws: `ledger.file-foreign`, `ledger.file-newer`, `ledger.file-damaged`, `ledger.cannot-write`, `ledger.disk-failed`.
    init(reading file: String, named path: String, sort: Sort, version: Int, isAlone: Bool) throws(Problem) {
        self.path = path
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            try database.execute(
                sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -1024")
        }
        do {
            if try Self.isMissing(file, rights: R_OK) { throw LedgerProblem.damaged(path) }
            let name = isAlone ? "file:\(Self.escaped(file))?immutable=1" : file
            queue = try DatabaseQueue(path: name, configuration: configuration)
            try queue.inDatabase { database in
                let found = Int32(truncatingIfNeeded: try Self.number("application_id", database))
                let form = try Self.number("user_version", database)
                guard found == sort.rawValue else { throw LedgerProblem.foreign(path) }
                guard form <= version else { throw LedgerProblem.newer(path) }
                guard form >= 1 else { throw LedgerProblem.damaged(path) }
            }
        } catch {
            throw LedgerProblem.from(error, path)
        }
    }

    /// For the name of a file in SQLite's form (sqlite.org/uri.html): what has a meaning there is written as `%3f`.
    private static func escaped(_ path: String) -> String {
        path.utf8.map { byte in
            let isPlain =
                byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "?")
                && byte != UInt8(ascii: "#")
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// Reads the file as it is at one moment, whatever is written meanwhile.
    func look<Value>(_ body: (Database) throws -> Value) throws(Problem) -> Value {
        do { return try queue.read(body) } catch { throw LedgerProblem.from(error, path) }
    }

    /// Work on the file; a transaction around it is the caller's.
    func work<Value>(_ body: (Database) throws -> Value) throws(Problem) -> Value {
        do { return try queue.inDatabase(body) } catch { throw LedgerProblem.from(error, path) }
    }

    /// Work that is done whole and durably or not at all.
    func transact<Value>(_ body: (Database) throws -> Value) throws(Problem) -> Value {
        do { return try queue.write(body) } catch { throw LedgerProblem.from(error, path) }
    }

    /// Rids file and log of what was deleted: VACUUM writes the file anew without free pages, and the log, which holds old
    /// pages, is cut to nothing before and after (measured: without the cut a deleted number stays in it).
    func wipe() throws(Problem) {
        try work { database in
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            try database.execute(sql: "VACUUM")
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    /// SQLite's own check of every page and index (`PRAGMA integrity_check`).
    func check(_ database: Database) throws {
        let verdict = try String.fetchOne(database, sql: "PRAGMA integrity_check(1)")
        guard verdict == "ok" else { throw LedgerProblem.damaged(path) }
    }

    /// Whether the pages hang together (`PRAGMA quick_check`): a fraction of the time, because no index is compared with its table.
    func checkQuickly() throws(Problem) {
        let verdict = try work { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
        guard verdict == "ok" else { throw LedgerProblem.damaged(path) }
    }

    /// Reads something; what fails is the file or the disk.
    func touch() throws(Problem) {
        _ = try work { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
    }

    /// Bytes in the file, free pages included, the log not.
    func size() throws(Problem) -> Int {
        try work { try Self.number("page_count", $0) * Self.number("page_size", $0) }
    }

    private static func number(_ pragma: String, _ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA \(pragma)") ?? 0
    }

    /// - Throws: `ledger.file-damaged` for a file too short to be a database, which SQLite would take for a new one.
    private static func isMissing(_ path: String, rights: CInt = R_OK | W_OK) throws(Problem) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw LedgerProblem.cannotWrite(path) }
            return true
        }
        guard status.st_mode & S_IFMT == S_IFREG, access(path, rights) == 0 else {
            throw LedgerProblem.cannotWrite(path)
        }
        guard status.st_size >= 512 else { throw LedgerProblem.damaged(path) }
        return false
    }

    /// Makes a new file under another name first, so that a file under its own name is always whole.
    private static func make(_ path: String, tables: String) throws {
        let unfinished = path + ".new"
        for ending in ["", "-journal", "-wal", "-shm"] { unlink(unfinished + ending) }
        // A log that was left without its file would be taken for the new one's.
        for ending in ["-wal", "-shm"] { unlink(path + ending) }
        let descriptor = open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw errno == ENOSPC ? LedgerProblem.diskFull(path) : LedgerProblem.cannotWrite(path)
        }
        close(descriptor)
        let queue = try DatabaseQueue(path: unfinished)
        try queue.write { try $0.execute(sql: tables) }
        try queue.close()
        guard rename(unfinished, path) == 0 else { throw LedgerProblem.cannotWrite(path) }
        synchronise(directoryOf: path)
    }

    /// Makes a new name in the directory durable.
    static func synchronise(directoryOf path: String) {
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let descriptor = open(directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
