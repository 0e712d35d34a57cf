// Where timespec is found once Foundation is loaded.
import CDispatch
import Glibc
import Logging

/// One line per event on standard error: time, level, part, sentence, fields. In colour on a terminal.
struct StandardErrorLog: LogHandler {
    let label: String
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    private static let inColour = isatty(2) == 1 && getenv("NO_COLOR") == nil

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        for (key, value) in event.metadata ?? [:] { fields[key] = value }
        let tail = fields.filter { $0.key != "event" }.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            .joined()
        let (on, off) = Self.inColour ? (colour(of: event.level), "\u{1b}[0m") : ("", "")
        StandardStream.error.write(
            line: "\(Self.timeOfDay()) \(on)\(event.level)\(off) \(label): \(event.message)\(tail)")
    }

    private func colour(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "\u{1b}[2m"
        case .info, .notice: "\u{1b}[32m"
        case .warning: "\u{1b}[33m"
        case .error, .critical: "\u{1b}[31m"
        }
    }

    /// `2026-11-22T08:15:30.123Z`
    private static func timeOfDay() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let milliseconds = String(now.tv_nsec / 1_000_000 + 1000).dropFirst()
        let head = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(head).\(milliseconds)Z"
    }
}
