import Foundation
import GRDB
package import Sealing
import Wire

/// A look at everything that a ledger keeps, row by row and key by key, which changes nothing: for `sipcall verify`.
///
/// A row is whole when its seal opens and its search hashes are its own; a key when it opens; the audit log when its chain leads
/// from the first entry to the marked head. That whole rows of calls were taken away nothing shows: see Ledger.swift.
package struct LedgerInspection: Sendable {
    /// Who has the files open.
    enum Access {
        /// This process.
        case owned(LedgerReaders)
        /// Nobody: a log that lies beside a file was left by a process that was killed.
        case abandoned
    }

    private let keys: KeyFolder
    private let access: Access
    private var directory: String { keys.directory }

    init(_ keys: KeyFolder, _ access: Access) {
        (self.keys, self.access) = (keys, access)
    }

    /// Of a ledger that no process has open, and none opens meanwhile.
    package init(directory: String, keyring: MasterKeyring) {
        self.init(KeyFolder(directory: directory, keyring: keyring), .abandoned)
    }

    package func verdict(on part: LedgerVerdict.Part, heads: [AuditHead]) -> LedgerVerdict {
        switch part {
        case .ledger: ledger()
        case .keys: wrappedKeys()
        case .audit: audit(heads)
        }
    }

    // MARK: - Parts

    private func ledger() -> LedgerVerdict {
        var verdict = LedgerVerdict(part: LedgerVerdict.Part.ledger.rawValue, counts: ["files": 0, "rows": 0])
        func note(_ name: String, _ body: () throws(Problem) -> Int?) {
            do throws(Problem) {
                guard let rows = try body() else { return }
                verdict.counts["files", default: 0] += 1
                verdict.counts["rows", default: 0] += rows
            } catch {
                verdict.add(.init(name: name, problem: error))
            }
        }
        do throws(Problem) {
            for (period, kind) in try LedgerStore.listing(directory) {
                let name = "\(period).\(kind.name)"
                note(name) { () throws(Problem) in
                    let found = try read("\(name).sqlite", .period, PeriodFile.version) { database, goOn in
                        let key = try PeriodKey(
                            try keys.key(.period(period.description, kind)), period: period.description)
                        return try PeriodFile(database, period: period, kind: kind, key: key).inspect(goOn: goOn)
                    }
                    if let found, !found.damaged.isEmpty {
                        verdict.add(.init(name: name, rows: found.damaged, problem: SealingProblem.notAuthentic))
                    }
                    return found?.rows
                }
            }
        } catch {
            verdict.add(.init(name: "ledger", problem: error))
        }
        note("unopened") { () throws(Problem) in
            try read("unopened.sqlite", .unopened, UnopenedRecords.version) { database, _ in
                try database.look { reading in
                    try database.check(reading)
                    return try Int.fetchOne(reading, sql: "SELECT count(*) FROM record") ?? 0
                }
            }
        }
        note("erasures") { () throws(Problem) in
            _ = try ErasureList("\(directory)/erasures", key: ErasureKey(try keys.key(.erasures)))
            return nil
        }
        return verdict
    }

    private func wrappedKeys() -> LedgerVerdict {
        var verdict = LedgerVerdict(part: LedgerVerdict.Part.keys.rawValue, counts: ["keys": 0])
        do throws(Problem) {
            var purposes = Set(try keys.purposes())
            // Where there is something to open there has to be a key.
            purposes.formUnion(try LedgerStore.listing(directory).map { .period($0.period.description, $0.kind) })
            purposes.formUnion([.box, .erasures])
            for purpose in purposes.sorted(by: { $0.description < $1.description }) {
                do throws(Problem) {
                    switch try keys.find(purpose) {
                    case .key: verdict.counts["keys", default: 0] += 1
                    case .destroyed: break
                    case .missing:
                        // Retention may have taken file and key meanwhile.
                        if case .period(let period, let kind) = purpose,
                            try !PrivateBytes.isThere("\(directory)/\(period).\(kind.name).sqlite")
                        {
                            break
                        }
                        _ = try keys.key(purpose)
                    }
                } catch {
                    verdict.add(.init(name: "key of \(purpose)", problem: error))
                }
            }
        } catch {
            verdict.add(.init(name: "keys", problem: error))
        }
        return verdict
    }

    private func audit(_ heads: [AuditHead]) -> LedgerVerdict {
        var verdict = LedgerVerdict(
            part: LedgerVerdict.Part.audit.rawValue, counts: ["entries": 0, "heads": heads.count])
        do throws(Problem) {
            let isBegun = try keys.purposes().contains { if case .period(_, .audit) = $0 { true } else { false } }
            let entries = try read("audit.sqlite", .audit, AuditLog.version) { database, goOn in
                try AuditLog(database).verify(anchors: heads, isBegun: isBegun, goOn: goOn) { name throws(Problem) in
                    guard case .key(let secret) = try keys.find(.period(name, .audit)) else { return nil }
                    return try PeriodKey(secret, period: name)
                }
            }
            guard entries != nil || !isBegun && heads.isEmpty else { throw LedgerProblem.auditBroken(1) }
            verdict.counts["entries"] = Int(entries ?? 0)
        } catch {
            verdict.add(.init(name: "audit", problem: error))
        }
        return verdict
    }

    // MARK: - Files

    /// - Returns: nil when there is no such file.
    private func read<Value>(
        _ name: String, _ sort: LedgerDatabase.Sort, _ version: Int,
        _ body: (LedgerDatabase, () throws -> Void) throws -> Value
    ) throws(Problem) -> Value? {
        let path = "\(directory)/\(name)"
        while true {
            guard try PrivateBytes.isThere(path) else { return nil }
            do {
                switch access {
                case .owned(let readers):
                    let database = try LedgerDatabase(
                        reading: path, named: path, sort: sort, version: version, isAlone: false)
                    return try readers.read(database.queue) { try body(database) { try readers.goOn() } }
                case .abandoned:
                    let copy = try AbandonedFile(path)
                    let database = try LedgerDatabase(
                        reading: copy.path, named: path, sort: sort, version: version, isAlone: copy.isOriginal)
                    defer {
                        try? database.queue.close()
                        copy.remove()
                    }
                    return try body(database) {}
                }
            } catch is LedgerReaders.Interrupted {
                usleep(100_000)
            } catch {
                // Retention has taken it meanwhile.
                if try !PrivateBytes.isThere(path) { return nil }
                throw LedgerProblem.from(error, path)
            }
        }
    }
}

/// A database that no process has open. Where a log lies beside it, both are copied: reading them in place would change files.
private struct AbandonedFile {
    let path: String
    let isOriginal: Bool
    private let folder: String?

    init(_ original: String) throws(Problem) {
        var status = stat()
        guard lstat(original + "-wal", &status) == 0, status.st_size > 0 else {
            (path, isOriginal, folder) = (original, true, nil)
            return
        }
        var template = Array((FileManager.default.temporaryDirectory.path + "/sipcall-verify-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw LedgerProblem.cannotWrite(original) }
        let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        (path, isOriginal, folder) = (made + "/copy.sqlite", false, made)
        do {
            for ending in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: original + ending, toPath: path + ending)
            }
        } catch {
            remove()
            throw LedgerProblem.cannotWrite(original)
        }
    }

    func remove() {
        if let folder { try? FileManager.default.removeItem(atPath: folder) }
    }
}

/// One look at a time, on a thread that may wait for the disk.
actor LedgerInspector {
    private let executor = BlockingExecutor("sipcall.verify")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func verdicts(
        _ inspection: LedgerInspection, on parts: [LedgerVerdict.Part], heads: [AuditHead]
    ) -> [LedgerVerdict] {
        parts.map { inspection.verdict(on: $0, heads: heads) }
    }
}
