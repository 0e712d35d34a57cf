import Call
import Foundation
import GRDB
import Sealing
import Synchronization
import Testing
import Wire

@testable import Ledger

@Suite("The ledger: filing, pages, totals, export")
struct LedgerStoreTests {
    @Test("Filed twice, in any order of stages, a call is there once and in its last stage")
    func idempotent() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        for stages in [[CallRecord.Stage.dialled, .answered, .ended], [.ended, .dialled], [.answered, .answered]] {
            try await store.file(stages.map { call(7, $0) })
            #expect(try await store.all() == [call(7)], "the latest stage stays")
        }
        try await store.file((0..<20).map { call($0) })
        try await store.amend([call(7, .amended)])
        let calls = try await store.all()
        #expect(calls.count == 20 && calls.filter { $0.identifier == call(7).identifier } == [call(7, .amended)])
        let again = try await place.open()
        #expect(try await again.all() == calls)
        #expect(await again.verify().allSatisfy { $0.problem == nil })
    }

    @Test("Pages go from the newest to the oldest across periods, without gap or double")
    func pages() async throws {
        let place = try TestLedger()
        let store = try await place.open { $0.length = .day }
        try await store.file((0..<100).map { call($0) })
        #expect(try LedgerStore.listing(place.settings.directory).count == 5)
        var query = CallQuery()
        query.limit = 7
        #expect(try await store.all(query).map(\.dialled) == (0..<100).reversed().map { hour($0) })
        query.from = hour(30)
        query.until = hour(50)
        #expect(try await store.all(query).map(\.dialled) == (30..<50).reversed().map { hour($0) })
    }

    @Test("Filters: user, direction, outcome, number, part of a number, part of a name")
    func filters() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        try await store.file((0..<100).map { call($0) } + [call(200, .dialled, number: "+390612345")])
        func count(_ change: (inout CallQuery) -> Void) async throws -> Int {
            var query = CallQuery()
            change(&query)
            return try await store.all(query).count
        }
        #expect(try await count { $0.user = CallOwner("bert") } == 50)
        #expect(try await count { $0.direction = .inbound } == 34)
        #expect(try await count { $0.outcome = .missed } == 25)
        #expect(try await count { $0.outcome = .unfinished } == 1)
        #expect(try await count { $0.number = Redacted("+49 30 1234 101") } == 2)
        #expect(try await count { $0.number = Redacted("030 1234 101") } == 2)
        #expect(try await count { $0.number = Redacted("1234101") } == 2)
        #expect(try await count { $0.number = Redacted("390612") } == 1)
        #expect(try await count { $0.number = Redacted("+49301234199") } == 0)
        #expect(try await count { $0.text = Redacted("pERSON 13") } == 2)
        #expect(try await count { $0.text = Redacted("nobody") } == 0)
    }

    @Test("A period that grew too large goes on in a further file; the end of an older call finds its place")
    func rotation() async throws {
        let place = try TestLedger()
        let store = try await place.open { $0.largestFile = 40_000 }
        for index in 0..<200 { try await store.file([call(index, .dialled)]) }
        #expect(try LedgerStore.listing(place.settings.directory).count >= 2)
        try await store.file((0..<200).map { call($0) })
        let calls = try await store.all()
        #expect(calls.map(\.dialled) == (0..<200).reversed().map { hour($0) })
        #expect(calls.allSatisfy { $0.stage == .ended })
    }

    @Test("Totals and series, counted anew when something changes")
    func totals() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        try await store.file((0..<96).map { call($0) })
        for _ in 0..<2 {
            let totals = try await store.totals(from: hour(0), until: hour(1000))
            #expect(totals.calls == 96 && totals.answered == 72 && totals.missed == 24 && totals.outbound == 64)
            #expect(totals.seconds == 72 * 60 && totals.reasons == [.busy: 24, .hungUpHere: 72])
        }
        try await store.file([call(100)])
        try await store.amend([call(0, .amended)])
        let changed = try await store.totals(from: hour(0), until: hour(1000))
        #expect(changed.calls == 97 && changed.cost == ["EUR": 12_000])
        let days = try await store.series(from: hour(0), until: hour(96))
        #expect(days.count == 4 && days.values.allSatisfy { $0.calls == 24 })
    }

    @Test("Export: CSV as RFC 4180 without formulas, JSON that a parser reads")
    func export() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        var strange = call(900)
        strange.far = FarParty(number: Redacted("+4930555"), name: Redacted("=HYPERLINK(\"x\"), \u{1}\n\u{e9}"))
        try await store.file((0..<700).map { call($0) } + [strange])
        for form in ExportForm.allCases {
            let bytes = Mutex<[UInt8]>([])
            let count = try await store.export(CallQuery(), as: form) { more in bytes.withLock { $0 += more } }
            #expect(count == 701)
            let data = Data(bytes.withLock { $0 })
            switch form {
            case .json:
                let array = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
                #expect(array.count == 701 && array.first?["name"] as? String == strange.far.name?.revealed)
            case .csv:
                let text = String(decoding: data, as: UTF8.self)
                #expect(text.contains(",+4930555,") && text.contains("\"'=HYPERLINK(\"\"x\"\"), "))
                #expect(text.hasPrefix("id,box,direction,") && text.hasSuffix("\r\n"))
            }
        }
    }

    @Test("What cannot be opened is kept sealed, and filed once its key is back")
    func unopened() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        let stranger = try OpeningKey().sealingKey.seal(call(1))
        var newer = call(2).header
        newer.schema = 9
        let filing = try await store.file([stranger, store.sealingKey.seal([1, 2, 3], as: newer)])
        #expect(filing.unopened == 2 && filing.acknowledged.count == 2)
        #expect(try await store.all().isEmpty && store.unopened.count() == 2)
        // Filed again, it is kept once.
        _ = await store.file([stranger])
        #expect(try store.unopened.count() == 2)
        try store.unopened.put([store.sealingKey.seal(call(3))])
        let again = try await place.open()
        #expect(try await again.all() == [call(3)] && again.unopened.count() == 2)
    }

    @Test("Details belong to their call")
    func details() async throws {
        let place = try TestLedger()
        let store = try await place.open()
        var generator = SeededGenerator(seed: 1)
        for index in 0..<4 {
            let detail = CallDetail(
                kind: index < 3 ? .trace : .quality, call: call(index % 2).identifier, time: hour(index),
                content: Redacted([UInt8(index)]))
            _ = await store.file([
                try store.sealingKey.seal(detail, as: RecordIdentifier(using: &generator))
            ])
        }
        #expect(try await store.details(of: call(0).identifier, .trace).map(\.content.revealed) == [[0], [2]])
        #expect(try await store.details(of: call(1).identifier, .quality).map(\.content.revealed) == [[3]])
    }
}
