/// How a process of the box ended when it should not have, and what it was doing.
///
/// The format of `crashes/TIME.json`. New fields are optional; none ever changes its meaning.
package struct CrashReport: Codable, Equatable, Sendable {
    package struct Thread: Codable, Equatable, Sendable {
        package var name: String
        /// Whether the signal came to this one. After a watchdog's end that is any thread: see ``CrashReport/hungPart``.
        package var crashed: Bool
        /// Innermost first, each `IMAGE+0xOFFSET`: what `addr2line` with the debug symbols of that build makes lines of.
        package var frames: [String]
    }

    /// A file that frames lie in.
    package struct Image: Codable, Equatable, Sendable {
        package var name: String
        /// Hexadecimal; the package `sipcall-dbgsym` of the same build has the file of that name.
        package var buildID: String
    }

    /// UTC, `2026-11-22T08:15:30Z`.
    package var time: String
    /// `core`, `web`
    package var part: String
    /// `unknown` when the process ended before it could say.
    package var version: String
    /// The service manager's verdict (`SERVICE_RESULT`, systemd.exec(5)): `core-dump`, `signal`, `watchdog`, `oom-kill`, …
    package var result: String
    /// `SIGSEGV`, or `exit status 1`.
    package var end: String
    /// Since the process started.
    package var uptimeSeconds: Int?
    /// What was running: whether the provider knew the box, and the number of calls.
    package var activity: String?
    /// The first of ``hungParts``.
    package var hungPart: String?
    /// The parts that no longer answered their probes, in the order in which they were noticed: one that hangs takes with it
    /// whoever waits for it, so the cause is among the first.
    package var hungParts: [String]?
    package var threads: [Thread] = []
    package var images: [Image] = []
}

extension CrashReport {
    /// `sipcall-core ended by SIGSEGV after 3 h`
    package var sentence: String {
        let by = end.hasPrefix("SIG") ? "by \(end)" : "with \(end)"
        let after = uptimeSeconds.map { " after \(Self.duration($0))" } ?? ""
        let parts = hungParts ?? hungPart.map { [$0] } ?? []
        let hung = parts.isEmpty ? "" : ", because its \(Self.list(parts)) no longer answered"
        return "sipcall-\(part) ended \(by)\(after)\(hung)"
    }

    /// The whole report as plain text.
    package var text: String {
        var lines = ["\(sentence).", "Time      \(time)", "Version   \(version)", "Result    \(result)"]
        if let activity { lines.append("Activity  \(activity)") }
        for (index, thread) in threads.enumerated() {
            lines += ["", "Thread \(index) \"\(thread.name)\"\(thread.crashed ? ", which the signal came to" : "")"]
            lines += thread.frames.map { "  \($0)" }
        }
        if !images.isEmpty { lines += [""] + images.map { "\($0.name)  build \($0.buildID)" } }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `switchboard, sip and media loop`
    static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.last ?? "" }
        return words.dropLast().joined(separator: ", ") + " and \(last)"
    }

    static func duration(_ seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86_400) days"
        }
    }
}
