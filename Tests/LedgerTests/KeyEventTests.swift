import Foundation
import Sealing
import Testing
import Wire

@testable import Ledger

@Suite("What befalls a key stands in the audit log")
struct KeyEventTests {
    /// The oldest first, as `action: detail`.
    private func entries(_ store: LedgerStore) async throws -> [String] {
        try await store.auditPage(count: 500).reversed().map { line in
            line.entry.map { "\($0.action): \($0.detail.revealed)" } ?? "unreadable"
        }
    }

    private func days(_ place: TestLedger, quota: Int = 4 << 30) async throws -> LedgerStore {
        let store = try await place.open {
            $0.length = .day
            $0.retentionDays = [.call: 2]
            $0.quota = quota
        }
        try await store.file((0..<96).map { call($0) })
        return store
    }

    private static let later = 10 * 365 * 24

    @Test("A key that retention destroys, and why; the log is whole")
    func retention() async throws {
        let place = try TestLedger()
        let store = try await days(place)
        for look in 0...24 { _ = try await store.expire(clocks(Self.later, sinceBoot: look)) }
        #expect(try await entries(store) == (1...3).map { "key.destroyed: 2026-11-0\($0).calls: kept long enough" })
        try await store.verifyAudit()
    }

    @Test("A key that goes because there is no room")
    func quota() async throws {
        let place = try TestLedger()
        let store = try await days(place, quota: 100_000)
        let removed = try await store.makeRoom()
        #expect(!removed.isEmpty)
        #expect(try await entries(store) == removed.map { "key.destroyed: \($0): the quota is reached" })
    }

    @Test("An audit log that takes nothing keeps no key from going; the entry comes when it can, before the next one")
    func waiting() async throws {
        let place = try TestLedger()
        let store = try await days(place)
        let entry = AuditEntry(time: .now(), actor: Redacted("anna"), action: "session.sign-in", detail: Redacted(""))
        _ = try await store.note(entry)
        let name = try FileManager.default.contentsOfDirectory(atPath: place.settings.directory)
            .filter { $0.hasSuffix(".audit.key") }
        let path = "\(place.settings.directory)/\(try #require(name.first))"
        let key = try Data(contentsOf: URL(filePath: path))
        try Data("no key".utf8).write(to: URL(filePath: path))
        for look in 0...24 { _ = try await store.expire(clocks(Self.later, sinceBoot: look)) }
        #expect(try await store.all().count == 24)
        try key.write(to: URL(filePath: path))
        _ = try await store.note(entry)
        let found = try await entries(store)
        #expect(
            found == ["session.sign-in: "] + (1...3).map { "key.destroyed: 2026-11-0\($0).calls: kept long enough" }
                + ["session.sign-in: "])
    }

    @Test("Another master key: once, and with its name; never the key")
    func master() async throws {
        let place = try TestLedger()
        _ = try await days(place)
        let ring = MasterKeyring().followed(by: place.keyring)
        for _ in 0..<3 {
            let store = try await LedgerStore.open(place.settings, keyring: ring)
            #expect(
                try await entries(store) == [
                    "key.master-changed: 6 keys are wrapped anew, by the master key \(hexadecimal(ring.current))"
                ])
        }
        let changed = try await LedgerStore.open(place.settings, keyring: ring)
        try await changed.changeMasterKey { _ in }
        try await changed.changeMasterKey { _ in }
        let found = try await entries(changed)
        // The first went on with what was begun, and had nothing to wrap.
        #expect(found.count == 2 && found.allSatisfy { $0.hasPrefix("key.master-changed: ") })
    }

    @Test("A key that does not open, or is gone: once for all starts")
    func unusable() async throws {
        let place = try TestLedger()
        _ = try await days(place)
        try FileManager.default.removeItem(atPath: "\(place.settings.directory)/2026-11-02.calls.key")
        let path = "\(place.settings.directory)/2026-11-03.calls.key"
        var key = try Data(contentsOf: URL(filePath: path))
        key[key.count - 1] ^= 1
        try key.write(to: URL(filePath: path))
        for _ in 0..<2 {
            let store = try await LedgerStore.open(place.settings, keyring: place.keyring)
            for _ in 0..<2 { #expect(try await store.page(CallQuery()).unusable.count == 2) }
            #expect(
                try await entries(store) == [
                    "key.unusable: key of period 2026-11-03 calls: ledger.key-unreadable",
                    "key.unusable: key of period 2026-11-02 calls: ledger.key-missing",
                ])
        }
    }
}
