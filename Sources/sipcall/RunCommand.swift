import Accounts
import ArgumentParser
import Glibc
import Logging
import Settings
import Subprocess
import SystemPackage
import WebAPI
import Wire

/// `sipcall run`: the whole box in the foreground, without root, for trying out and for tests.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the whole box in the foreground until Ctrl-C.")

    @OptionGroup var box: BoxOptions

    func run() async throws {
        guard let state = box.state else { throw ValidationError("Missing expected argument '--state <state>'") }
        try box.prepareState(for: "run")
        let configuration = try box.loadConfiguration()
        if try await Self.isClaimed(state) { _ = ClaimMark(state: state).leave() }
        // Nobody else needs it: neither the core nor whoever reads a process's environment.
        unsetenv("SIPCALL_ADMIN_PASSWORD")
        let log = Logger(part: "run", verbose: box.verbose)
        let lifeline = try FileDescriptor.pipe()
        defer {
            try? lifeline.readEnd.close()
            try? lifeline.writeEnd.close()
        }
        _ = fcntl(lifeline.writeEnd.rawValue, F_SETFD, FD_CLOEXEC)
        let status = await supervise(configuration, lifeline: lifeline.readEnd, log: log)
        if status != 0 { throw ExitCode(status) }
    }

    /// A box that is run with a password is its runner's at once. The web process opens the file afterwards.
    private static func isClaimed(_ state: String) async throws -> Bool {
        let given = getenv("SIPCALL_ADMIN_PASSWORD").map { Redacted(String(cString: $0)) }
        let store = try AccountStore("\(state)/web/accounts.sqlite")
        return try await FirstOwner.make(in: store, stateDirectory: state, given: given)
    }

    private enum Happening {
        case stopRequested
        case ended(part: String, status: CInt)
        case ready
    }

    /// Runs the web process, and starts it again when it dies, as systemd would: calls go on without it.
    /// - Returns: the exit status of one that ended by itself, or died at its start again and again.
    private func runWeb(lifeline: FileDescriptor, log: Logger) async -> CInt {
        await Readiness.core(at: box.controlSocket)
        var deaths = 0
        while !Task.isCancelled {
            let begin = MonotonicTime.now()
            let status = await start("web", lifeline: lifeline, log: log)
            deaths = MonotonicTime.now() - begin < .seconds(10) ? deaths + 1 : 1
            // 128 and more: killed by a signal. Anything else is its own decision, and it said why.
            guard !Task.isCancelled, status > 128, deaths < 10 else { return status }
            log.error(
                "The web process died; it is started again.",
                metadata: ["code": "box.part-died", "signal": "\(status - 128)"])
        }
        return 0
    }

    /// Runs both processes until one ends or the person stops them.
    /// - Returns: the exit status that tells the truth about it.
    private func supervise(_ configuration: Configuration, lifeline: FileDescriptor, log: Logger) async -> CInt {
        let address = configuration.settings.web.listen
        return await withTaskGroup(of: Happening.self) { group in
            group.addTask {
                await Shutdown.requested(with: nil)
                return .stopRequested
            }
            group.addTask { .ended(part: "core", status: await start("core", lifeline: lifeline, log: log)) }
            group.addTask { .ended(part: "web", status: await runWeb(lifeline: lifeline, log: log)) }
            group.addTask {
                await Readiness.core(at: box.controlSocket)
                await Readiness.page(at: address)
                return .ready
            }
            var status: CInt = 0
            while let happening = await group.next() {
                switch happening {
                case .ready:
                    announce(address)
                    continue
                case .stopRequested:
                    log.info("Stopping: hanging up and taking the registration back.")
                case .ended(let part, let code):
                    // Its own last line said why; the other process must not go on alone.
                    status = code == 0 ? ExitStatus.failure.rawValue : code
                    log.error(
                        "The \(part) process ended; the box stops.",
                        metadata: ["code": "box.part-ended", "status": "\(code)"])
                }
                break
            }
            group.cancelAll()
            while let happening = await group.next() {
                if case .ended(_, let code) = happening, status == 0 { status = code }
            }
            return status
        }
    }

    /// - Returns: the exit status; 128 and the signal's number for a process that was killed.
    private func start(_ part: String, lifeline: FileDescriptor, log: Logger) async -> CInt {
        var options = PlatformOptions()
        // A group of its own: Ctrl-C reaches only this process, which ends the others in order.
        options.processGroupID = 0
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))]
        do {
            let result = try await Subprocess.run(
                .path("/proc/self/exe"), arguments: Arguments([part] + box.arguments),
                environment: Self.environment(of: part),
                platformOptions: options, input: .fileDescriptor(lifeline, closeAfterSpawningProcess: false),
                output: .currentStandardOutput, error: .currentStandardError)
            switch result.terminationStatus {
            case .exited(let code): return code
            case .signaled(let signal): return 128 &+ signal
            }
        } catch {
            log.error(
                "The \(part) process could not be started.",
                metadata: ["code": "box.part-not-started", "error": "\(error)"])
            return ExitStatus.failure.rawValue
        }
    }

    /// As the unit of the part sets it on an installed box.
    private static func environment(of part: String) -> Environment {
        var values: [Environment.Key: String?] = [Environment.Key(stringLiteral: Lifeline.environmentKey): "1"]
        if part == "web", getenv("GLIBC_TUNABLES") == nil { values["GLIBC_TUNABLES"] = MemoryHygiene.tunables }
        return .inherit.updating(values)
    }

    private func announce(_ address: NetworkAddress) {
        if let waiting = SetupNote.last(in: box.stateDirectory) {
            StandardStream.output.write(line: String(waiting.revealed.dropLast()))
        } else {
            let host = address.host.isUnspecified ? "127.0.0.1:\(address.port)" : "\(address)"
            StandardStream.output.write(line: "Open http://\(host)/ and sign in.")
        }
    }
}
