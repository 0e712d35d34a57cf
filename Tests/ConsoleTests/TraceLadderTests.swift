import Console
import Control
import SIPTrace
import Testing
import Wire

@Suite("sipcall trace: the ladder")
struct TraceLadderTests {
    private static let json = """
        {"number":NUMBER,"time":"2026-11-25T13:20:0TIME","direction":"DIRECTION","transport":"udp",
        "peer":{"host":"10.9.0.2","port":5060},"line":"LINE","cseq":"1 INVITE","bytes":512,"isRepeated":REPEATED,
        "notes":NOTES}
        """

    private func message(
        _ number: Int, _ time: String, _ direction: String, _ line: String, isRepeated: Bool = false,
        notes: String = "[]"
    ) throws -> TracedMessage {
        let text = Self.json.replacing("NUMBER", with: "\(number)").replacing("TIME", with: time)
            .replacing("DIRECTION", with: direction).replacing("LINE", with: line)
            .replacing("REPEATED", with: "\(isRepeated)").replacing("NOTES", with: notes)
        return try decode(text)
    }

    @Test("draws each message with its time, its way and its size, and every line of it has its place")
    func ladder() throws {
        var ladder = TraceLadder(style: Style(isColoured: false))
        let local = NetworkAddress.Host("10.9.0.1")
        var lines: [String] = []
        lines += ladder.lines(try message(1, "1.000Z", "sent", "INVITE sip:…00@10.9.0.2"), local: local)
        lines += ladder.lines(
            try message(2, "1.012Z", "received", "100 Trying", isRepeated: true, notes: #"["reason x"]"#), local: local)
        #expect(
            lines == [
                "2026-11-25, times in UTC",
                "              box 10.9.0.1                    10.9.0.2:5060 over UDP",
                "13:20:01.000  │ INVITE sip:…00@10.9.0.2 ─────────────────────────▶ │  1 INVITE, 512 bytes",
                "      +0.012  │ ◀────────────────────────────────────── 100 Trying │  1 INVITE, 512 bytes, again",
                "              │   reason x",
            ])
    }

    @Test("shortens what is too long for an arrow and tells it below")
    func long() throws {
        var ladder = TraceLadder(style: Style(isColoured: false))
        let line = "INVITE sip:…00@" + String(repeating: "x", count: 50)
        let lines = ladder.lines(try message(1, "1.000Z", "sent", line), local: nil)
        #expect(lines.last?.hasSuffix(line) == true)
        #expect(lines.dropFirst(2).first?.contains("… ────▶ │") == true)
    }
}
