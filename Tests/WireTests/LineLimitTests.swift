import Testing
import Wire

@Suite("Lines that strangers can cause")
struct LineLimitTests {
    private func at(_ seconds: Int) -> MonotonicTime { .zero + .seconds(1000 + seconds) }

    @Test("a few at once, then one each interval, with the number of those that are missing")
    func burst() {
        var limit = LineLimit(burst: 3, interval: .seconds(10))
        #expect((0..<5).map { _ in limit.admits(at: at(0)) } == [0, 0, 0, nil, nil])
        #expect(limit.admits(at: at(9)) == nil)
        #expect(limit.admits(at: at(10)) == 3)
        #expect(limit.admits(at: at(11)) == nil)
    }

    @Test("after a rest all are there again, and not more")
    func rest() {
        var limit = LineLimit(burst: 2, interval: .seconds(10))
        for _ in 0..<4 { _ = limit.admits(at: at(0)) }
        #expect((0..<3).map { _ in limit.admits(at: at(500)) } == [2, 0, nil])
    }

    @Test("a million in a second are three lines")
    func flood() {
        var limit = LineLimit(burst: 3, interval: .seconds(10))
        let written = (0..<1_000_000).count {
            limit.admits(at: at(0) + .microseconds($0)) != nil
        }
        #expect(written == 3)
    }
}

@Suite("Wall clock times")
struct WallTimeTests {
    @Test(
        "are written as RFC 3339 and read back",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_249_530_123, "2026-11-21T08:25:30.123Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ])
    func text(milliseconds: Int64, text: String) {
        #expect(WallTime(milliseconds: milliseconds).description == text)
        #expect(WallTime(text)?.milliseconds == milliseconds)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "2026-11-21", "2026-11-21T08:25:30.123", "2026-02-30T00:00:00.000Z", "2026-13-01T00:00:00.000Z",
            "2026-11-21T24:00:00.000Z", "2026-11-21T08:25:30.12xZ", "+026-11-21T08:25:30.123Z",
        ])
    func refused(text: String) {
        #expect(WallTime(text) == nil)
    }

    @Test("no clock can make it trap", arguments: [Int64.min, .max, -62_167_219_200_001])
    func extremes(milliseconds: Int64) {
        #expect(!WallTime(milliseconds: milliseconds).description.isEmpty)
    }
}

@Suite("Masked numbers")
struct MaskedNumberTests {
    @Test(
        "show the last two digits of a long one",
        arguments: [("+49 30 1234567", "…67"), ("12345", "…"), ("", "…"), ("anonymous", "…"), ("*43", "…")])
    func masked(number: String, shown: String) {
        #expect(Redacted(number).masked == shown)
    }
}
