import Foundation
import Glibc
package import Wire

/// The reports of a process's crashes in its state directory: `crashes/TIME.json`, the newest ten.
///
///     process ──▶ running.json ┐
///     backtracer ─▶ backtrace  ├─ in the runtime directory ── collect, at the next start ──▶ crashes/TIME.json
///     pace-restarts after ─▶ end ┘
///
/// `end` exists only after an end that was none in order; the report's name comes from its time, so that a start that is itself
/// interrupted leaves no report twice.
package struct CrashReports: Sendable {
    /// How many are kept.
    package static let most = 10
    /// Bytes of one report, and of what the backtracer may have written.
    package static let longest = 262_144

    private let folder: String

    /// - Parameter stateDirectory: that of one process, `/var/lib/sipcall/core`.
    package init(stateDirectory: String) {
        folder = "\(stateDirectory)/crashes"
    }

    /// - Returns: the reports in a process's state directory, newest first, with the files that they stand in; none that is broken.
    package static func read(_ stateDirectory: String) -> [(file: String, report: CrashReport)] {
        let folder = "\(stateDirectory)/crashes"
        return names(in: folder).reversed().compactMap { name in
            guard let bytes = SmallFile.read("\(folder)/\(name)", atMost: longest),
                let report = try? JSONDecoder().decode(CrashReport.self, from: Data(bytes))
            else { return nil }
            return ("\(folder)/\(name)", report)
        }
    }

    /// Makes a report of the former process's end, if it was none in order.
    /// - Returns: what to tell the journal: `box.crashed`.
    package func collect(part: String, from directory: String? = RuntimeDirectory.path) -> Problem? {
        guard let directory, let (report, name) = compose(part, directory) else { return nil }
        defer {
            for note in ["end", "backtrace", "running.json"] { unlink("\(directory)/\(note)") }
        }
        mkdir(folder, 0o700)
        var kept = report
        var data = Self.encoded(kept)
        if data.count > Self.longest {
            (kept.threads, kept.images) = ([], [])
            data = Self.encoded(kept)
        }
        let file = "\(folder)/\(name).json"
        guard !data.isEmpty, SmallFile.replace(file, with: data, durable: true) else {
            return Self.problem(report, remedy: "There is no report: \(folder) cannot be written to.")
        }
        for old in Self.names(in: folder).dropLast(Self.most) { unlink("\(folder)/\(old)") }
        return Self.problem(report, remedy: "The report is \(file).")
    }

    private static func problem(_ report: CrashReport, remedy: String) -> Problem {
        Problem(code: "box.crashed", sentence: "\(report.sentence).", remedy: remedy)
    }

    private func compose(_ part: String, _ directory: String) -> (CrashReport, name: String)? {
        var status = stat()
        let path = "\(directory)/end"
        guard let words = SmallFile.text(path, atMost: 1024)?.split(whereSeparator: \.isWhitespace), words.count == 4,
            stat(path, &status) == 0
        else { return nil }
        let (result, kind, code) = (CrashReport.word(words[0]), words[1], CrashReport.word(words[2]))
        let note = SmallFile.read("\(directory)/running.json", atMost: RunningNote.longest).flatMap {
            try? JSONDecoder().decode(RunningNote.Content.self, from: Data($0))
        }
        var report = CrashReport(
            time: Self.utc(status.st_mtim.tv_sec, "%Y-%m-%dT%H:%M:%SZ"), part: part,
            version: note?.version ?? "unknown",
            result: result, end: kind == "exited" ? "exit status \(code)" : "SIG\(code)")
        if let started = note?.started, let ended = Int(words[3]), ended >= started {
            report.uptimeSeconds = ended - started
        }
        report.activity = note?.activity
        report.hungParts = note?.hungParts.flatMap { $0.isEmpty ? nil : $0 }
        report.hungPart = report.hungParts?.first
        if let backtrace = SmallFile.text("\(directory)/backtrace", atMost: Self.longest) {
            report.add(backtrace: backtrace)
        }
        return (report, Self.utc(status.st_mtim.tv_sec, "%Y%m%dT%H%M%SZ"))
    }

    private static func encoded(_ report: CrashReport) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(report)).map(Array.init) ?? []
    }

    /// Oldest first: the names are times.
    private static func names(in folder: String) -> [String] {
        (SmallFile.names(in: folder) ?? []).filter { $0.hasSuffix(".json") }
    }

    private static func utc(_ seconds: Int, _ format: String) -> String {
        var (seconds, parts) = (time_t(seconds), tm())
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, format, &parts)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
