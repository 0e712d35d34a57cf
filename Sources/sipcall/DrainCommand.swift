import ArgumentParser
import Control
import Wire

/// `sipcall drain`: no new calls, and wait for the running ones.
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Take no new calls, and wait until the running ones have ended.")

    @OptionGroup var box: BoxOptions

    @Flag(help: "Take calls again.")
    var cancel = false

    @Option(help: "Wait at most so many seconds; new calls stay refused afterwards.")
    var timeout: Int?

    func validate() throws {
        if let timeout, timeout < 0 { throw ValidationError("--timeout: this must be 0 or more seconds.") }
        if cancel, timeout != nil { throw ValidationError("--cancel waits for nothing: leave --timeout out.") }
    }

    func run() async throws {
        try await CoreConnection.with(box) { core in
            if cancel {
                _ = try await core.status(.drain(false))
                return StandardStream.output.write(line: "New calls are taken again.")
            }
            try await wait(for: core, beginning: try await core.status(.drain(true)))
        }
    }

    private func wait(for core: CoreConnection, beginning: BoxStatus) async throws {
        let deadline = timeout.map { MonotonicTime.now() + .seconds($0) }
        var status = beginning
        var told: Int?
        while status.calls > 0 {
            if told != status.calls {
                StandardStream.output.write(line: status.calls == 1 ? "1 call left" : "\(status.calls) calls left")
            }
            told = status.calls
            if let deadline, MonotonicTime.now() >= deadline { throw Self.timedOut(status.calls) }
            try await Task.sleep(for: .milliseconds(250))
            status = try await core.status()
            guard status.draining else { throw Self.cancelled }
        }
        StandardStream.output.write(line: "No calls are left. New ones are refused until \"sipcall drain --cancel\".")
    }

    private static func timedOut(_ calls: Int) -> Problem {
        Problem(
            code: "drain.timed-out", sentence: "Calls still run: \(calls). New ones are refused.",
            remedy: "Wait again with: sipcall drain. Take calls again with: sipcall drain --cancel.")
    }

    private static let cancelled = Problem(
        code: "drain.cancelled", sentence: "The box takes calls again: somebody cancelled this, or it was restarted.",
        remedy: "Start again with: sipcall drain.")
}
