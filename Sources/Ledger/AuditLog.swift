import Crypto
import Foundation
import GRDB
import Sealing
package import Wire

/// Something that somebody did on the box.
package struct AuditEntry: Sendable, Equatable {
    package static let schema: UInt16 = 1
    /// The action of a restore: the log from before it is another one.
    package static let restored = "backup.restored"

    package var time: WallTime
    /// Who: a user, or `box`.
    package var actor: Redacted<String>
    /// Stable, lower case, dotted: `session.sign-in`, `settings.change`, `ledger.erase`.
    package var action: String
    /// What exactly; secrets are masked by whoever writes it.
    package var detail: Redacted<String>

    package init(time: WallTime, actor: Redacted<String>, action: String, detail: Redacted<String>) {
        (self.time, self.actor, self.action, self.detail) = (time, actor, action, detail)
    }

    var encoded: [UInt8] {
        var fields = FieldWriter()
        fields.write(1, time)
        fields.write(2, actor.revealed)
        fields.write(3, action)
        fields.write(4, detail.revealed)
        fields.pad()
        return fields.bytes
    }

    init?(_ bytes: Redacted<[UInt8]>) {
        guard let fields = FieldReader(bytes.revealed), let time = fields.time(1), let action = fields.text(3) else {
            return nil
        }
        self.init(
            time: time, actor: Redacted(fields.text(2) ?? ""), action: action, detail: Redacted(fields.text(4) ?? ""))
    }
}

/// How far the chain has come. Written down outside of the box it proves later that nothing before it was changed.
package struct AuditHead: Sendable, Hashable, Codable {
    /// 1, 2, …
    package var sequence: Int64
    /// 64 hexadecimal digits.
    package var hash: String
    /// When it was written down, where that is known.
    package var noted: WallTime?

    package init(sequence: Int64, hash: String, noted: WallTime? = nil) {
        (self.sequence, self.hash, self.noted) = (sequence, hash, noted)
    }
}

extension AuditHead: LosslessStringConvertible {
    /// `117:6f3a…`, or `117:6f3a…:1793491200000` with the milliseconds since 1970 at which it was written down.
    package var description: String { "\(sequence):\(hash)" + (noted.map { ":\($0.milliseconds)" } ?? "") }

    /// - Returns: nil unless `text` is written as ``description`` writes it.
    package init?(_ text: String) {
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        guard text.utf8.count <= 128, (2...3).contains(words.count), let sequence = Int64(words[0]), sequence > 0,
            words[1].utf8.count == 64, words[1].allSatisfy({ $0.isHexDigit && !$0.isUppercase })
        else { return nil }
        var noted: WallTime?
        if words.count == 3 {
            guard let milliseconds = Int64(words[2]), Period.years.contains(milliseconds) else { return nil }
            noted = WallTime(milliseconds: milliseconds)
        }
        self.init(sequence: sequence, hash: String(words[1]), noted: noted)
    }

    /// What ``LedgerProblem/auditHead(_:)`` says, as it stands in the journal: with more words behind it.
    ///
    /// - Returns: nil when no head is told.
    package init?(notice: String, noted: WallTime) {
        let words = notice.split(separator: " ")
        func word(after name: String) -> Substring? {
            words.firstIndex(of: Substring(name)).flatMap { words.dropFirst($0 + 1).first }
        }
        guard let sequence = word(after: "entry"), let hash = word(after: "hash")?.prefix(while: \.isHexDigit) else {
            return nil
        }
        self.init("\(sequence):\(hash):\(noted.milliseconds)")
    }
}

/// The audit log: a chain of sealed entries, each hash over the one before.
///
///     hash(n) = SHA-256("sipcall audit 1" │ hash(n−1) │ n │ length of the period's name │ its name │ sealed entry)
///
/// The hashes are over ciphertext, so destroying an old period's key does not break the chain. The head (number, hash) is marked
/// with an HMAC in the same commit, so that cutting off the end is noticed; putting back a whole older file is noticed only with
/// a head that was written down elsewhere.
final class AuditLog: Sendable {
    private static let start = [UInt8](repeating: 0, count: 32)
    let file: LedgerDatabase

    static let version = 1

    /// A file that was opened before.
    init(_ file: LedgerDatabase) {
        self.file = file
    }

    init(_ path: String) throws(Problem) {
        file = try LedgerDatabase(
            path, sort: .audit, version: Self.version,
            tables: """
                CREATE TABLE entry (
                    sequence INTEGER PRIMARY KEY, period TEXT NOT NULL, sealed BLOB NOT NULL, hash BLOB NOT NULL
                );
                CREATE TABLE head (
                    only INTEGER PRIMARY KEY CHECK (only = 1), period TEXT NOT NULL, sequence INTEGER NOT NULL,
                    hash BLOB NOT NULL, mark BLOB NOT NULL
                );
                """)
    }

    private struct Head {
        var period = ""
        var sequence: Int64 = 0
        var hash = AuditLog.start
        var mark: [UInt8] = []

        var marked: [UInt8] { Array("\(period)\n\(sequence)\n".utf8) + hash }
    }

    private static func head(_ database: Database) throws -> Head {
        guard let row = try Row.fetchOne(database, sql: "SELECT period, sequence, hash, mark FROM head") else {
            return Head()
        }
        guard let period = String.fromDatabaseValue(row[0] as DatabaseValue),
            let sequence = Int64.fromDatabaseValue(row[1] as DatabaseValue),
            let hash = Data.fromDatabaseValue(row[2] as DatabaseValue),
            let mark = Data.fromDatabaseValue(row[3] as DatabaseValue)
        else { throw LedgerProblem.auditBroken(0) }
        return Head(period: period, sequence: sequence, hash: Array(hash), mark: Array(mark))
    }

    /// The head of a log in a file that nobody has open.
    static func head(ofCopy path: String) throws(Problem) -> AuditHead {
        do {
            var configuration = Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            let head = try queue.inDatabase { database in try Self.head(database) }
            try queue.close()
            return AuditHead(sequence: head.sequence, hash: hexadecimal(head.hash))
        } catch {
            throw LedgerProblem.from(error, path)
        }
    }

    func head() throws(Problem) -> AuditHead {
        try file.work { database in
            let head = try Self.head(database)
            return AuditHead(sequence: head.sequence, hash: hexadecimal(head.hash))
        }
    }

    private static func hash(after previous: [UInt8], _ sequence: Int64, _ period: String, _ sealed: [UInt8]) -> [UInt8]
    {
        var hash = SHA256()
        hash.update(data: Data("sipcall audit 1".utf8))
        hash.update(data: previous)
        hash.update(data: (0..<8).map { UInt8(truncatingIfNeeded: sequence >> Int64(56 - $0 * 8)) })
        hash.update(data: [UInt8(truncatingIfNeeded: period.utf8.count)])
        hash.update(data: Data(period.utf8))
        hash.update(data: sealed)
        return Array(hash.finalize())
    }

    private static func header(_ sequence: Int64) -> RecordHeader? {
        let name =
            [UInt8](repeating: 0, count: 8) + (0..<8).map { UInt8(truncatingIfNeeded: sequence >> Int64(56 - $0 * 8)) }
        return RecordIdentifier(name).map { RecordHeader(identifier: $0, kind: .audit, schema: AuditEntry.schema) }
    }

    /// Durable when it returns.
    func append(_ entry: AuditEntry, key: PeriodKey) throws(Problem) -> AuditHead {
        try file.transact { database in
            var head = try Self.head(database)
            let (sequence, overflow) = head.sequence.addingReportingOverflow(1)
            guard !overflow, let header = Self.header(sequence) else { throw LedgerProblem.auditBroken(head.sequence) }
            let sealed = key.seal(entry.encoded, as: header, context: hexadecimal(head.hash))
            head.hash = Self.hash(after: head.hash, sequence, key.period, sealed)
            (head.sequence, head.period) = (sequence, key.period)
            try database.execute(
                sql: "INSERT INTO entry (sequence, period, sealed, hash) VALUES (?, ?, ?, ?)",
                arguments: [sequence, key.period, Data(sealed), Data(head.hash)])
            try database.execute(
                sql: "INSERT OR REPLACE INTO head (only, period, sequence, hash, mark) VALUES (1, ?, ?, ?, ?)",
                arguments: [key.period, sequence, Data(head.hash), Data(key.mark(head.marked))])
            return AuditHead(sequence: sequence, hash: hexadecimal(head.hash))
        }
    }

    /// Entries below a sequence number, the newest first. nil: damaged, or its key is destroyed.
    func entries(
        below: Int64, count: Int, key: (String) -> PeriodKey?
    ) throws(Problem) -> [(sequence: Int64, entry: AuditEntry?)] {
        try file.work { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT entry.sequence, entry.period, entry.sealed, before.hash FROM entry
                    LEFT JOIN entry AS before ON before.sequence = entry.sequence - 1
                    WHERE entry.sequence < ? ORDER BY entry.sequence DESC LIMIT ?
                    """, arguments: [below, min(max(count, 1), 500)])
            return rows.map { row in
                let before = Data.fromDatabaseValue(row[3] as DatabaseValue).map { Array($0) } ?? Self.start
                guard let sequence = Int64.fromDatabaseValue(row[0] as DatabaseValue),
                    let period = String.fromDatabaseValue(row[1] as DatabaseValue),
                    let sealed = Data.fromDatabaseValue(row[2] as DatabaseValue), let header = Self.header(sequence),
                    let bytes = try? key(period)?.open(Array(sealed), as: header, context: hexadecimal(before))
                else { return (Int64.fromDatabaseValue(row[0] as DatabaseValue) ?? 0, nil) }
                return (sequence, AuditEntry(bytes))
            }
        }
    }

    /// Follows the chain from its first entry to its head.
    ///
    /// - Parameters:
    ///   - anchors: heads that were written down elsewhere. Those from before a restore are of the log that it took the place of.
    ///   - isBegun: there has been an entry, so an empty log is none that is new.
    ///   - goOn: called now and then; throws when the look must end.
    ///   - key: of a period; nil when it was destroyed: hashes are checked all the same.
    /// - Returns: how many entries there are.
    /// - Throws: `ledger.audit-broken` with the first entry that is altered, missing or out of order.
    @discardableResult
    func verify(
        anchors: [AuditHead], isBegun: Bool = false, goOn: () throws -> Void = {},
        key: (String) throws(Problem) -> PeriodKey?
    ) throws(Problem) -> Int64 {
        try file.look { database in
            try goOn()
            try file.check(database)
            var keys: [String: PeriodKey] = [:]
            let head = try Self.head(database)
            var (previous, sequence) = (Self.start, Int64(0))
            var (unlike, restored) = ([AuditHead](), WallTime?.none)
            let anchored = Dictionary(grouping: anchors, by: \.sequence)
            let rows = try Row.fetchCursor(
                database, sql: "SELECT sequence, period, sealed, hash FROM entry ORDER BY sequence")
            while let row = try rows.next() {
                sequence += 1
                if sequence % 200 == 0 { try goOn() }
                guard Int64.fromDatabaseValue(row[0] as DatabaseValue) == sequence,
                    let period = String.fromDatabaseValue(row[1] as DatabaseValue),
                    let sealed = Data.fromDatabaseValue(row[2] as DatabaseValue),
                    let hash = Data.fromDatabaseValue(row[3] as DatabaseValue), let header = Self.header(sequence),
                    Self.hash(after: previous, sequence, period, Array(sealed)) == Array(hash)
                else { throw LedgerProblem.auditBroken(sequence) }
                if keys[period] == nil { keys[period] = try key(period) }
                if let key = keys[period] {
                    guard let bytes = try? key.open(Array(sealed), as: header, context: hexadecimal(previous)) else {
                        throw LedgerProblem.auditBroken(sequence)
                    }
                    if let entry = AuditEntry(bytes), entry.action == AuditEntry.restored { restored = entry.time }
                }
                previous = Array(hash)
                unlike += (anchored[sequence] ?? []).filter { $0.hash != hexadecimal(previous) }
            }
            // Every entry has moved the head on, and the head is marked.
            let isMarked = head.sequence == 0 ? true : try key(head.period)?.isMark(head.mark, of: head.marked) ?? false
            guard head.sequence == sequence, head.hash == previous, isMarked, sequence > 0 || !isBegun else {
                throw LedgerProblem.auditBroken(head.sequence > sequence ? sequence + 1 : max(sequence, 1))
            }
            unlike += anchors.filter { $0.sequence > sequence }
            unlike.removeAll { anchor in
                guard let restored, let noted = anchor.noted else { return false }
                return noted < restored
            }
            if let first = unlike.map(\.sequence).min() { throw LedgerProblem.auditBroken(min(first, sequence + 1)) }
            return sequence
        }
    }
}

extension LedgerStore {
    /// Writes down what somebody did. Durable when it returns.
    ///
    /// - Returns: the head of the chain, for the journal and the backups.
    package func note(_ entry: AuditEntry) throws(Problem) -> AuditHead {
        // In the order in which it happened.
        tell()
        return try append(entry)
    }

    func append(_ entry: AuditEntry) throws(Problem) -> AuditHead {
        guard let period = Period(containing: entry.time, length: settings.length) else {
            throw LedgerProblem.recordUnreadable
        }
        return try audit.append(entry, key: try periodKey(period.description, .audit, mayMake: true))
    }

    /// What was done, the newest first.
    ///
    /// - Parameter below: a sequence number of an earlier page.
    package func auditPage(
        below: Int64 = .max, count: Int = 50
    ) throws(Problem) -> [(sequence: Int64, entry: AuditEntry?)] {
        var cache: [String: PeriodKey?] = [:]
        return try audit.entries(below: below, count: count) { name in
            if let known = cache[name] { return known }
            let key = try? periodKey(name, .audit, mayMake: false)
            cache[name] = key
            return key
        }
    }

    /// - Throws: `ledger.audit-broken` naming the first entry that is not as it was written.
    package func verifyAudit(anchors: [AuditHead] = []) throws(Problem) {
        let keys = self.keys
        try audit.verify(anchors: anchors) { name throws(Problem) in
            guard case .key(let secret) = try keys.find(.period(name, .audit)) else { return nil }
            return try PeriodKey(secret, period: name)
        }
    }
}
