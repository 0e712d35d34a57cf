import SIPMessage

/// One key press in an INFO: `application/dtmf-relay` (`Signal=5`, `Duration=160`) or `application/dtmf` (`5`).
///
/// No RFC describes either body; this is what gateways of the field send and take (RFC 6086 calls it legacy usage).
package struct DigitReport: Hashable, Sendable {
    /// Which of the two bodies.
    package enum Form: String, Sendable, Codable {
        case relay = "dtmf-relay"
        case plain = "dtmf"
    }

    /// One of `0`–`9`, `*`, `#`, `A`–`D`.
    package let digit: Character
    /// 40...6,000
    package let milliseconds: Int

    /// - Returns: nil for what no telephone has.
    package init?(_ digit: Character, milliseconds: Int = 160) {
        guard "0123456789*#ABCD".contains(digit) else { return nil }
        self.digit = digit
        self.milliseconds = min(max(milliseconds, 40), 6_000)
    }

    /// - Returns: nil unless the body names a digit: answer 415 or, for a type that is ours, 400.
    init?(body: [UInt8], type: MediaType) {
        guard let form = type.type == "application" ? Form(rawValue: type.subtype) : nil else { return nil }
        var signal = ""
        var duration: Int?
        for line in body.prefix(256).split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
            let text = String(decoding: line, as: UTF8.self).filter { $0 != " " && $0 != "\t" }
            let halves = text.split(separator: "=", maxSplits: 1)
            switch (form, halves.first?.lowercased(), halves.count) {
            case (.relay, "signal"?, 2): signal = String(halves[1])
            case (.relay, "duration"?, 2): duration = Int(halves[1])
            case (.plain, _, 1) where signal.isEmpty: signal = text
            default: break
            }
        }
        // Events by number: RFC 4733 counts the star as 10 and the pound sign as 11.
        let named = ["10": "*", "11": "#"][signal] ?? signal.uppercased()
        guard named.count == 1, let digit = named.first else { return nil }
        self.init(digit, milliseconds: duration ?? 160)
    }

    func body(_ form: Form) -> (bytes: [UInt8], type: MediaType) {
        let text =
            switch form {
            case .relay: "Signal=\(digit)\r\nDuration=\(milliseconds)\r\n"
            case .plain: "\(digit)"
            }
        return (Array(text.utf8), MediaType("application", form.rawValue))
    }

    /// What Accept says beside a 415.
    static let accepted = "application/dtmf-relay, application/dtmf"
}

/// Digits that wait to be sent by INFO: the next goes when the last was answered, so that they arrive in order.
struct DigitQueue: Sendable {
    private var waiting: [(report: DigitReport, form: DigitReport.Form)] = []
    private var isSending = false

    private static let limit = 64

    /// - Returns: false when too many wait already.
    mutating func append(_ report: DigitReport, _ form: DigitReport.Form) -> Bool {
        guard waiting.count < Self.limit else { return false }
        waiting.append((report, form))
        return true
    }

    /// The next to send; nil while one is on its way.
    mutating func next() -> (report: DigitReport, form: DigitReport.Form)? {
        guard !isSending, !waiting.isEmpty else { return nil }
        isSending = true
        return waiting.removeFirst()
    }

    mutating func answered() { isSending = false }

    /// The other side takes no digits in this way.
    mutating func refused() { self = DigitQueue() }
}
