import Foundation
import GRDB
import Sealing
import Testing
import Wire

@testable import Ledger

@Suite("The audit log")
struct AuditTests {
    private static let count: Int64 = 12

    private func entry(_ index: Int64) -> AuditEntry {
        AuditEntry(
            time: hour(Int(index) * 100), actor: Redacted("anna"), action: "settings.change",
            detail: Redacted("number \(index)"))
    }

    private func filled(_ place: TestLedger) async throws -> (LedgerStore, AuditHead) {
        let store = try await place.open()
        var head = AuditHead(sequence: 0, hash: "")
        for index in 1...Self.count { head = try await store.note(entry(index)) }
        return (store, head)
    }

    @Test("Entries read back, the newest first, across periods; nothing of them is in clear")
    func reading() async throws {
        let place = try TestLedger()
        let (store, head) = try await filled(place)
        #expect(head.sequence == Self.count)
        let page = try await store.auditPage(count: 5)
        #expect(
            page.map(\.sequence) == [12, 11, 10, 9, 8] && page.map(\.entry) == (8...12).reversed().map { entry($0) })
        #expect(try await store.auditPage(below: 2).map(\.entry) == [entry(1)])
        try await store.verifyAudit(anchors: [head])
        for (_, data) in try place.files() { #expect(data.range(of: Data("settings.change".utf8)) == nil) }
    }

    @Test("A head is read back from the journal's line, whatever stands behind the sentence")
    func notice() async throws {
        let place = try TestLedger()
        let head = try await filled(place).1
        let sentence = LedgerProblem.auditHead(head).sentence
        var expected = head
        expected.noted = hour(1)
        for line in [sentence, "\(sentence) code=ledger.audit-head", "\(sentence) code=ledger.audit-head part=web"] {
            #expect(AuditHead(notice: line, noted: hour(1)) == expected)
        }
        for line in ["", "entry", "hash", "entry 1 hash", "hash entry", "entry x hash y", "The process has ended."] {
            #expect(AuditHead(notice: line, noted: hour(1)) == nil)
        }
    }

    /// What somebody with the disk may do to entry `n`, and which entry is then named.
    private static let attacks: [@Sendable (Int64) -> (sql: String, broken: Int64)] = [
        { ("DELETE FROM entry WHERE sequence = \($0)", $0) },
        { ("UPDATE entry SET sealed = zeroblob(length(sealed)) WHERE sequence = \($0)", $0) },
        { ("UPDATE entry SET hash = zeroblob(32) WHERE sequence = \($0)", $0) },
        { ("UPDATE entry SET period = '2026-10' WHERE sequence = \($0)", $0) },
        { ("DELETE FROM entry WHERE sequence >= \($0)", $0) },
        { n in
            (
                """
                UPDATE entry SET sequence = -1 WHERE sequence = \(n);
                UPDATE entry SET sequence = \(n) WHERE sequence = \(n % count + 1);
                UPDATE entry SET sequence = \(n % count + 1) WHERE sequence = -1
                """, min(n, n % count + 1)
            )
        },
    ]

    @Test("Deleted, altered, exchanged or cut off, any entry: the first that is wrong is named", arguments: 1...count)
    func attack(sequence: Int64) async throws {
        for attack in Self.attacks {
            let place = try TestLedger()
            let (store, _) = try await filled(place)
            let (sql, broken) = attack(sequence)
            try store.audit.tamper(sql)
            await #expect(throws: LedgerProblem.auditBroken(broken)) { try await store.verifyAudit() }
        }
    }

    @Test("The end cut off and the head set back: a head from outside shows it")
    func anchors() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        for index in 1...5 { _ = try await store.note(entry(Int64(index))) }
        let path = "\(place.directory)/older.sqlite"
        try store.audit.tamper("VACUUM INTO '\(path)'")
        let head = try await store.note(entry(6))
        // The older file, whole, in the place of the newer one.
        try store.audit.tamper(
            """
            ATTACH '\(path)' AS older; DELETE FROM entry; DELETE FROM head;
            INSERT INTO entry SELECT * FROM older.entry; INSERT INTO head SELECT * FROM older.head; DETACH older
            """)
        try await store.verifyAudit()
        await #expect(throws: LedgerProblem.auditBroken(6)) { try await store.verifyAudit(anchors: [head]) }
        // Somebody goes on from there: another sixth entry.
        _ = try await store.note(entry(7))
        await #expect(throws: LedgerProblem.auditBroken(6)) { try await store.verifyAudit(anchors: [head]) }
    }

    @Test("The key of an old period destroyed: its entries cannot be read, and the chain holds")
    func destroyed() async throws {
        let place = try TestLedger()
        let (store, head) = try await filled(place)
        let keys = KeyFolder(directory: place.settings.directory, keyring: place.keyring)
        try keys.destroy(.period("2026-11", .audit))
        try await store.verifyAudit(anchors: [head])
        let page = try await store.auditPage(count: 100)
        #expect(page.count == 12 && page.last?.entry == nil && page.first?.entry == entry(12))
        let again = try await place.open()
        try await again.verifyAudit(anchors: [head])
    }
}

extension AuditLog {
    /// What somebody else does to the file. No transaction around it.
    fileprivate func tamper(_ sql: String) throws {
        try file.queue.inDatabase { try $0.execute(sql: sql) }
    }
}
