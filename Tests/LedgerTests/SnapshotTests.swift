import Call
import Foundation
import GRDB
import Sealing
import Synchronization
import Testing
import Wire

@testable import Ledger

/// Asks the ledger as the watchdog does for as long as something goes on.
private func answers(
    of store: LedgerStore, during work: @escaping @Sendable () async throws -> Void
) async throws -> Int {
    let isOver = Mutex(false)
    async let asked = { () async throws -> Int in
        var count = 0
        while !isOver.withLock({ $0 }) {
            try await store.probe()
            count += 1
        }
        return count
    }()
    try await work()
    isOver.withLock { $0 = true }
    return try await asked
}

@Suite("The copy of a ledger in use")
struct SnapshotTests {
    private func copyFolder(_ place: TestLedger) throws -> String {
        let folder = "\(place.directory)/copy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test("While it is made, and during an erasure, the ledger answers after each megabyte or some hundred rows")
    func turns() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        for start in stride(from: 0, to: 6000, by: 500) {
            try await store.file(
                (start..<start + 500).map { index in
                    var record = call(index % 700)
                    var generator = SeededGenerator(seed: UInt64(index) + 1_000_000)
                    record.identifier = CallIdentifier(using: &generator)
                    return record
                })
        }
        let folder = try copyFolder(place)
        let size = try await store.snapshotSize()
        let copying = try await answers(of: store) { _ = try await store.snapshot(into: folder) }
        #expect(copying > size >> 20, "\(copying) answers while \(size) bytes were copied")
        // How far it has come, as others see it in their turns.
        let seen = Mutex(Set<Int>())
        let again = try copyFolder(place)
        async let copy = store.snapshot(into: again)
        while !FileManager.default.fileExists(atPath: "\(again)/box.key") {
            let remaining = await store.remaining
            seen.withLock { _ = $0.insert(remaining) }
        }
        _ = try await copy
        #expect(seen.withLock { $0.contains { $0 > 0 } }, "somebody had a turn while pages were left")
        let erasing = try await answers(of: store) {
            _ = try await store.erase(.number(Redacted("+49301234107")), now: hour(10_000))
        }
        #expect(erasing > 10, "\(erasing)")
        print("answers: \(copying) in the copy of \(size) bytes, \(erasing) in the erasure of 6,000 rows")
    }

    @Test("What is filed and erased meanwhile leaves a copy that is whole and, with the list in it, without the erased")
    func changed() async throws {
        let place = try TestLedger()
        let store = try await place.open { $0.length = .week }
        try await store.file((0..<600).map { call($0) })
        for round in 0..<4 {
            let folder = try copyFolder(place)
            async let snapshot = store.snapshot(into: folder)
            try await store.file((600 + round * 100..<700 + round * 100).map { call($0) })
            _ = try await store.erase(.number(Redacted("+4930123411\(round)")), now: hour(5000))
            let found = try await snapshot
            #expect(found.leftOut.isEmpty)
            for (name, rows) in found.rows { #expect(try LedgerCopy.check("\(folder)/\(name)") == rows) }
            try UnpackedLedger.verify(folder, keyring: place.keyring, auditHead: found.auditHead)
            let copy = try await LedgerStore.open(LedgerSettings(directory: folder), keyring: place.keyring)
            #expect(await copy.verify().allSatisfy { $0.problem == nil })
            let numbers = try await copy.all().compactMap { $0.far.number?.revealed }
            #expect(numbers.count > 400 && !numbers.contains("+4930123411\(round)"))
        }
    }

    @Test("A damaged file and a damaged key are left out and named; the rest is copied and opens")
    func leftOut() async throws {
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open { $0.length = .day }
        try await store?.file((0..<96).map { call($0) })
        store = nil
        let ledger = place.settings.directory
        try Data("nothing".utf8).write(to: URL(filePath: "\(ledger)/2026-11-02.calls.key"))
        let handle = try FileHandle(forUpdating: URL(filePath: "\(ledger)/2026-11-03.calls.sqlite"))
        try handle.seek(toOffset: 4096 + 8)
        try handle.write(contentsOf: Data(repeating: 0xff, count: 4000))
        try handle.close()
        let again = try await place.open { $0.length = .day }
        let folder = try copyFolder(place)
        let snapshot = try await again.snapshot(into: folder)
        #expect(snapshot.leftOut.keys.sorted() == ["2026-11-02.calls.sqlite", "2026-11-03.calls.sqlite"])
        try UnpackedLedger.verify(folder, keyring: place.keyring, auditHead: snapshot.auditHead)
        let copy = try await LedgerStore.open(LedgerSettings(directory: folder), keyring: place.keyring)
        #expect(try await copy.all().count == 48)
    }
}

extension LedgerStore {
    /// The first half of an erasure, as a crash leaves it.
    fileprivate func removeWithoutWiping(_ count: Int64) throws {
        let period = try #require(try periods(.call).last)
        let file = try file(period, .call)
        try PrivateBytes.replace(file.file.path + Self.unwiped, with: [])
        try file.remove(Array(1...count))
    }

    /// Pages that a copy under way has before it; 0: none is.
    fileprivate var remaining: Int { copies.values.first?.remaining ?? 0 }

    fileprivate func freePages() throws -> Int {
        let period = try #require(try periods(.call).last)
        return try file(period, .call).file.work { try Int.fetchOne($0, sql: "PRAGMA freelist_count") ?? -1 }
    }
}

@Suite("Erasures that were cut short, or met a wrong clock")
struct UnfinishedErasureTests {
    @Test("Rows that went without their file being written anew: the next start does it")
    func wiped() async throws {
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open()
        try await store?.file((0..<700).map { call($0) })
        try await store?.removeWithoutWiping(600)
        #expect(try await #require(store).freePages() > 10)
        store = nil
        let again = try await place.open()
        #expect(try place.files().keys.allSatisfy { !$0.hasSuffix(LedgerStore.unwiped) })
        #expect(try await again.freePages() == 0)
        _ = try await again.erase(.number(Redacted("+49301234107")), now: hour(10_000))
        #expect(try place.files().keys.allSatisfy { !$0.hasSuffix(LedgerStore.unwiped) }, "nor after a whole erasure")
    }

    @Test("A row that claims a time yet to come is erased, and does not come back from an older backup")
    func future() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        var record = call(7, number: "+4930777")
        record.dialled = WallTime(milliseconds: hour(0).milliseconds + 20 * 365 * 86_400_000)
        (record.ringing, record.answered, record.ended) = (nil, nil, record.dialled)
        try await store.file([record, call(8)])
        let older = "\(place.directory)/older"
        try FileManager.default.createDirectory(atPath: older, withIntermediateDirectories: true)
        _ = try await store.snapshot(into: older)
        let certificate = try await store.erase(.number(Redacted("+4930777")), now: hour(100))
        #expect(certificate.removed == [.call: 1])
        #expect(try await store.all() == [call(8)])
        try await UnpackedLedger.replayErasures(
            from: ["\(place.settings.directory)/erasures"], ledger: older, keyring: place.keyring)
        let restored = try await LedgerStore.open(LedgerSettings(directory: older), keyring: place.keyring)
        #expect(try await restored.all() == [call(8)])
        // Whoever calls again is recorded again.
        try await store.file([call(200, number: "+4930777")])
        #expect(try await store.all().count == 2)
    }
}

@Suite("Lists of what was erased only grow")
struct ErasureListUnionTests {
    @Test("Two lists that each know something are both used; one of another box or from before is not")
    func union() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        try await store.file((0..<50).map { call($0) })
        func copy(_ name: String) async throws -> String {
            let folder = "\(place.directory)/\(name)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = try await store.snapshot(into: folder)
            return folder
        }
        let (backup, one, other) = (try await copy("backup"), try await copy("one"), try await copy("other"))
        for (folder, number) in [(one, "+49301234107"), (other, "+49301234108")] {
            let box = try await LedgerStore.open(LedgerSettings(directory: folder), keyring: place.keyring)
            _ = try await box.erase(.number(Redacted(number)), now: hour(100))
        }
        let lists = ["\(one)/erasures", "\(other)/erasures", "\(place.directory)/none"]
        let fitting = try UnpackedLedger.fitting(lists, ledger: backup, keyring: place.keyring)
        #expect(fitting == Array(lists.prefix(2)))
        let lacking = try UnpackedLedger.fitting([lists[1]], ledger: one, keyring: place.keyring)
        #expect(lacking.isEmpty, "it lacks what the first has")
        try await UnpackedLedger.replayErasures(from: fitting, ledger: backup, keyring: place.keyring)
        let restored = try await LedgerStore.open(LedgerSettings(directory: backup), keyring: place.keyring)
        let numbers = try await restored.all().compactMap { $0.far.number?.revealed }
        #expect(numbers.count == 48 && !numbers.contains("+49301234107") && !numbers.contains("+49301234108"))
    }

    @Test("The list beside the backups takes over and forgets nothing; another box's is put aside")
    func beside() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        let beside = "\(place.directory)/erasures-beside"
        let older = "\(place.directory)/older"
        try FileManager.default.createDirectory(atPath: older, withIntermediateDirectories: true)
        _ = try await store.snapshot(into: older)
        #expect(try UnpackedLedger.addErasures(of: older, keyring: place.keyring, to: beside) == nil)
        _ = try await store.erase(.number(Redacted("+4930777")), now: hour(100))
        for ledger in [place.settings.directory, older] {
            #expect(try UnpackedLedger.addErasures(of: ledger, keyring: place.keyring, to: beside) == nil)
            let key = try ErasureKey(KeyFolder(directory: older, keyring: place.keyring).key(.erasures))
            #expect(try ErasureList(beside, key: key).covers([("number", Redacted("+4930777"))], at: hour(99)))
        }
        let stranger = try TestLedger()
        _ = try await stranger.open()
        let moved = try UnpackedLedger.addErasures(
            of: stranger.settings.directory, keyring: stranger.keyring, to: beside)
        #expect(moved == "\(beside)-1")
        #expect(try UnpackedLedger.fitting([beside + "-1"], ledger: older, keyring: place.keyring).count == 1)
    }
}
