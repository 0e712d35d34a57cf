import Call
import Sealing
import Testing
import Wire

@testable import Ledger

@Suite("Call records: coding and privacy")
struct CallRecordTests {
    @Test("Every stage reads back as it was written", arguments: CallRecord.Stage.allCases)
    func roundTrip(stage: CallRecord.Stage) throws {
        let record = call(1, stage)
        #expect(try CallRecord(Redacted(record.encoded), as: record.header) == record)
        #expect(record.encoded.count % FieldWriter.step == 0, "its length tells only in steps how long names are")
    }

    @Test("Whom a call went to, and its other half, read back; what an older version wrote has neither")
    func links() throws {
        var record = call(4)
        record.transferredTo = FarParty(number: Redacted("+4930999888"))
        record.forwardedTo = call(5).identifier
        record.forwardedBy = call(6).identifier
        let read = try CallRecord(Redacted(record.encoded), as: record.header)
        #expect(read == record)
        #expect(read.transferredTo?.region == "DE")
        // Found and erased by either number.
        #expect(Searchable.terms(of: read).filter { $0.meaning == "number" }.map(\.text.revealed).count == 2)
        let older = call(4)
        let plain = try CallRecord(Redacted(older.encoded), as: older.header)
        #expect(plain.transferredTo == nil && plain.forwardedTo == nil && plain.forwardedBy == nil)
    }

    @Test("Bytes that are no record are refused, and none trap")
    func garbage() throws {
        let record = call(2)
        let encoded = record.encoded
        for cut in 0..<encoded.count {
            _ = try? CallRecord(Redacted(Array(encoded[..<cut])), as: record.header)
        }
        for index in encoded.indices {
            for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
                var altered = encoded
                altered[index] = value
                if let read = try? CallRecord(Redacted(altered), as: record.header) { _ = (read.outcome, read.seconds) }
            }
        }
        #expect(throws: LedgerProblem.recordUnreadable) { try CallRecord(Redacted([1, 2]), as: record.header) }
        var newer = record.header
        newer.schema = 2
        #expect(throws: LedgerProblem.recordNewer) { try CallRecord(Redacted(encoded), as: newer) }
    }

    @Test("A record without an end says so; outcomes follow from answer and reason")
    func outcomes() {
        #expect(call(1, .dialled).outcome == .unfinished && call(1, .answered).outcome == .unfinished)
        #expect(call(1).outcome == .answered && call(1).seconds == 60)
        #expect(call(3).outcome == .missed && call(3).seconds == 0)
        var failed = call(3)
        failed.reason = .providerSilent
        #expect(failed.outcome == .failed)
    }

    @Test("Privacy: the last two digits and the country, or nothing; the number is nowhere in what is sealed")
    func privacy() throws {
        let number = "+49301234567"
        func record(_ privacy: CallPrivacy) -> CallRecord {
            CallRecord(
                identifier: call(1).identifier, stage: .ended, box: "b", direction: .outbound,
                far: FarParty(number: Redacted(number), name: Redacted("Anna"), privacy: privacy), privacy: privacy,
                dialled: hour(1), zone: "UTC")
        }
        let full = record(.full)
        #expect(full.far.number?.revealed == number && full.far.region == "DE" && full.far.lastDigits == nil)
        let digits = record(.lastDigits)
        #expect(digits.far.lastDigits?.revealed == "67" && digits.far.region == "DE" && digits.far.number == nil)
        let nothing = record(.nothing)
        #expect(nothing.far == FarParty(number: nil))
        for record in [digits, nothing] {
            let text = String(decoding: record.encoded, as: UTF8.self)
            #expect(!text.contains("1234") && !text.contains("Anna"))
            #expect(Searchable.terms(of: record).isEmpty)
            #expect(try CallRecord(Redacted(record.encoded), as: record.header) == record)
        }
        #expect(FarParty(number: Redacted("11833"), privacy: .lastDigits).lastDigits == nil)
    }

    @Test(
        "One spelling for one number",
        arguments: [
            "+49 30 1234567", "0049 (30) 123-4567", "+49/30/1234567", "tel:+49-30-1234567", "+49.30.1234567",
        ])
    func spelling(text: String) {
        #expect(FarParty.canonical(text) == "+49301234567")
    }

    @Test("A record printed shows no number and no name")
    func printing() {
        var dumped = ""
        dump(call(1), to: &dumped)
        for text in [dumped, "\(call(1))", String(reflecting: call(1))] {
            #expect(
                !text.contains("1234") && !text.contains("Person") && !text.contains("anna") && !text.contains("bert"))
        }
    }

    @Test(
        "Periods: month, week (ISO 8601) and day in UTC, and their names read back",
        arguments: [
            ("2026-11-25T12:00:00.000Z", "2026-11", "2026-W48", "2026-11-25"),
            ("2026-12-31T23:59:59.999Z", "2026-12", "2026-W53", "2026-12-31"),
            ("2027-01-01T00:00:00.000Z", "2027-01", "2026-W53", "2027-01-01"),
            ("2024-12-30T00:00:00.000Z", "2024-12", "2025-W01", "2024-12-30"),
            ("2024-02-29T01:00:00.000Z", "2024-02", "2024-W09", "2024-02-29"),
        ])
    func periods(text: String, month: String, week: String, day: String) throws {
        let time = try #require(WallTime(text))
        for (length, name) in [(Period.Length.month, month), (.week, week), (.day, day)] {
            let period = try #require(Period(containing: time, length: length))
            #expect(period.description == name && period.start <= time && time < period.end)
            #expect(Period(name) == period && period.next?.description == "\(name)+2")
            #expect(Period("\(name)+2").map { period < $0 } == true)
        }
        for bad in ["", "2026", "2026-13", "2026-W54", "2026-02-30", "2026-11+1", "2026-11+x", "../x", "2026-11+1000"] {
            #expect(Period(bad) == nil, "\(bad)")
        }
        #expect(Period(containing: WallTime(milliseconds: .max), length: .month) == nil)
        #expect(Period(containing: WallTime(milliseconds: .min), length: .week) == nil)
    }
}
