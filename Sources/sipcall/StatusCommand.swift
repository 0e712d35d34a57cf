import ArgumentParser
import Console
import Control
import Glibc
import Wire

/// `sipcall status`: what the running box says about itself, on one screen.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what the running box is doing.")

    @OptionGroup var box: BoxOptions

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @Flag(help: "Show it anew each second, until Ctrl-C.")
    var watch = false

    func run() async throws {
        let core = CoreConnection(box)
        defer { core.close() }
        try await core.opened(box)
        do {
            try await show(core)
        } catch is ReaderGone {
            return
        }
    }

    private func show(_ core: CoreConnection) async throws {
        let style = Style(isColoured: isatty(1) == 1 && getenv("NO_COLOR") == nil)
        while true {
            do {
                try await showOnce(core, style)
            } catch let problem as Problem where watch && !json {
                // It comes back: an upgrade is a good reason to watch.
                try LineOutput.write(clear + style.bad(problem.sentence) + "\n  \(problem.remedy)")
            }
            guard watch else { return }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func showOnce(_ core: CoreConnection, _ style: Style) async throws {
        let status = try await core.status()
        let screen = StatusScreen(status, processes: ProcessTable.reports(state: box.state), backup: box.backupReport)
        if json {
            let report = StatusReport(status: status, screen: screen)
            if watch { try LineOutput.write(json: report) } else { try LineOutput.write(pretty: report) }
        } else {
            try LineOutput.write(clear + screen.lines(style).joined(separator: "\n"))
        }
    }

    /// Cursor home and nothing below, so that the screen changes in place.
    private var clear: String { watch && isatty(1) == 1 ? "\u{1b}[H\u{1b}[J" : "" }
}
