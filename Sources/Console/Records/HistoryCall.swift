package import Wire

/// One call of the history, as `GET /api/v1/calls` tells it; what this version does not know is left out.
package struct HistoryCall: Codable, Sendable, Equatable {
    package var call: String
    package var direction: String
    package var outcome: String
    package var number: String?
    package var name: String?
    package var lastDigits: String?
    package var region: String?
    /// `failed`: whoever called may not be who the number says.
    package var verification: String?
    package var user: String?
    package var trunk: String?
    package var device: String?
    package var dialled: WallTime
    package var ringing: WallTime?
    package var answered: WallTime?
    package var ended: WallTime?
    package var zone: String?
    package var seconds: Int
    package var reason: String?
    package var sentence: String?
    package var nearCodec: String?
    package var farCodec: String?

    /// Without what would let somebody be called back: `…67` instead of the number.
    package var masked: HistoryCall {
        var masked = self
        masked.number = number.map { Redacted($0).masked }
        masked.name = nil
        return masked
    }
}

package struct HistoryPage: Decodable, Sendable {
    package var calls: [HistoryCall]
    package var next: String?
    package var unreadable: Int
}

/// The history on a terminal: a line a call, the newest first.
///
///     2026-11-25 14:02  to    …67        admin   3 min 12 s   answered
package struct HistoryTable: Sendable {
    private let style: Style
    private let localTime: @Sendable (WallTime) -> String
    private let showsNumbers: Bool

    /// - Parameter localTime: how a moment is written here: `2026-11-25 14:02`.
    package init(style: Style, showsNumbers: Bool, localTime: @escaping @Sendable (WallTime) -> String) {
        (self.style, self.showsNumbers, self.localTime) = (style, showsNumbers, localTime)
    }

    package func line(_ call: HistoryCall) -> String {
        let time = localTime(call.dialled).padded(18)
        let direction = (call.direction == "outbound" ? "to" : "from").padded(5)
        let user = visible(call.user ?? "").padded(14)
        let length = (call.seconds > 0 ? words(seconds: call.seconds) : "").padded(14)
        return time + direction + party(call).padded(showsNumbers ? 30 : 12) + user + length + verdict(call)
            + warning(call)
    }

    private func party(_ call: HistoryCall) -> String {
        if let number = call.number {
            guard showsNumbers else { return Redacted(number).masked }
            return visible(call.name.map { "\(number) \($0)" } ?? number)
        }
        let digits = call.lastDigits.map { "…\($0)" } ?? "unknown"
        return visible(call.region.map { "\(digits) (\($0))" } ?? digits)
    }

    private func verdict(_ call: HistoryCall) -> String {
        switch call.outcome {
        case "answered": style.good("answered")
        case "missed": style.warning("missed") + style.faint(call.sentence.map { "  \(visible($0))" } ?? "")
        case "running": style.strong("running")
        case "failed": style.bad("failed") + style.faint(call.sentence.map { "  \(visible($0))" } ?? "")
        case "cut-off": style.bad("cut off") + style.faint("  The box stopped in the middle of it.")
        default: style.faint("its end is not known yet")
        }
    }

    private func warning(_ call: HistoryCall) -> String {
        call.verification == "failed" ? style.warning("  The number may be forged.") : ""
    }

    /// What a caller calls itself must not steer the terminal.
    private func visible(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter {
                    !$0.properties.isDefaultIgnorableCodePoint
                        && ![.control, .format, .lineSeparator, .paragraphSeparator].contains(
                            $0.properties.generalCategory)
                }))
    }
}
