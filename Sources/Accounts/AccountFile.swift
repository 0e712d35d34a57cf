import Foundation
import GRDB
import Wire

/// `accounts.sqlite`: the tables, and how the file is opened: durable, by one process, and never when it is foreign or newer.
struct AccountFile {
    private static let applicationID: Int32 = 0x5343_5310
    private static let form = 1
    private static let tables = """
        CREATE TABLE account (
            name TEXT PRIMARY KEY NOT NULL, display TEXT NOT NULL, role TEXT NOT NULL, state TEXT NOT NULL, language TEXT,
            password TEXT, one_time_secret BLOB, one_time_used INTEGER, epoch INTEGER NOT NULL DEFAULT 0,
            created REAL NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE recovery_code (
            account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE, digest BLOB NOT NULL,
            PRIMARY KEY (account, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE invitation (
            account TEXT PRIMARY KEY NOT NULL REFERENCES account (name) ON DELETE CASCADE, digest BLOB NOT NULL UNIQUE,
            ends REAL NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE session (
            id TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
            device TEXT NOT NULL, source TEXT NOT NULL, began REAL NOT NULL, seen REAL NOT NULL, proved REAL NOT NULL,
            current BLOB NOT NULL, successor BLOB
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE token (
            id TEXT PRIMARY KEY NOT NULL, account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
            name TEXT NOT NULL, digest BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL, created REAL NOT NULL, ends REAL
        ) STRICT, WITHOUT ROWID;
        """

    /// What a former version passes over, so that it can be put back: no reason for a form of its own.
    private static let additions = """
        CREATE TABLE IF NOT EXISTS retired_name (name TEXT PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS cookie_key (only INTEGER PRIMARY KEY CHECK (only = 1), key BLOB NOT NULL) STRICT;
        """

    let path: String
    private let queue: DatabaseQueue

    /// Makes the file (0600) when it is missing.
    ///
    /// - Throws: `account.file`; an existing file is untouched then.
    init(_ path: String) throws(Problem) {
        self.path = path
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 1
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
        }
        do {
            if !FileManager.default.fileExists(atPath: path) {
                guard
                    FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
                else { throw AccountProblem.file(path, why: "it cannot be made") }
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { database in
                let owner = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
                let form = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
                let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
                if owner == 0, form == 0, isEmpty {
                    try database.inTransaction {
                        try database.execute(
                            sql:
                                "\(Self.tables)PRAGMA application_id = \(Self.applicationID); PRAGMA user_version = \(Self.form)"
                        )
                        return .commit
                    }
                } else {
                    guard owner == Self.applicationID else { throw AccountProblem.file(path, why: "it is not ours") }
                    guard form == Self.form else {
                        throw AccountProblem.file(path, why: "a newer version of SIPCall wrote it")
                    }
                }
                // On a disk that cannot be written the box does without them: people sign in all the same.
                try? database.execute(sql: Self.additions)
                // A rollback journal: unlike a log for writing ahead it can be read on a disk that cannot be written.
                try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
            }
        } catch let problem as Problem {
            throw problem
        } catch {
            throw AccountProblem.file(path, why: Self.words(error))
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(Problem) -> Value {
        do { return try queue.read(body) } catch { throw problem(error) }
    }

    /// Done whole and durably, or not at all.
    func transact<Value>(_ body: (Database) throws -> Value) throws(Problem) -> Value {
        do { return try queue.write(body) } catch { throw problem(error) }
    }

    /// A whole copy in a new file (0600), made while this one is in use, without what must not come back with it: sessions and
    /// links that may have been ended or used since.
    ///
    /// - Throws: `account.file`.
    func copy(to target: String) throws(Problem) {
        do {
            guard FileManager.default.createFile(atPath: target, contents: nil, attributes: [.posixPermissions: 0o600])
            else { throw AccountProblem.file(target, why: "it cannot be made") }
            let copy = try DatabaseQueue(path: target)
            try queue.backup(to: copy)
            try copy.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA secure_delete = ON; DELETE FROM session; DELETE FROM invitation")
                if try database.tableExists("cookie_key") { try database.execute(sql: "DELETE FROM cookie_key") }
            }
            try copy.close()
        } catch let problem as Problem {
            throw problem
        } catch {
            throw AccountProblem.file(target, why: Self.words(error))
        }
    }

    private func problem(_ error: any Error) -> Problem {
        error as? Problem ?? AccountProblem.file(path, why: Self.words(error))
    }

    private static func words(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "it cannot be opened" }
        return error.message ?? "SQLite says \(error.extendedResultCode.rawValue)"
    }
}
