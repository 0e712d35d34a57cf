import ArgumentParser
import Call
import Console
import Control
import Glibc
import Synchronization
import Wire

/// `sipcall call NUMBER`: rings the box's open pages and, when somebody picks up there, calls the number.
struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Ring the open pages and put whoever picks up through to a number.")

    @OptionGroup var box: BoxOptions

    @Argument(help: "Whom to call, written as people do: '+49 30 123456'; or a service of the box: '*43'.")
    var number: String

    @Flag(
        name: .customLong("private"), inversion: .prefixedNo,
        help: "Hide or show who calls, whatever the account's settings say.")
    var hidesNumber: Bool?

    @Flag(help: "Print the call's events instead of text, one JSON object a line.")
    var json = false

    func run() async throws {
        let core = CoreConnection(box, watches: true)
        defer { core.close() }
        // Only now can an interrupt end the call instead of this program.
        let interrupts = Task { await Shutdown.requested(with: nil) }
        defer { interrupts.cancel() }
        try await core.opened(box)
        guard case .call(let call) = try await core.client.send(.summon(to: Redacted(number), hidesNumber: hidesNumber))
        else {
            throw CoreConnection.otherVersion
        }
        let hangingUp = Task {
            await interrupts.value
            guard !Task.isCancelled else { return }
            _ = try? await core.client.send(.hangUp(call: call))
        }
        defer { hangingUp.cancel() }
        let outcome = try await follow(call, core.client)
        guard outcome.wasAnswered else {
            // With --json the last event said why.
            if json { throw ExitCode(ExitStatus.failure.rawValue) }
            throw outcome.reason.problem
        }
    }

    private struct Outcome {
        var wasAnswered = false
        var reason = EndReason.internalError
    }

    /// Tells how the call goes on until it ends.
    /// - Throws: `core.unreachable` when the core was started anew and knows nothing of the call.
    private func follow(_ call: CallIdentifier, _ client: ControlClient) async throws -> Outcome {
        var outcome = Outcome()
        var newest: UInt64 = 0
        for await event in client.events {
            var happened: [BoxEvent] = []
            switch event {
            case .connected(_, let restarted):
                if restarted { throw ControlProblem.unreachable }
                // What happened before this program heard of the call, or while the connection was lost.
                happened = await missed(after: newest, client)
            case .event(.box(let event)): happened = [event]
            case .event, .disconnected: continue
            }
            for event in happened where event.number > newest {
                newest = event.number
                guard event.call == call else { continue }
                tell(event)
                if event.kind == .callAnswered { outcome.wasAnswered = true }
                if event.kind == .callEnded {
                    outcome.reason = event.code.flatMap(EndReason.init) ?? .internalError
                    return outcome
                }
            }
        }
        return outcome
    }

    private func missed(after number: UInt64, _ client: ControlClient) async -> [BoxEvent] {
        var events: [BoxEvent] = []
        while case .events(let more, let newest)? = try? await client.send(
            .events(after: events.last?.number ?? number))
        {
            events += more
            guard let last = more.last, last.number < newest else { break }
        }
        return events
    }

    private func tell(_ event: BoxEvent) {
        var event = event
        event.digit = nil
        do {
            if json {
                // The number stays in: whoever runs this command knows it.
                try LineOutput.write(json: event)
            } else if let line = CallProgress.line(event) {
                try LineOutput.write(line)
            }
        } catch {
            // The call goes on without somebody who reads about it.
        }
    }
}
