import Foundation
import GRDB
package import Sealing
import Synchronization
package import Wire

/// How the ledger is kept; the owner's choice.
package struct LedgerSettings: Sendable {
    /// `…/ledger`; made (0700) if missing.
    package var directory: String
    package var length = Period.Length.month
    /// Bytes after which a period goes on in a further file; a smaller quota makes it smaller: see ``fileLimit``.
    package var largestFile = 512 << 20
    /// Days that a record is kept after the end of its period; none: for ever.
    package var retentionDays: [RecordKind: Int] = [:]
    /// Bytes that the ledger may have in all.
    package var quota = 4 << 30

    package init(directory: String) {
        self.directory = directory
    }

    /// Room is made by whole files, and the newest stays: so a quota must hold several of them.
    var fileLimit: Int { max(1, min(largestFile, quota / 8)) }
}

/// A part of the ledger that cannot be used at the moment, and why.
package struct UnusablePart: Sendable, Hashable {
    /// `2026-11.calls`
    package var name: String
    /// `ledger.period-unusable`; the sentence says what is wrong with the file or its key.
    package var problem: Problem

    init(_ period: Period, _ kind: RecordKind, _ cause: Problem) {
        name = "\(period).\(kind.name)"
        problem = LedgerProblem.periodUnusable(name, cause)
    }
}

/// The ledger: what the web process alone opens, files into and reads.
///
/// One directory holds for every part of a period and every kind of record a database and its wrapped key, the box's
/// wrapped private key, the list of what was erased, and the audit log. See Ledger.swift for what protects what.
package actor LedgerStore {
    /// What became of a batch.
    package struct Filing: Sendable, Equatable {
        /// Durable here, or rightly gone: the core may delete them. The others stay with the core.
        package var acknowledged: [RecordHeader] = []
        /// Among them: calls from before the erasure of their number or user.
        package var erased = 0
        /// Among them: could not be opened or read, and kept sealed as they came.
        package var unopened = 0
        /// Parts that took nothing; their records are not acknowledged.
        package var unusable: [UnusablePart] = []

        package init() {}
    }

    private let executor = BlockingExecutor("sipcall.ledger")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    /// For the core.
    package nonisolated let sealingKey: SealingKey

    var settings: LedgerSettings
    var keys: KeyFolder
    let openingKey: OpeningKey
    var erasures: ErasureList
    /// Most recently used last; at most ``mostOpen``.
    private var open: [PeriodFile] = []
    private static let mostOpen = 16
    var totals: [String: CachedTotals] = [:]
    /// Parts that an erasure could not search: they are searched when they open again, before anything of them is shown.
    var unswept: Set<Place> = []
    /// See ``note(_:_:)``.
    var untold: [AuditEntry] = []
    var toldUnusable: Set<KeyPurpose> = []
    /// Copies under way, by their target.
    var copies: [String: DatabaseCopy] = [:]
    /// Until when a file may be written anew, which is one statement of SQLite's and no sign of a disk that hangs.
    private nonisolated let rewritingUntil = Mutex<ContinuousClock.Instant?>(nil)
    nonisolated let unopened: UnopenedRecords
    nonisolated let audit: AuditLog
    nonisolated let readers = LedgerReaders()
    private nonisolated let inspector = LedgerInspector()

    /// Lets other limits hold from now on; the directory stays.
    package func adopt(_ wanted: LedgerSettings) {
        var wanted = wanted
        wanted.directory = settings.directory
        settings = wanted
    }

    /// Opens the ledger, or makes one in an empty directory, and finishes what a crash cut short.
    ///
    /// - Throws: any of the ledger's problems; whatever is there is untouched then. A ledger with records and without its keys
    ///   is never given new ones.
    package static func open(
        _ settings: LedgerSettings, keyring: MasterKeyring
    ) async throws(Problem) -> LedgerStore {
        let store = try LedgerStore(settings, keyring: keyring)
        try await store.finish()
        return store
    }

    private init(_ settings: LedgerSettings, keyring: MasterKeyring) throws(Problem) {
        let directory = settings.directory
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw LedgerProblem.cannotWrite(directory)
        }
        self.settings = settings
        keys = KeyFolder(directory: directory, keyring: keyring)
        // What cannot be looked at is not missing: each of these throws then.
        let hasFiles = try !Self.listing(directory).isEmpty
        let hasKey = try PrivateBytes.isThere("\(directory)/box.key")
        let hasErasures = try PrivateBytes.isThere("\(directory)/erasures")
        if !hasFiles, !hasKey, !hasErasures {
            // The erasures' key first: a box key means that the ledger was made whole.
            if case .missing = try keys.find(.erasures) { try keys.store(ErasureKey().secret, for: .erasures) }
            try keys.store(OpeningKey().secret, for: .box)
        }
        openingKey = try OpeningKey(try keys.key(.box))
        sealingKey = openingKey.sealingKey
        erasures = try ErasureList("\(directory)/erasures", key: ErasureKey(try keys.key(.erasures)))
        unopened = try UnopenedRecords("\(directory)/unopened.sqlite")
        audit = try AuditLog("\(directory)/audit.sqlite")
    }

    /// What a crash cut short: periods whose key was destroyed, a change of the master key, an erasure, records that can be
    /// opened now.
    private func finish() throws(Problem) {
        for purpose in try keys.destroyed() {
            guard case .period(let name, let kind) = purpose else { continue }
            if kind != .audit { Self.removeFiles("\(settings.directory)/\(name).\(kind.name).sqlite") }
            keys.forget(purpose)
        }
        // A key that cannot be unwrapped makes its own period unusable, and keeps nothing else from being filed.
        rewrap()
        for (period, kind) in try Self.listing(settings.directory) where try isUnwiped(path(period, kind)) {
            // What cannot be opened now is written anew when it can.
            _ = try? file(period, kind)
        }
        try replayErasures()
        try fileUnopened()
    }

    // MARK: - Long turns

    /// A file is written anew at the moment: the ledger answers later, and is alive. Bounded by the size of the file.
    package nonisolated var isRewriting: Bool {
        rewritingUntil.withLock { $0.map { ContinuousClock.now < $0 } ?? false }
    }

    /// - Parameter bytes: that are read and written three times, by the slowest of memory cards 2 MB in a second.
    func rewrite<Value>(_ bytes: Int, _ work: () throws(Problem) -> Value) throws(Problem) -> Value {
        let end = ContinuousClock.now + .seconds(30) + .milliseconds(max(bytes, 0) / 667)
        rewritingUntil.withLock { $0 = end }
        defer { rewritingUntil.withLock { $0 = nil } }
        return try work()
    }

    // MARK: - Files

    /// Every part of every period that has a database, oldest first.
    ///
    /// - Throws: when the directory cannot be read: it is not empty then.
    static func listing(
        _ directory: String, kind: RecordKind? = nil
    ) throws(Problem) -> [(period: Period, kind: RecordKind)] {
        let names = try PrivateBytes.names(in: directory)
        let found = names.compactMap { name -> (period: Period, kind: RecordKind)? in
            let words = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 3, words[2] == "sqlite", let period = Period(words[0]),
                let found = RecordKind.allCases.first(where: { $0.name == words[1] }), kind == nil || kind == found
            else { return nil }
            return (period, found)
        }
        return found.sorted { $0.period < $1.period }
    }

    func periods(_ kind: RecordKind) throws(Problem) -> [Period] {
        try Self.listing(settings.directory, kind: kind).map(\.period)
    }

    func path(_ period: Period, _ kind: RecordKind) -> String {
        "\(settings.directory)/\(period).\(kind.name).sqlite"
    }

    /// - Throws: `ledger.key-missing` for a file without its key: it is never given another.
    func file(_ period: Period, _ kind: RecordKind) throws(Problem) -> PeriodFile {
        if let index = open.firstIndex(where: { $0.period == period && $0.kind == kind }) {
            let file = open.remove(at: index)
            open.append(file)
            return file
        }
        let path = path(period, kind)
        let key: PeriodKey
        do {
            key = try periodKey(period.description, kind, mayMake: !PrivateBytes.isThere(path))
        } catch {
            noteUnusable(.period(period.description, kind), error)
            throw error
        }
        let file = try PeriodFile(path, period: period, kind: kind, key: key)
        open.append(file)
        if open.count > Self.mostOpen { open.removeFirst() }
        if try isUnwiped(path) {
            do throws(Problem) {
                try wipe(file)
            } catch {
                // It shows nothing that was erased; the note beside it asks for it again at the next opening.
            }
        }
        let place = Place(period: period, kind: kind)
        if unswept.remove(place) != nil {
            do {
                try sweep(late: place)
            } catch {
                close(period, kind)
                unswept.insert(place)
                throw error
            }
        }
        return file
    }

    /// Reads everything and says of every part whether it is whole, while the ledger is in use. Changes nothing.
    ///
    /// - Parameter heads: of the audit log, that were written down elsewhere.
    package nonisolated func inspect(
        _ parts: [LedgerVerdict.Part], heads: [AuditHead]
    ) async -> [LedgerVerdict] {
        let keys = await keys
        return await inspector.verdicts(LedgerInspection(keys, .owned(readers)), on: parts, heads: heads)
    }

    func close(_ period: Period, _ kind: RecordKind) {
        open.removeAll { $0.period == period && $0.kind == kind }
    }

    /// The key is durable before anything is sealed with it.
    func periodKey(_ name: String, _ kind: RecordKind, mayMake: Bool) throws(Problem) -> PeriodKey {
        let purpose = KeyPurpose.period(name, kind)
        if case .missing = try keys.find(purpose), mayMake {
            let key = PeriodKey(period: name)
            try keys.store(key.secret, for: purpose)
            return key
        }
        return try PeriodKey(try keys.key(purpose), period: name)
    }

    static func removeFiles(_ path: String) {
        for ending in ["-wal", "-shm", "", unwiped] { unlink(path + ending) }
        LedgerDatabase.synchronise(directoryOf: path)
    }
}
