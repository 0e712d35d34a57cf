import Foundation
import GRDB
import Sealing
import Synchronization
import Testing
import Wire

@testable import Ledger

@Suite("A look at everything that is kept")
struct InspectionTests {
    private func filled(_ count: Int = 3) async throws -> (TestLedger, LedgerStore) {
        let place = try TestLedger()
        let store = try await place.open()
        try await store.file((0..<count).map { call($0) })
        _ = try await store.note(
            AuditEntry(time: hour(1), actor: Redacted("a"), action: "test.note", detail: Redacted("1")))
        return (place, store)
    }

    @Test("In use, and left behind with its logs by a process that was killed: whole, and not a byte is changed")
    func whole() async throws {
        let (place, store) = try await filled()
        let shown = await store.inspect(LedgerVerdict.Part.allCases, heads: [])
        #expect(shown.map(\.isWhole) == [true, true, true], "\(shown)")
        #expect(shown[0].counts["rows"] == 3 && shown[2].counts["entries"] == 1)
        // As a kill leaves it: files and logs, and no process that has them open.
        let left = try TestLedger(keyring: place.keyring)
        try FileManager.default.copyItem(atPath: place.settings.directory, toPath: left.settings.directory)
        let before = try left.files()
        try #require(before.contains { $0.key.hasSuffix(".calls.sqlite-wal") && !$0.value.isEmpty })
        let look = LedgerInspection(directory: left.settings.directory, keyring: left.keyring)
        for part in LedgerVerdict.Part.allCases {
            let verdict = look.verdict(on: part, heads: [])
            #expect(verdict.isWhole, "\(verdict)")
        }
        #expect(look.verdict(on: .ledger, heads: []).counts["rows"] == 3)
        #expect(try left.files() == before)
    }

    @Test("A row without any party is tied to its number as well")
    func nameless() async throws {
        let place = try TestLedger()
        defer { withExtendedLifetime(place) {} }
        let store = try await place.open()
        var record = call(1)
        (record.far, record.user) = (FarParty(number: nil, name: nil), nil)
        try await store.file([record])
        try #require(await store.inspect([.ledger], heads: []).map(\.isWhole) == [true])
        let period = try #require(Period("2026-11"))
        try await store.renumber(period)
        let verdict = try #require(await store.inspect([.ledger], heads: []).first)
        #expect(verdict.faults.map(\.rows) == [[77]])
    }

    @Test("An erasure goes before a look, which gives way and begins again")
    func erasure() async throws {
        let (place, store) = try await filled(2000)
        let isOver = Mutex(false)
        async let looks: [[LedgerVerdict]] = {
            var all: [[LedgerVerdict]] = []
            while !isOver.withLock({ $0 }) { all.append(await store.inspect([.ledger], heads: [])) }
            return all
        }()
        for index in 0..<5 {
            let number = Redacted("+49301234\(100 + index)")
            let certificate = try await store.erase(.number(number), now: hour(3000))
            #expect(certificate.removed[.call] == 40 && certificate.unusable.isEmpty)
            // Cut to nothing: a reader would have kept it.
            let log = try place.files().first { $0.key.hasSuffix("2026-11.calls.sqlite-wal") }
            #expect(log?.value.count ?? 0 == 0)
        }
        isOver.withLock { $0 = true }
        let all = await looks
        #expect(!all.isEmpty && all.allSatisfy { $0.allSatisfy(\.isWhole) }, "\(all.count)")
    }

    @Test("Heads that were written down: the log must have come by each, but for those from before a restore")
    func heads() async throws {
        let (place, store) = try await filled()
        defer { withExtendedLifetime(place) {} }
        let head = try await store.note(
            AuditEntry(time: hour(2), actor: Redacted("a"), action: "test.note", detail: Redacted("2")))
        func isWhole(_ heads: [AuditHead]) async -> Bool {
            await store.inspect([.audit], heads: heads).allSatisfy(\.isWhole)
        }
        let other = AuditHead(sequence: 2, hash: String(repeating: "0", count: 64), noted: hour(3))
        let later = AuditHead(sequence: 3, hash: head.hash, noted: hour(3))
        #expect(await isWhole([head]))
        #expect(await !isWhole([other]))
        #expect(await !isWhole([later]))
        _ = try await store.note(
            AuditEntry(time: hour(4), actor: Redacted("box"), action: AuditEntry.restored, detail: Redacted("")))
        #expect(await isWhole([head, other, later]))
        let text = try #require(AuditHead("\(other)"))
        #expect(text == other && AuditHead("0:00") == nil && AuditHead("2:\(other.hash):1:1") == nil)
    }
}

extension LedgerStore {
    fileprivate func renumber(_ period: Period) throws(Problem) {
        try file(period, .call).file.transact { try $0.execute(sql: "UPDATE row SET number = 77") }
    }
}
