package import Control
package import SIPTrace
package import Wire

/// A call's or the registration's messages between two lines, the box on the left, the provider on the right.
///
///     13:20:01.123  │ INVITE sip:…00@10.9.0.2 ───────────▶ │  1 INVITE, 812 bytes
///           +0.012  │ ◀──────────────────────── 100 Trying │  1 INVITE, 341 bytes
package struct TraceLadder: Sendable {
    /// Characters between the two lines.
    private static let width = 50
    private static let margin = 14

    private let style: Style
    private var peer: String?
    private var first: WallTime?
    private var day: Substring?

    package init(style: Style) {
        self.style = style
    }

    /// What stands above the first message.
    package mutating func heading(_ report: TraceReport) -> [String] {
        var lines = [style.strong(report.summary.title)]
        let omitted = report.summary.omitted
        if omitted > 0 {
            lines.append(style.warning("\(counted(omitted, "message")) in the middle are not kept any more."))
        }
        return lines
    }

    /// The lines of one message.
    /// - Parameter local: the box's own address, if it is known.
    package mutating func lines(_ message: TracedMessage, local: NetworkAddress.Host?) -> [String] {
        var lines: [String] = []
        let time = message.time.description
        if day != time.prefix(10) {
            lines.append(style.faint("\(time.prefix(10)), times in UTC"))
            day = time.prefix(10)
        }
        let peer = "\(message.peer) over \(message.transport.viaName)"
        if self.peer != peer {
            let box = "box" + (local.map { " \($0)" } ?? "")
            lines.append(
                blank + box + String(repeating: " ", count: max(2, Self.width + 4 - box.count - peer.count)) + peer)
            self.peer = peer
        }
        let end =
            (message.cseq.map { "\($0), " } ?? "") + counted(message.bytes, "byte")
            + (message.isRepeated ? ", again" : "")
        lines.append(style.faint(moment(message.time)) + "│ \(arrow(message)) │  " + end)
        for note in notes(message) { lines.append(blank + style.faint("│   \(note)")) }
        return lines
    }

    private var blank: String { String(repeating: " ", count: Self.margin) }

    /// The first message has the time of day, the others how long after it they came.
    private mutating func moment(_ time: WallTime) -> String {
        guard let first else {
            self.first = time
            return String(time.description.dropFirst(11).prefix(12)).padded(Self.margin)
        }
        let milliseconds = time.milliseconds - first.milliseconds
        let (seconds, rest) = abs(milliseconds).quotientAndRemainder(dividingBy: 1000)
        let fraction = String(rest)
        let text =
            "\(milliseconds < 0 ? "-" : "+")\(seconds)." + String(repeating: "0", count: 3 - fraction.count) + fraction
        return String(repeating: " ", count: max(0, 12 - text.count)) + text + "  "
    }

    private func arrow(_ message: TracedMessage) -> String {
        let most = Self.width - 6
        let line = message.line.count > most ? message.line.prefix(most - 1) + "…" : Substring(message.line)
        let dashes = String(repeating: "─", count: max(2, Self.width - line.count - 2))
        return message.direction == .sent ? "\(line) \(dashes)▶" : "◀\(dashes) \(line)"
    }

    private func notes(_ message: TracedMessage) -> [String] {
        var notes: [String] = []
        if message.line.count > Self.width - 6 { notes.append(message.line) }
        if !message.notes.isEmpty { notes.append(message.notes.joined(separator: "; ")) }
        if let session = message.session { notes.append(session) }
        for line in message.description ?? [] { notes.append("  \(line)") }
        return notes
    }
}

extension TraceSummary {
    /// `call 0123… outbound to …67`, `registration`
    package var title: String {
        switch subject {
        case .registration: "registration"
        case .others: "others: a provider's messages that belong to no call"
        case .call(let call):
            "call \(call)" + (isInbound.map { $0 ? ", inbound from " : ", outbound to " } ?? "") + (far ?? "")
        }
    }

    /// The list's line.
    package var listLine: String {
        let name = subject == .others ? "others" : title
        return "\(first.description.prefix(19).replacing("T", with: " "))  \(name)  "
            + counted(messages + omitted, "message")
    }
}
