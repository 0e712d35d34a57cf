import ArgumentParser
import Control
import Glibc
import Wire

/// `sipcall events`: what happens on the box, as JSON lines, for scripts and for people who watch.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Print what happens on the running box, one JSON object a line.")

    @OptionGroup var box: BoxOptions

    @Option(help: "Only events of this call.", transform: callIdentifier)
    var call: CallIdentifier?

    @Option(help: "Only events of this kind, such as call.ended or 'call.*'; may be given again.")
    var kind: [String] = []

    @Flag(help: "Print telephone numbers and pressed keys too.")
    var numbers = false

    @Flag(help: "Print first what happened before, as far as the box remembers: its last 1,000 events.")
    var sinceStart = false

    func run() async throws {
        let core = CoreConnection(box, watches: true)
        defer { core.close() }
        try await core.opened(box)
        do {
            try await watch(core.client)
        } catch is ReaderGone {
            return
        }
    }

    private func watch(_ client: ControlClient) async throws {
        // The newest event that was seen: what comes again after a reconnection is left out.
        var newest: UInt64?
        for await event in client.events {
            switch event {
            case .connected(_, let restarted):
                if restarted { newest = 0 }
                // Without a past to tell: where "from now on" begins is known before it is said.
                var begin = newest ?? (sinceStart ? 0 : nil)
                if begin == nil { begin = try await catchUp(client, from: .max) }
                try print(Connection(kind: "box.connected", isOtherStart: restarted))
                if let begin { newest = try await catchUp(client, from: begin) }
            case .disconnected:
                try print(Connection(kind: "box.lost"))
            case .event(.box(let event)):
                guard event.number > newest ?? 0 else { continue }
                newest = event.number
                try print(event)
            case .event:
                continue
            }
        }
    }

    /// Prints what happened since an event.
    /// - Returns: the number of the newest one.
    private func catchUp(_ client: ControlClient, from number: UInt64) async throws -> UInt64? {
        var number = number
        while true {
            // A connection that is lost meanwhile makes itself heard among the events.
            guard case .events(let events, let newest)? = try? await client.send(.events(after: number)) else {
                return number == .max ? nil : number
            }
            for event in events { try print(event) }
            guard let last = events.last, last.number < newest else { return newest }
            number = last.number
        }
    }

    private func print(_ event: BoxEvent) throws(ReaderGone) {
        guard call == nil || event.call == call, isWanted(event.kind.rawValue) else { return }
        var event = event
        if !numbers { (event.far, event.digit) = (nil, nil) }
        try LineOutput.write(json: event)
    }

    private func print(_ event: Connection) throws(ReaderGone) {
        guard isWanted(event.kind) else { return }
        try LineOutput.write(json: event)
    }

    private func isWanted(_ kind: String) -> Bool {
        self.kind.isEmpty || self.kind.contains { fnmatch($0, kind, 0) == 0 }
    }

    /// What this command itself has to tell.
    private struct Connection: Encodable {
        var kind: String
        var time = WallTime.now()
        /// The core was started anew: calls that it does not name are over.
        var isOtherStart: Bool?
    }
}

@Sendable private func callIdentifier(_ text: String) throws -> CallIdentifier {
    guard let call = CallIdentifier(text) else {
        throw ValidationError("a call's name has 32 digits of 0-9 and a-f; 'sipcall status' shows it.")
    }
    return call
}
