import Console
import Foundation
import Testing
import Wire

@Suite("The history of calls in the terminal")
struct HistoryTests {
    private static func call(_ more: String) throws -> HistoryCall {
        let text = """
            {"call":"a","direction":"inbound","outcome":"missed","dialled":"2026-11-25T13:20:01.123Z","seconds":0\(more)}
            """
        return try JSONDecoder().decode(HistoryCall.self, from: Data(text.utf8))
    }

    private static func table(_ showsNumbers: Bool) -> HistoryTable {
        HistoryTable(style: Style(isColoured: false), showsNumbers: showsNumbers, localTime: { "\($0)" })
    }

    @Test("Numbers are shown with their last two digits unless they are asked for")
    func numbers() throws {
        let call = try Self.call(#","number":"+4930123467","name":"Erika","user":"anna","sentence":"Nobody answered.""#)
        let short = Self.table(false).line(call)
        #expect(short.contains("…67") && !short.contains("3012") && !short.contains("Erika"))
        #expect(short.contains("from") && short.contains("missed  Nobody answered."))
        #expect(Self.table(true).line(call).contains("+4930123467 Erika"))
        #expect(call.masked.number == "…67" && call.masked.name == nil)
    }

    @Test("What privacy left of a number is shown")
    func privacy() throws {
        #expect(Self.table(true).line(try Self.call(#","lastDigits":"67","region":"DE""#)).contains("…67 (DE)"))
        #expect(Self.table(false).line(try Self.call("")).contains("unknown"))
    }

    @Test("A caller's name cannot steer the terminal")
    func escape() throws {
        let line = Self.table(true).line(try Self.call(#","number":"+49301","name":"\u001b[31mX\u202eY\n""#))
        #expect(!line.unicodeScalars.contains { $0.value < 32 || $0.value == 0x202e })
        let entry = AuditLine(
            number: 1, time: WallTime(milliseconds: 0), actor: "a\u{1b}[2J", action: "x", detail: "\r\n")
        #expect(!entry.line(Style(isColoured: false)).unicodeScalars.contains { $0.value < 32 })
    }

    private static let written: [(String, Int64)] = [
        ("2026-11-25T13:20:01.123Z", 1_795_612_801_123), ("90m", 1_795_607_400_000), ("24h", 1_795_526_400_000),
        ("7d", 1_795_008_000_000), ("2w", 1_794_403_200_000), ("0d", 1_795_612_800_000),
    ]

    @Test("A moment as people write it", arguments: written)
    func moments(text: String, milliseconds: Int64) {
        #expect(moment(text, now: WallTime(milliseconds: 1_795_612_800_000))?.milliseconds == milliseconds)
    }

    @Test("A day is one of this machine's calendar, and comes out as it was written")
    func days() throws {
        let now = WallTime(milliseconds: 1_795_612_800_000)
        #expect(localTime(try #require(moment("2026-11-25", now: now))) == "2026-11-25 00:00")
        #expect(localTime(try #require(moment("2026-11-25 14:30", now: now))) == "2026-11-25 14:30")
        #expect(localTime(try #require(moment("2026-02-03T04:05", now: now))) == "2026-02-03 04:05")
    }

    @Test(
        "What is no moment is none",
        arguments: [
            "", "yesterday", "2026-02-30", "2026-13-01", "2026-11-25 25:00", "-1d", "d", "99999999999999999999d", "1x",
            "2026-11", "2026-11-25 14", "2026-11-25 14:30 x", "+1-01-01",
        ])
    func nonsense(text: String) {
        #expect(moment(text, now: WallTime(milliseconds: 1_795_612_800_000)) == nil)
    }
}

@Suite("The record of processing")
struct ProcessingRecordTests {
    private static func record(_ farNumbers: String, days: Int?, _ providers: [ProcessingRecord.Provider])
        -> ProcessingRecord
    {
        ProcessingRecord(
            time: WallTime(milliseconds: 1_795_612_800_000), host: "box.example", version: "1",
            stateDirectory: "/var/lib/x",
            keepDays: days, period: "week", megabytes: 512, farNumbers: farNumbers, providers: providers, country: "DE")
    }

    @Test("says what the settings say, in both languages", arguments: [ProcessingRecord.Language.english, .german])
    func facts(language: ProcessingRecord.Language) {
        let text = Self.record("last-two", days: 90, [.init(name: "Telnyx", server: "sip.telnyx.eu")]).text(language)
        for fact in ["box.example", "2026-11-25", "90", "512", "Telnyx (sip.telnyx.eu)", "/var/lib/x", "DE", "______"] {
            #expect(text.contains(fact), "\(fact)")
        }
        #expect(text.contains(language == .german ? "letzten zwei Ziffern" : "last two digits"))
        let other = Self.record("none", days: nil, []).text(language)
        #expect(other.contains("keep_days") && !other.contains("Telnyx"))
        #expect(other.contains(language == .german ? "weder Rufnummer" : "neither number"))
    }
}
