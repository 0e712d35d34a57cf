import Foundation
import Sealing
import Testing
import Wire

@testable import Ledger

@Suite("Retention and the clock: no key is destroyed because a clock was wrong once")
struct RetentionTests {
    private func ledger(_ place: TestLedger) async throws -> LedgerStore {
        let store = try await place.open {
            $0.length = .day
            $0.retentionDays = [.call: 2]
        }
        try await store.file((0..<96).map { call($0) })
        return store
    }

    /// Ten years.
    private static let jump = 10 * 365 * 24

    @Test("A clock that jumps ten years ahead, and comes back within a day, destroys nothing")
    func jump() async throws {
        let place = try TestLedger()
        let store = try await ledger(place)
        for look in 0..<23 {
            let expiry = try await store.expire(clocks(Self.jump, sinceBoot: look))
            #expect(expiry.removed == [] && expiry.waiting.count == 3)
        }
        #expect(try await store.expire(clocks(48, sinceBoot: 23)) == Expiry())
        // Counting begins anew: the looks before the return count for nothing.
        #expect(try await store.expire(clocks(Self.jump, sinceBoot: 24)).removed == [])
        #expect(try await store.expire(clocks(Self.jump, sinceBoot: 25)).removed == [])
        #expect(try await store.all().count == 96)
    }

    @Test("The newest period stays, however late it is")
    func newest() async throws {
        let place = try TestLedger()
        let store = try await ledger(place)
        var removed: [String] = []
        for look in 0..<60 { removed += try await store.expire(clocks(Self.jump, sinceBoot: look)).removed }
        #expect(removed == ["2026-11-01.calls", "2026-11-02.calls", "2026-11-03.calls"])
        #expect(try await store.all().count == 24)
    }

    @Test("A clock that follows no time server decides nothing, and says so; what nobody knows of decides slowly")
    func unsynchronised() async throws {
        let place = try TestLedger()
        let store = try await ledger(place)
        for look in 0..<60 {
            let expiry = try await store.expire(clocks(Self.jump, sinceBoot: look, synchronised: false))
            #expect(expiry.removed == [] && expiry.problem?.code == "ledger.retention-waits")
        }
        #expect(try await store.expire(clocks(48, synchronised: false)) == Expiry(), "nothing is held up")
        for look in 0...24 { _ = try await store.expire(clocks(Self.jump, sinceBoot: 60 + look, synchronised: nil)) }
        #expect(try await store.all().count == 24)
    }

    @Test("Looks are kept over restarts; time that the machine was off, or nobody looked, counts for little")
    func restarts() async throws {
        let place = try TestLedger()
        _ = try await ledger(place)
        var settings = place.settings
        settings.retentionDays = [.call: 2]
        var removed: [String] = []
        // Each start of the machine runs for twelve hours: two of them make a day.
        for boot in 0..<2 {
            for look in 0...12 {
                let store = try await LedgerStore.open(settings, keyring: place.keyring)
                removed += try await store.expire(clocks(Self.jump, sinceBoot: look, boot: "\(boot)")).removed
                #expect(removed.isEmpty || boot == 1 && look == 12)
            }
        }
        #expect(removed.count == 3)
        let other = try TestLedger()
        let store = try await ledger(other)
        _ = try await store.expire(clocks(Self.jump))
        #expect(try await store.expire(clocks(Self.jump, sinceBoot: 1000)).removed == [], "one look after six weeks")
    }

    @Test("Notes of looks that are damaged are begun anew")
    func damagedNotes() async throws {
        let place = try TestLedger()
        let store = try await ledger(place)
        for text in ["", "x", "{\"boot\":\"a\",\"milliseconds\":0,\"seen\":{\"2026-11-01.calls\":9999999999999}}"] {
            try Data(text.utf8).write(to: URL(filePath: "\(place.settings.directory)/expiry"))
            #expect(try await store.expire(clocks(Self.jump)).removed == [])
        }
    }
}
