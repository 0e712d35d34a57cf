import Foundation
import GRDB
package import Sealing
package import Wire

// A copy of the ledger that is whole, made while it is in use, for a backup.
extension LedgerStore {
    /// How the copy came about and what is in it.
    package struct Snapshot: Codable, Sendable, Equatable {
        /// Rows by database file, for comparing a restored backup with.
        package var rows: [String: Int] = [:]
        package var auditHead = AuditHead(sequence: 0, hash: "")

        package init() {}
    }

    /// The keyring that wraps this ledger's keys. A backup without it would open for nobody.
    package var masterKeyring: MasterKeyring { keys.keyring }

    /// Bytes that ``snapshot(into:)`` needs.
    package func snapshotSize() throws(Problem) -> Int {
        var bytes = 0
        for name in try snapshotNames() {
            for ending in ["", "-wal"] {
                var status = stat()
                if lstat("\(settings.directory)/\(name)\(ending)", &status) == 0 { bytes += Int(status.st_size) }
            }
        }
        return bytes
    }

    /// Copies every database (SQLite's online backup), every wrapped key and the erasure list.
    ///
    /// One turn of the actor a database, so that pages and filing go on between them. What comes together in a turn fits
    /// together: a database and its key. What comes last is the audit log and every key once more: one that was destroyed
    /// meanwhile says so then, and opening the copy removes its database, as a crash in the middle of retention is made good.
    ///
    /// - Parameter directory: empty and there.
    /// - Throws: `ledger.disk-full`, `ledger.file-damaged` and the like; what was written so far is of no use then.
    package nonisolated func snapshot(into directory: String) async throws(Problem) -> Snapshot {
        var snapshot = Snapshot()
        for name in try await snapshotNames() where name.hasSuffix(".sqlite") && name != "audit.sqlite" {
            snapshot.rows[name] = try await copyDatabase(name, into: directory)
        }
        (snapshot.rows["audit.sqlite"], snapshot.auditHead) = try await copyRest(into: directory)
        return snapshot
    }

    /// Databases, keys and the erasure list.
    private func snapshotNames() throws(Problem) -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: settings.directory) else {
            throw LedgerProblem.cannotWrite(settings.directory)
        }
        return names.filter { $0.hasSuffix(".sqlite") || $0.hasSuffix(".key") || $0 == "erasures" }.sorted()
    }

    /// - Returns: nil when retention has removed it meanwhile.
    private func copyDatabase(_ name: String, into directory: String) throws(Problem) -> Int? {
        let (source, target) = ("\(settings.directory)/\(name)", "\(directory)/\(name)")
        guard FileManager.default.fileExists(atPath: source) else { return nil }
        let key = "\(name.dropLast(".sqlite".count)).key"
        if FileManager.default.fileExists(atPath: "\(settings.directory)/\(key)") { try copyFile(key, into: directory) }
        return try LedgerCopy.copy(source, to: target)
    }

    /// In one turn: the audit log's head goes with the backup, and nothing may lie between the two.
    private func copyRest(into directory: String) throws(Problem) -> (auditRows: Int, head: AuditHead) {
        let rows = try LedgerCopy.copy("\(settings.directory)/audit.sqlite", to: "\(directory)/audit.sqlite")
        for name in try snapshotNames() where !name.hasSuffix(".sqlite") { try copyFile(name, into: directory) }
        return (rows, try audit.head())
    }

    private func copyFile(_ name: String, into directory: String) throws(Problem) {
        guard let bytes = PrivateBytes.read("\(settings.directory)/\(name)", atMost: 64 << 20) else {
            throw LedgerProblem.cannotWrite("\(settings.directory)/\(name)")
        }
        try PrivateBytes.replace("\(directory)/\(name)", with: bytes)
    }
}

/// One database, copied or looked at as a file of its own.
package enum LedgerCopy {
    /// - Returns: the rows in the copy.
    static func copy(_ source: String, to target: String) throws(Problem) -> Int {
        for ending in ["", "-wal", "-shm", "-journal"] { unlink(target + ending) }
        let descriptor = open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw errno == ENOSPC ? LedgerProblem.diskFull(target) : LedgerProblem.cannotWrite(target)
        }
        close(descriptor)
        do {
            let from = try DatabaseQueue(path: source)
            let to = try DatabaseQueue(path: target)
            try from.backup(to: to)
            try from.close()
            // Alone in one file, without a log beside it.
            try to.inDatabase { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try to.close()
        } catch {
            throw LedgerProblem.from(error, target)
        }
        return try rows(of: target)
    }

    /// SQLite's own check of every page and index, and how many rows all tables have together.
    ///
    /// - Throws: `ledger.file-damaged`.
    package static func check(_ path: String) throws(Problem) -> Int {
        do {
            let queue = try reader(path)
            let verdict = try queue.inDatabase { try String.fetchOne($0, sql: "PRAGMA integrity_check(1)") }
            try queue.close()
            guard verdict == "ok" else { throw LedgerProblem.damaged(path) }
        } catch {
            throw LedgerProblem.from(error, path)
        }
        return try rows(of: path)
    }

    private static func rows(of path: String) throws(Problem) -> Int {
        do {
            let queue = try reader(path)
            let rows = try queue.inDatabase { database in
                let tables = try String.fetchAll(
                    database, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
                return try tables.reduce(0) { sum, table in
                    sum
                        + (try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table.quotedDatabaseIdentifier)")
                            ?? 0)
                }
            }
            try queue.close()
            return rows
        } catch {
            throw LedgerProblem.from(error, path)
        }
    }

    private static func reader(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: path, configuration: configuration)
    }
}

/// The ledger in an unpacked backup, with nobody else near it.
package enum UnpackedLedger {
    package static var erasuresDamaged: Problem { LedgerProblem.erasuresDamaged }

    /// Opens every wrapped key and follows the audit log to its head.
    ///
    /// - Throws: what does not open or fit.
    package static func verify(
        _ directory: String, keyring: MasterKeyring, auditHead: AuditHead
    ) throws(Problem) {
        let keys = KeyFolder(directory: directory, keyring: keyring)
        for purpose in try keys.wrapped().keys { _ = try keys.key(purpose) }
        _ = try ErasureList("\(directory)/erasures", key: ErasureKey(try keys.key(.erasures)))
        let audit = try AuditLog("\(directory)/audit.sqlite")
        guard try audit.head() == auditHead else { throw LedgerProblem.auditBroken(auditHead.sequence) }
        try audit.verify(anchors: auditHead.sequence > 0 ? [auditHead] : []) { name throws(Problem) in
            guard case .key(let secret) = try keys.find(.period(name, .audit)) else { return nil }
            return try PeriodKey(secret, period: name)
        }
    }

    /// Copies the erasure list to where it lies beside the backups; an empty one if nothing was ever erased, so that a list that
    /// got lost is told from one that was never needed.
    package static func copyErasures(
        from ledger: String, keyring: MasterKeyring, to path: String
    ) throws(Problem) {
        let key = try ErasureKey(try KeyFolder(directory: ledger, keyring: keyring).key(.erasures))
        guard let bytes = PrivateBytes.read("\(ledger)/erasures", atMost: 64 << 20) else {
            unlink(path)
            var empty = try ErasureList(path, key: key)
            return try empty.add([], at: .now())
        }
        try PrivateBytes.replace(path, with: bytes)
    }

    /// How many erasures a list has.
    ///
    /// - Returns: nil for a list that was not written by the box of this ledger, or is damaged.
    package static func erasures(in list: String, ledger: String, keyring: MasterKeyring) -> Int? {
        guard FileManager.default.fileExists(atPath: list),
            let secret = try? KeyFolder(directory: ledger, keyring: keyring).key(.erasures),
            let key = try? ErasureKey(secret), let found = try? ErasureList(list, key: key)
        else { return nil }
        return found.count
    }

    /// Puts a list into the ledger and removes what it names: opening a ledger replays its list.
    ///
    /// - Parameter list: nil: the ledger's own, which is there or nothing was ever erased.
    package static func replayErasures(
        from list: String?, ledger: String, keyring: MasterKeyring
    ) async throws(Problem) {
        if let list {
            guard let bytes = PrivateBytes.read(list, atMost: 64 << 20) else { throw LedgerProblem.cannotWrite(list) }
            try PrivateBytes.replace("\(ledger)/erasures", with: bytes)
        }
        let store = try await LedgerStore.open(LedgerSettings(directory: ledger), keyring: keyring)
        _ = try await store.note(
            AuditEntry(
                time: .now(), actor: Redacted("box"), action: AuditEntry.restored,
                detail: Redacted(list == nil ? "with the erasures that the backup knows" : "with the erasures since")))
    }
}
