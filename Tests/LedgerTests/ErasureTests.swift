import Call
import Foundation
import GRDB
import Sealing
import Testing
import Wire

@testable import Ledger

@Suite("Erasure, retention, quota")
struct ErasureTests {
    /// The bytes of every row of one number as they lie on the disk, and its hashes.
    private func traces(_ store: LedgerStore, number: String) async throws -> [Data] {
        try await store.traces(number: number)
    }

    @Test("After an erasure nothing of the rows is left in any file: neither rows nor hashes, log included")
    func erasure() async throws {
        let place = try TestLedger()
        let store = try await place.open { $0.length = .week }
        try await store.file((0..<400).map { call($0) })
        let number = "+49301234107"
        let gone = try await traces(store, number: number)
        try #require(gone.count == 16, "eight rows and a hash of each")
        func hits() throws -> Int {
            let files = try place.files()
            return gone.filter { trace in files.values.contains { $0.range(of: trace) != nil } }.count
        }
        try #require(hits() == 16)
        let certificate = try await store.erase(.number(Redacted("+49 30 1234-107")), now: hour(1000))
        #expect(certificate.removed == [.call: 8] && certificate.unreadable == 0 && certificate.files >= 2)
        #expect(try hits() == 0)
        #expect(try await store.all().count == 392)
        #expect(await store.verify().allSatisfy { $0.problem == nil })
    }

    @Test("What comes late from before the erasure is dropped, what comes after is kept; both after a restart as well")
    func late() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        try await store.file([call(7, .dialled)])
        var generator = SeededGenerator(seed: 5)
        let detail = try store.sealingKey.seal(
            CallDetail(kind: .trace, call: call(7).identifier, time: hour(7), content: Redacted([1])),
            as: RecordIdentifier(using: &generator))
        _ = try await store.erase(.number(Redacted("+49301234107")), now: hour(10))
        let again = try await place.open()
        for store in [store, again] {
            let filing = await store.file([
                try store.sealingKey.seal(call(7)), try store.sealingKey.seal(call(57)), detail,
            ])
            #expect(filing.acknowledged.count == 3 && filing.erased == 2)
            #expect(try await store.all() == [call(57)])
            #expect(try await store.details(of: call(7).identifier, .trace).isEmpty)
        }
        _ = try await again.erase(.user(CallOwner("bert")), now: hour(100))
        #expect(try await again.all().isEmpty)
    }

    @Test("A backup from before an erasure is swept when it is opened with the list")
    func restored() async throws {
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open()
        try await store?.file((0..<60).map { call($0) })
        store = nil
        let backup = place.directory + "/backup"
        try FileManager.default.copyItem(atPath: place.settings.directory, toPath: backup)
        store = try await place.open()
        _ = try await store?.erase(.number(Redacted("+49301234107")), now: hour(100))
        store = nil
        let list = try Data(contentsOf: URL(filePath: "\(place.settings.directory)/erasures"))
        try FileManager.default.removeItem(atPath: place.settings.directory)
        try FileManager.default.moveItem(atPath: backup, toPath: place.settings.directory)
        try list.write(to: URL(filePath: "\(place.settings.directory)/erasures"))
        let restored = try await place.open()
        #expect(try await restored.all().count == 58)
        #expect(try await restored.all().allSatisfy { $0.far.number?.revealed != "+49301234107" })
    }

    @Test("Without the list, or with an older one, the ledger stays closed")
    func missingList() async throws {
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open()
        let path = "\(place.settings.directory)/erasures"
        _ = try await store?.erase(.number(Redacted("+491111111")), now: hour(1))
        let older = try Data(contentsOf: URL(filePath: path))
        _ = try await store?.erase(.number(Redacted("+492222222")), now: hour(1))
        store = nil
        try older.write(to: URL(filePath: path))
        await #expect(throws: LedgerProblem.erasuresDamaged) { try await place.open() }
        unlink(path)
        await #expect(throws: LedgerProblem.erasuresDamaged) { try await place.open() }
    }

    @Test("A list with any bit altered, or cut, keeps the ledger closed")
    func list() async throws {
        let place = try TestLedger()
        let key = ErasureKey()
        let path = "\(place.directory)/erasures"
        var list = try ErasureList(path, key: key)
        try list.add([("number", Redacted("+491"))], at: hour(1))
        #expect(try ErasureList(path, key: key).covers([("number", Redacted("+491"))], at: hour(1)))
        #expect(try !ErasureList(path, key: key).covers([("number", Redacted("+491"))], at: hour(2)))
        let bytes = try Data(contentsOf: URL(filePath: path))
        #expect(bytes.range(of: Data("+491".utf8)) == nil)
        for bit in 0..<bytes.count * 8 {
            var altered = bytes
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            try altered.write(to: URL(filePath: path))
            #expect(throws: LedgerProblem.erasuresDamaged) { try ErasureList(path, key: key) }
        }
        for cut in 0..<bytes.count {
            try bytes.prefix(cut).write(to: URL(filePath: path))
            #expect(throws: LedgerProblem.erasuresDamaged) { try ErasureList(path, key: key) }
        }
    }

    @Test("Retention destroys the key first; a crash in between is finished at the next start")
    func retention() async throws {
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open {
            $0.length = .day; $0.retentionDays = [.call: 2]
        }
        try await store?.file((0..<96).map { call($0) })
        for look in 0..<24 {
            #expect(try await store?.expire(clocks(72, sinceBoot: look)).removed == [], "after \(look) hours")
        }
        #expect(try await store?.expire(clocks(72, sinceBoot: 24)).removed == ["2026-11-01.calls"])
        #expect(try await store?.all().count == 72)
        #expect(!FileManager.default.fileExists(atPath: "\(place.settings.directory)/2026-11-01.calls.key"))
        store = nil
        // The first step alone.
        let keys = KeyFolder(directory: place.settings.directory, keyring: place.keyring)
        let purpose = KeyPurpose.period("2026-11-02", .call)
        try keys.destroy(purpose)
        #expect(throws: Problem.self) { try keys.key(purpose) }
        let again = try await place.open()
        #expect(try await again.all().count == 48)
        #expect(try LedgerStore.listing(place.settings.directory).count == 2)
    }

    @Test("A key file that got lost closes its period, and neither file nor key is made anew")
    func lostKey() async throws {
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open()
        try await store?.file([call(1)])
        store = nil
        let path = "\(place.settings.directory)/2026-11.calls.key"
        let key = try Data(contentsOf: URL(filePath: path))
        try FileManager.default.removeItem(atPath: path)
        let without = try await place.open()
        let refusal = LedgerProblem.periodUnusable("2026-11.calls", LedgerProblem.keyMissing(path))
        await #expect(throws: refusal) { try await without.all() }
        await #expect(throws: refusal) { try await without.file([call(2)]) }
        #expect(!FileManager.default.fileExists(atPath: path))
        try key.write(to: URL(filePath: path))
        #expect(try await without.all() == [call(1)])
        try FileManager.default.removeItem(atPath: "\(place.settings.directory)/box.key")
        await #expect(throws: LedgerProblem.keyMissing("\(place.settings.directory)/box.key")) {
            try await place.open()
        }
        #expect(!FileManager.default.fileExists(atPath: "\(place.settings.directory)/box.key"))
    }

    @Test("At the quota the oldest periods go, and the warnings come before")
    func quota() async throws {
        let place = try TestLedger()
        let store = try await place.open { $0.length = .day }
        try await store.file((0..<96).map { call($0) })
        let bytes = await store.usage().bytes
        for (quota, level) in [
            (bytes * 2, LedgerUsage.Level.fine), (bytes * 100 / 85, .warning80), (bytes * 100 / 95, .warning90),
        ] {
            #expect(LedgerUsage(bytes: bytes, quota: quota).level == level)
        }
        #expect(try await store.makeRoom() == [])
        let full = try await place.open { $0.quota = bytes - 1 }
        let removed = try await full.makeRoom()
        #expect(removed.first == "2026-11-01.calls" && removed.count < 4)
        #expect(try await full.all().count == 96 - 24 * removed.count)
    }

    @Test("The master key is changed while the ledger is used; cut short at any step, it goes on")
    func masterKey() async throws {
        struct Cut: Error {}
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open { $0.length = .day }
        try await store?.file((0..<96).map { call($0) })
        var keyring = place.keyring
        // The keyring is stored, then the disk refuses every other key file: the second store is never reached.
        let blocked = "\(place.settings.directory)/2026-11-02.calls.key.new"
        try FileManager.default.createDirectory(atPath: blocked, withIntermediateDirectories: true)
        keyring = try await #require(store).change(keyring)
        #expect(keyring.names.count == 2 && keyring.names.contains(place.keyring.current))
        store = try await LedgerStore.open(place.settings, keyring: keyring)
        #expect(try await store?.all().count == 96)
        try FileManager.default.removeItem(atPath: blocked)
        keyring = try await #require(store).change(keyring)
        #expect(keyring.names.count == 1 && keyring.current != place.keyring.current)
        store = try await LedgerStore.open(place.settings, keyring: keyring)
        #expect(try await store?.all().count == 96)
        await #expect(throws: SealingProblem.masterKeyMissing) { try await place.open() }
    }
}

extension LedgerStore {
    fileprivate func traces(number: String) throws -> [Data] {
        var traces: [Data] = []
        for period in try periods(.call) {
            let file = try file(period, .call)
            let token = file.key.token(of: Redacted(number), as: "number")
            let rows = try file.rows(count: 100, with: ("number", Redacted(number)))
            for row in rows {
                let sealed = try file.file.work {
                    try Data.fetchOne($0, sql: "SELECT sealed FROM row WHERE number = ?", arguments: [row.number])
                }
                if let sealed { traces.append(sealed.prefix(24)) }
                traces.append(withUnsafeBytes(of: token.bigEndian) { Data($0) })
            }
        }
        return traces
    }

    /// - Returns: the keyring that was stored last, whether the change came to its end or not.
    fileprivate func change(_ keyring: MasterKeyring) -> MasterKeyring {
        var last = keyring
        do throws(Problem) { try changeMasterKey { last = $0 } } catch {}
        return last
    }
}
