import ArgumentParser
import Console
import Glibc
import WebAPI
import Wire

/// `sipcall audit`: who did what on the box.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show who did what on the box, the newest first.")

    @OptionGroup var box: BoxOptions

    @Option(help: "How many entries at most. Default: 20.")
    var limit = 20

    @Flag(help: "Print one JSON object an entry, one a line, instead of text.")
    var json = false

    func validate() throws {
        guard limit >= 1 else { throw ValidationError("--limit has to be 1 or more.") }
    }

    func run() async throws {
        let client = OperatorClient(box)
        let style = Style(isColoured: isatty(1) == 1 && getenv("NO_COLOR") == nil)
        var (left, below) = (limit, Int64?.none)
        do {
            repeat {
                var query = [(name: "limit", value: "\(min(left, 200))")]
                if let below { query.append(("below", "\(below)")) }
                let page = try await client.json(.init("/api/v1/audit", query: query), as: AuditLines.self)
                for entry in page.entries {
                    if json { try LineOutput.write(json: entry) } else { try LineOutput.write(entry.line(style)) }
                }
                left -= page.entries.count
                below = page.next
            } while left > 0 && below != nil
        } catch is ReaderGone {
            return
        }
    }
}
