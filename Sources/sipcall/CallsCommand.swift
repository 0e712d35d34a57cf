import ArgumentParser
import Call
import Console
import Glibc
import WebAPI
import Wire

/// `sipcall calls`: the history of calls in the terminal, and its export.
struct CallsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calls", abstract: "Show the history of calls, the newest first, or export it.")

    enum Direction: String, ExpressibleByArgument, CaseIterable {
        case `in`, out
    }

    enum Outcome: String, ExpressibleByArgument, CaseIterable {
        case answered, missed, failed, unfinished
    }

    @OptionGroup var box: BoxOptions

    @Option(help: "Only calls of this user.")
    var user: String?

    @Option(help: "Only calls with this number, or with one that has these digits in it.")
    var number: String?

    @Option(help: "Only calls from then on: '2026-11-25', '2026-11-25 14:30', or how long ago: 90m, 24h, 7d, 2w.")
    var since: String?

    @Option(help: "Only calls before then.")
    var until: String?

    @Option(help: "Only calls that came in, or that were dialled: in, out.")
    var direction: Direction?

    @Option(help: "Only calls that went so: answered, missed, failed, unfinished.")
    var outcome: Outcome?

    @Option(help: "How many calls at most. Default: 20.")
    var limit: Int?

    @Flag(help: "Print telephone numbers and names in full.")
    var numbers = false

    @Flag(help: "Print one JSON object a call, one a line, instead of text.")
    var json = false

    @Flag(help: "Export every call that fits as CSV, numbers in full; the audit log keeps who did.")
    var csv = false

    func validate() throws {
        if csv, json { throw ValidationError("--csv and --json exclude each other.") }
        if csv, limit != nil { throw ValidationError("--csv exports every call that fits: --limit has no meaning.") }
        if let limit, limit < 1 { throw ValidationError("--limit has to be 1 or more.") }
        _ = try query()
    }

    private func query() throws -> [(name: String, value: String)] {
        let now = WallTime.now()
        func time(_ option: String, _ text: String?) throws -> String? {
            guard let text else { return nil }
            guard let moment = moment(text, now: now) else {
                throw ValidationError(
                    "--\(option): write '2026-11-25', '2026-11-25 14:30', or how long ago, as 24h or 7d.")
            }
            return moment.description
        }
        let pairs = [
            ("user", user), ("number", number), ("from", try time("since", since)), ("until", try time("until", until)),
            ("direction", direction.map { $0 == .in ? "inbound" : "outbound" }), ("outcome", outcome?.rawValue),
        ]
        return pairs.compactMap { name, value in value.map { (name, $0) } }
    }

    func run() async throws {
        let client = OperatorClient(box)
        do {
            if csv {
                try await client.stream(.init("/api/v1/calls.csv", query: try query())) {
                    try LineOutput.write(bytes: $0)
                }
            } else {
                try await list(client)
            }
        } catch is ReaderGone {
            return
        }
    }

    private func list(_ client: OperatorClient) async throws {
        let table = HistoryTable(
            style: Style(isColoured: isatty(1) == 1 && getenv("NO_COLOR") == nil), showsNumbers: numbers,
            localTime: { localTime($0) })
        var (left, after, unreadable, isEmpty) = (limit ?? 20, String?.none, 0, true)
        repeat {
            var query = try query() + [("limit", "\(min(left, 200))")]
            if let after { query.append(("after", after)) }
            let page = try await client.json(.init("/api/v1/calls", query: query), as: HistoryPage.self)
            for call in page.calls {
                if json {
                    try LineOutput.write(json: numbers ? call : call.masked)
                } else {
                    try LineOutput.write(table.line(call))
                }
            }
            isEmpty = isEmpty && page.calls.isEmpty
            left -= page.calls.count
            unreadable += page.unreadable
            after = page.next
        } while left > 0 && after != nil
        if isEmpty, !json { try LineOutput.write("No call fits.") }
        if unreadable > 0 {
            StandardStream.error.write(line: "\(counted(unreadable, "record")) on the way cannot be read.")
        }
    }
}
