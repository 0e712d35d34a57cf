import ArgumentParser
import Console
import Glibc
import Synchronization

/// `sipcall doctor`: looks at everything that a call needs, and says what is wrong and what to do.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look at everything that a call needs, and say what to do.")

    @OptionGroup var box: BoxOptions

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @Option(help: "Write what helpers need to know, without numbers and secrets, to this file (tar.gz).")
    var bundle: String?

    func run() async throws {
        let examiner = Examiner(box)
        defer { examiner.core.close() }
        let checks = examiner.checks
        let style = Style(isColoured: isatty(1) == 1 && getenv("NO_COLOR") == nil)
        let showsProgress = !json && isatty(2) == 1
        let done = Atomic<Int>(0)
        let results = await Examination.examine(checks) { result in
            guard showsProgress else { return }
            let count = done.add(1, ordering: .relaxed).newValue
            // One line that is written over.
            let text = "\r\u{1b}[K\(count) of \(checks.count): \(result.title)"
            _ = write(2, text, text.utf8.count)
        }
        if showsProgress { _ = write(2, "\r\u{1b}[K", 4) }
        let report = DoctorReport(version: productVersion, results: results)
        do {
            if json {
                try LineOutput.write(pretty: report)
            } else {
                for result in results {
                    for line in result.lines(style) { try LineOutput.write(line) }
                }
                try LineOutput.write("")
                try LineOutput.write(report.summary)
            }
        } catch {
            // Nobody reads any more; the bundle and the exit status are still wanted.
        }
        if let bundle { try await Bundle(examiner: examiner, report: report).write(to: bundle, isQuiet: json) }
        if report.hasFault { throw ExitCode(ExitStatus.failure.rawValue) }
    }
}
