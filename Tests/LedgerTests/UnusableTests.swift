import Foundation
import GRDB
import Sealing
import Testing
import Wire

@testable import Ledger

@Suite("One part that cannot be used stops nothing else")
struct UnusableTests {
    private func sealed(_ calls: [CallRecord], _ store: LedgerStore) throws -> [SealedRecord] {
        try calls.map { try store.sealingKey.seal($0) }
    }

    enum Damage: CaseIterable {
        case rubbish, keyLost, keyRubbish, keyZeros, keyUnreadable
    }

    @Test(
        "A damaged file or key: its records stay with the core, all others are filed and shown",
        arguments: Damage.allCases)
    func damaged(_ damage: Damage) async throws {
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open { $0.length = .day }
        try await store?.file((0..<72).map { call($0) })
        store = nil
        let path = "\(place.settings.directory)/2026-11-02.calls"
        let (file, key) = (URL(filePath: path + ".sqlite"), URL(filePath: path + ".key"))
        let (whole, wrapped) = (try Data(contentsOf: file), try Data(contentsOf: key))
        for ending in ["-wal", "-shm"] { unlink(file.path + ending) }
        switch damage {
        case .rubbish: try Data(repeating: 0x5a, count: 9000).write(to: file)
        case .keyLost: try FileManager.default.removeItem(at: key)
        case .keyRubbish: try Data(repeating: 0x5a, count: wrapped.count).write(to: key)
        case .keyZeros: try Data(repeating: 0, count: wrapped.count).write(to: key)
        case .keyUnreadable:
            // As root every mode can be read; a link cannot, for it is not followed.
            try FileManager.default.removeItem(at: key)
            try FileManager.default.createSymbolicLink(atPath: key.path, withDestinationPath: "/dev/null")
        }
        let damaged = try? Data(contentsOf: key)
        let again = try await place.open { $0.length = .day }
        // One of the second day first, so that it would stop the others if it stopped anything.
        let filing = await again.file(try sealed([call(30, .ended), call(80), call(5)], again))
        #expect(filing.acknowledged.count == 2 && filing.unusable.map(\.name) == ["2026-11-02.calls"])
        #expect(filing.unusable.first?.problem.code == "ledger.period-unusable")
        #expect(!filing.acknowledged.contains(call(30).header))
        let page = try await again.page(CallQuery())
        #expect(page.unusable.map(\.name) == ["2026-11-02.calls"])
        #expect(page.calls.count == 49 && page.calls.first == call(80))
        #expect((try? Data(contentsOf: key)) == damaged, "no new key in its place")
        await #expect(throws: Problem.self, "an export must not pass for a whole one") {
            _ = try await again.export(CallQuery(), as: .csv) { _ in }
        }
        // Put back, it is used at once.
        unlink(key.path)
        try whole.write(to: file)
        try wrapped.write(to: key)
        for ending in ["-wal", "-shm"] { unlink(file.path + ending) }
        #expect(await again.file(try sealed([call(30)], again)).unusable.isEmpty)
        #expect(try await again.all().count == 73)
    }

    @Test("An erasure that could not search a part is made good before the part is shown again")
    func erasedLate() async throws {
        let place = try TestLedger()
        var store: LedgerStore? = try await place.open { $0.length = .day }
        try await store?.file((0..<72).map { call($0, number: "+4930777") })
        store = nil
        let key = URL(filePath: "\(place.settings.directory)/2026-11-02.calls.key")
        let wrapped = try Data(contentsOf: key)
        try FileManager.default.removeItem(at: key)
        let again = try await place.open { $0.length = .day }
        let certificate = try await again.erase(.number(Redacted("+4930777")), now: hour(100))
        #expect(certificate.removed[.call] == 48 && certificate.unusable.map(\.name) == ["2026-11-02.calls"])
        try wrapped.write(to: key)
        #expect(try await again.all().isEmpty)
        // Nor after a start.
        let later = try await place.open { $0.length = .day }
        #expect(try await later.all().isEmpty)
    }

    @Test("An amendment comes from the web process alone: forged by the core, it changes nothing")
    func forged() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        try await store.file([call(1)])
        let filing = await store.file(try sealed([call(1, .amended), call(2, .amended)], store))
        #expect(filing.unopened == 2)
        #expect(try await store.all() == [call(1)])
        let again = try await place.open()
        #expect(try await again.all() == [call(1)], "not at the next start either")
        try await again.amend([call(1, .amended)])
        #expect(try await again.all() == [call(1, .amended)])
    }

    @Test("The length of periods is changed while calls go on: their ends find the records where they are")
    func otherLength() async throws {
        let place = try TestLedger()
        for (before, after) in [(Period.Length.month, Period.Length.day), (.day, .month), (.week, .day)] {
            let place = before == .month ? place : try TestLedger()
            var store: LedgerStore? = try await place.open { $0.length = before }
            try await store?.file((0..<60).map { call($0, .dialled) })
            store = try await place.open { $0.length = after }
            try await store?.file((0..<90).map { call($0) })
            let calls = try await #require(store).all()
            #expect(calls.count == 90 && Set(calls.map(\.identifier)).count == 90, "\(before) to \(after)")
            #expect(calls.allSatisfy { $0.stage == .ended })
        }
    }

    @Test("A record that waits unopened and was erased meanwhile leaves nothing in its file")
    func erasedUnopened() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        let record = try store.sealingKey.seal(call(1, number: "+4930777"))
        // As if it had not been openable when it came.
        try store.unopened.put([record])
        _ = try await store.erase(.number(Redacted("+4930777")), now: hour(100))
        #expect(try store.unopened.count() == 0)
        let trace = Data(record.sealed.suffix(24))
        for (name, content) in try place.files() { #expect(content.range(of: trace) == nil, "\(name)") }
        #expect(try await store.all().isEmpty)
        // One that nobody can open is counted: nobody knows whom it is about.
        try store.unopened.put([try OpeningKey().sealingKey.seal(call(2))])
        #expect(try await store.erase(.number(Redacted("+4930778")), now: hour(100)).unreadable == 1)
    }

    @Test("Rows that cannot be read count towards what a page may read")
    func mostRead() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        try await store.file([call(1)])
        try await store.addUnreadable(LedgerStore.mostRead + 500)
        let page = try await store.page(CallQuery())
        #expect(page.unreadable == LedgerStore.mostRead && page.next != nil)
    }

    @Test("A small quota has small files: room is made of the oldest, and the newest records stay")
    func smallQuota() async throws {
        let place = try TestLedger()
        let store = try await place.open { $0.quota = 2 << 20 }
        for begin in stride(from: 0, to: 600, by: 100) { try await store.file((begin..<begin + 100).map { call($0) }) }
        var index = 700
        var removed: [String] = []
        while removed.isEmpty, index < 20_000 {
            try await store.file((index..<index + 100).map { call($0 % 720 + $0 / 720 * 100_000) })
            index += 100
            removed = try await store.makeRoom()
        }
        #expect(removed.count == 1)
        #expect(await store.usage().level < .full)
    }

    @Test("A directory that cannot be listed, or a key that cannot be looked at, is no reason for a new key")
    func unreadableDirectory() throws {
        #expect(throws: Problem.self) { try PrivateBytes.names(in: "/proc/self/mem") }
        #expect(throws: Problem.self) { try PrivateBytes.isThere("/proc/self/status/x") }
        #expect(throws: LedgerProblem.diskFailed("/proc/self/mem")) {
            try PrivateBytes.contents(of: "/proc/self/mem", atMost: 16)
        }
        #expect(try PrivateBytes.contents(of: "/proc/self/not-there", atMost: 16) == nil)
    }
}

extension LedgerStore {
    /// Rows whose seal is broken.
    fileprivate func addUnreadable(_ count: Int) throws {
        guard let newest = try periods(.call).last else { return }
        try file(newest, .call).file.transact { database in
            for index in 0..<count {
                let id = withUnsafeBytes(of: (UInt64(index), UInt64(7))) { Data($0) }
                try database.execute(
                    sql: "INSERT INTO row (id, kind, revision, schema, sealed) VALUES (?, 1, 0, 1, x'00')",
                    arguments: [id])
            }
        }
    }
}
