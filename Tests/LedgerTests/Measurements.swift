import Foundation
import Sealing
import Testing
import Wire

@testable import Ledger

/// Figures on request: `SIPCALL_LEDGER_FIGURES=FILE SIPCALL_LEDGER_RECORDS=1000000 swift test -c release --filter LedgerFigures`
@Suite("Ledger figures", .enabled(if: ProcessInfo.processInfo.environment["SIPCALL_LEDGER_FIGURES"] != nil))
struct LedgerFigures {
    private func timed<Value>(_ body: () async throws -> Value) async rethrows -> (Value, milliseconds: Double) {
        let start = ContinuousClock.now
        let value = try await body()
        return (value, (ContinuousClock.now - start).milliseconds)
    }

    @Test("Filing, newest page, search, totals")
    func figures() async throws {
        let environment = ProcessInfo.processInfo.environment
        let wanted = environment["SIPCALL_LEDGER_RECORDS"].flatMap { Int($0) } ?? 20_000
        let place = try TestLedger()
        let store = try await place.open()
        // Spread over a year of months, whatever their number.
        let records = { (range: Range<Int>) in
            try range.map { index in
                var record = call(index, number: "+4930\(1_000_000 + index % 20_000)")
                record.dialled = hour(index * 8760 / wanted)
                return try store.sealingKey.seal(record)
            }
        }
        var filing = 0.0
        for start in stride(from: 0, to: wanted, by: 1000) {
            let batch = try records(start..<min(start + 1000, wanted))
            filing += await timed { _ = await store.file(batch) }.milliseconds
        }
        let newest = try await timed { try await store.page(CallQuery()) }
        var query = CallQuery()
        query.number = Redacted("+49301004711")
        let search = try await timed { try await store.all(query) }
        let first = try await timed { try await store.totals(from: hour(0), until: hour(720)) }
        let cached = try await timed { try await store.totals(from: hour(0), until: hour(720)) }
        let usage = await store.usage()
        let text = """
            \(wanted) records: \(Int(Double(wanted) / filing * 1000)) filed a second, \(usage.bytes / max(wanted, 1)) bytes each
            newest 50: \(newest.milliseconds) ms (\(newest.0.calls.count))
            search by number: \(search.milliseconds) ms (\(search.0.count) found)
            totals of a month: \(first.milliseconds) ms (\(first.0.calls) calls), again \(cached.milliseconds) ms

            """
        try text.write(toFile: environment["SIPCALL_LEDGER_FIGURES"] ?? "/dev/null", atomically: true, encoding: .utf8)
        #expect(newest.0.calls.count == 50)
    }
}
