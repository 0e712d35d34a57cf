import ArgumentParser
import Console
import Control
import Glibc
import SIPTrace
import Wire

/// `sipcall trace`: the SIP messages of a call or of the registration, as a ladder.
struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Show the SIP messages of a call, or of the registration, as a ladder.")

    @OptionGroup var box: BoxOptions

    @Argument(
        help: """
            A call by its name or the beginning of it, 'registration', or 'others' for a provider's messages that belong to \
            no call. Without it, the list of what there is.
            """)
    var what: String?

    @Flag(help: "Go on with what is said from now on, until the call has ended or Ctrl-C.")
    var follow = false

    @Flag(help: "Show telephone numbers in full. That they were shown becomes an event of the box.")
    var numbers = false

    @Flag(help: "Print session descriptions (SDP) line by line, without keys, instead of in one line.")
    var sdp = false

    @Flag(help: "Print one JSON object for each message, or for each line of the list.")
    var json = false

    func validate() throws {
        guard let what else {
            if follow || numbers || sdp { throw ValidationError("--follow, --numbers and --sdp need to know of what.") }
            return
        }
        guard (1...64).contains(what.utf8.count) else { throw ValidationError("a call's name has 1 to 32 characters.") }
    }

    func run() async throws {
        let core = CoreConnection(box)
        defer { core.close() }
        try await core.opened(box)
        do {
            if let what { try await show(what, core) } else { try await list(core) }
        } catch is ReaderGone {
            return
        }
    }

    private func list(_ core: CoreConnection) async throws {
        guard case .traces(let list) = try await core.client.send(.traces) else { throw CoreConnection.otherVersion }
        if json {
            for story in list.stories { try LineOutput.write(json: story) }
            return
        }
        for story in list.stories { try LineOutput.write(story.listLine) }
        if list.stories.isEmpty { try LineOutput.write("Nothing was said yet.") }
        if list.strangers.messages > 0 {
            try LineOutput.write("Not kept: \(counted(list.strangers.messages, "message")) with strangers.")
        }
        if list.malformed > 0 {
            try LineOutput.write("Not kept: \(counted(list.malformed, "message")) that could not be read as SIP.")
        }
    }

    private func show(_ what: String, _ core: CoreConnection) async throws {
        var ladder = TraceLadder(style: Style(isColoured: isatty(1) == 1 && getenv("NO_COLOR") == nil))
        let showing = TraceShowing(numbers: numbers, descriptions: sdp)
        var newest: UInt64 = 0
        var isFirst = true
        // A call that has ended has a few retransmissions left to see.
        var left = 4
        while true {
            guard
                case .trace(let report) = try await core.client.send(.trace(of: what, after: newest, showing: showing))
            else { throw CoreConnection.otherVersion }
            if isFirst, !json { for line in ladder.heading(report) { try LineOutput.write(line) } }
            isFirst = false
            for message in report.messages {
                newest = max(newest, message.number)
                if json {
                    try LineOutput.write(json: message)
                } else {
                    for line in ladder.lines(message, local: report.local) { try LineOutput.write(line) }
                }
            }
            guard report.isAll else { continue }
            guard follow else { return }
            if report.isOver { left -= 1 }
            if left == 0 { return }
            try await Task.sleep(for: .milliseconds(250))
        }
    }
}
