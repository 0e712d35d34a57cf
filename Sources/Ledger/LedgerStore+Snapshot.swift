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
        /// What could not be copied, and why: a part that is damaged or whose key is keeps the others from nothing.
        package var leftOut: [String: String] = [:]

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
    /// One turn of the actor for some pages, so that pages, filing and the watchdog have theirs in between. What comes last, in
    /// one turn, is every key and the list: a part that went meanwhile is not in the copy then, and the audit log is at least
    /// as new as what it tells of.
    ///
    /// - Parameter directory: empty and there.
    /// - Throws: `ledger.disk-full`, and what is wrong with the audit log or the box's own keys; what was written so far is of
    ///   no use then. A part that is unusable is left out, and named in the result.
    package nonisolated func snapshot(into directory: String) async throws(Problem) -> Snapshot {
        var snapshot = Snapshot()
        for name in try await snapshotNames() where name.hasSuffix(".sqlite") && name != "audit.sqlite" {
            do throws(Problem) {
                snapshot.rows[name] = try await copy(name, into: directory)
            } catch {
                Self.removeFiles("\(directory)/\(name)")
                guard error.code != "ledger.disk-full" else { throw error }
                snapshot.leftOut[name] = error.sentence
            }
        }
        snapshot.rows["audit.sqlite"] = try await copy("audit.sqlite", into: directory)
        snapshot.auditHead = try AuditLog.head(ofCopy: "\(directory)/audit.sqlite")
        return try await copyKeys(into: directory, snapshot)
    }

    /// Databases, keys and the erasure list.
    private func snapshotNames() throws(Problem) -> [String] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: settings.directory) else {
            throw LedgerProblem.cannotWrite(settings.directory)
        }
        return names.filter { $0.hasSuffix(".sqlite") || $0.hasSuffix(".key") || $0 == "erasures" }.sorted()
    }

    /// - Returns: its rows; nil when retention has removed it meanwhile.
    /// - Throws: also for one that is damaged: the copy is looked at, by which nobody waits for the ledger.
    private nonisolated func copy(_ name: String, into directory: String) async throws(Problem) -> Int? {
        let target = "\(directory)/\(name)"
        guard try await beginCopy(name, to: target) else { return nil }
        do throws(Problem) {
            // Without the word calls of an actor that follow each other are one turn.
            while try await stepCopy(target) { await Task.yield() }
        } catch {
            await dropCopy(target)
            throw error
        }
        await dropCopy(target)
        try LedgerCopy.settle(target)
        return try LedgerCopy.check(target)
    }

    /// - Returns: false when there is no such file any more.
    private func beginCopy(_ name: String, to target: String) throws(Problem) -> Bool {
        guard try PrivateBytes.isThere("\(settings.directory)/\(name)") else { return false }
        let source: LedgerDatabase
        switch name {
        case "audit.sqlite": source = audit.file
        case "unopened.sqlite": source = unopened.file
        default:
            let words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 3, let period = Period(words[0]),
                let kind = RecordKind.allCases.first(where: { $0.name == words[1] })
            else { throw LedgerProblem.foreign("\(settings.directory)/\(name)") }
            source = try file(period, kind).file
        }
        copies[target] = try DatabaseCopy(of: source, to: target)
        return true
    }

    private func stepCopy(_ target: String) throws(Problem) -> Bool { try copies[target]?.step() ?? false }

    private func dropCopy(_ target: String) { copies[target] = nil }

    /// In one turn, so that they fit together, and after the databases.
    private func copyKeys(into directory: String, _ snapshot: Snapshot) throws(Problem) -> Snapshot {
        var snapshot = snapshot
        let names = Set(try snapshotNames())
        for name in snapshot.rows.keys where !names.contains(name) {
            Self.removeFiles("\(directory)/\(name)")
            snapshot.rows[name] = nil
        }
        for name in names.sorted() where !name.hasSuffix(".sqlite") {
            let database = name.hasSuffix(".key") ? "\(name.dropLast(".key".count)).sqlite" : ""
            // Neither is of use without the other; what is the box's own is missed by the proof.
            guard snapshot.leftOut[database] == nil else { continue }
            do throws(Problem) {
                if name.hasSuffix(".key") { try keys.check(name) }
                try copyFile(name, into: directory)
            } catch {
                guard error.code != "ledger.disk-full", !["box.key", "erasures.key", "erasures"].contains(name) else {
                    throw error
                }
                snapshot.leftOut[name] = error.sentence
                unlink("\(directory)/\(name)")
                if snapshot.rows.removeValue(forKey: database) != nil { Self.removeFiles("\(directory)/\(database)") }
            }
        }
        return snapshot
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
    /// Makes a copy a file of its own, without a log beside it.
    static func settle(_ path: String) throws(Problem) {
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.inDatabase { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try queue.close()
        } catch {
            throw LedgerProblem.from(error, path)
        }
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

    /// Adds what the ledger's erasure list has to the one that lies beside the backups; makes it, without entries if nothing was
    /// ever erased, so that a list that got lost is told from one that was never needed.
    ///
    /// - Returns: where a list of another box, or a damaged one, was put that was in its place: older backups may need it.
    package static func addErasures(
        of ledger: String, keyring: MasterKeyring, to path: String
    ) throws(Problem) -> String? {
        let key = try ErasureKey(try KeyFolder(directory: ledger, keyring: keyring).key(.erasures))
        let own = try ErasureList("\(ledger)/erasures", key: key)
        var (list, moved): (ErasureList?, String?) = (nil, nil)
        do throws(Problem) {
            list = try ErasureList(path, key: key)
        } catch {
            guard error == LedgerProblem.erasuresDamaged else { throw error }
            var number = 1
            while try PrivateBytes.isThere("\(path)-\(number)") { number += 1 }
            guard rename(path, "\(path)-\(number)") == 0 else { throw LedgerProblem.cannotWrite(path) }
            moved = "\(path)-\(number)"
        }
        if list == nil { list = try ErasureList(path, key: key) }
        try list?.add([own])
        return moved
    }

    /// Looks through lists that may belong to the ledger.
    ///
    /// - Returns: those that were written with its key and have all that it has itself: another one is from before the backup.
    package static func fitting(_ lists: [String], ledger: String, keyring: MasterKeyring) throws(Problem) -> [String] {
        let key = try ErasureKey(try KeyFolder(directory: ledger, keyring: keyring).key(.erasures))
        let own = try ErasureList("\(ledger)/erasures", key: key)
        return lists.filter { path in
            guard FileManager.default.fileExists(atPath: path), let list = try? ErasureList(path, key: key) else {
                return false
            }
            return list.includes(own)
        }
    }

    /// Puts everything that some lists have into the ledger's, and removes what it names: opening a ledger replays its list.
    package static func replayErasures(
        from lists: [String], ledger: String, keyring: MasterKeyring
    ) async throws(Problem) {
        if !lists.isEmpty {
            let key = try ErasureKey(try KeyFolder(directory: ledger, keyring: keyring).key(.erasures))
            var own = try ErasureList("\(ledger)/erasures", key: key)
            var others: [ErasureList] = []
            for path in lists { others.append(try ErasureList(path, key: key)) }
            // A ledger that nothing was erased from has no list.
            if own.count > 0 || others.contains(where: { $0.count > 0 }) { try own.add(others) }
        }
        let store = try await LedgerStore.open(LedgerSettings(directory: ledger), keyring: keyring)
        _ = try await store.note(
            AuditEntry(
                time: .now(), actor: Redacted("box"), action: AuditEntry.restored,
                detail: Redacted(lists.isEmpty ? "with the erasures that the backup knows" : "with the erasures since"))
        )
    }
}
