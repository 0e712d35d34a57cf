import Control
import Crypto
import FoundationEssentials
import Glibc
import HTTPTypes
package import Logging
package import Settings
import Wire

/// The web process's keeper of what people choose in the page: `web/settings.toml`.
///
///     PUT ─▶ decode here ─▶ core checks, keeps, applies ─▶ written here ─▶ answer
///
/// What the core has taken is what holds. Should this process end before it has written that down, it finds a higher revision at the
/// core when it comes back, and takes that over; should the core have lost its own, it is told again.
package actor SettingsDesk {
    private static let retryTime: Duration = .seconds(10)

    /// The configuration file, which goes before what was chosen.
    package struct File: Sendable {
        /// As errors call it.
        package var name: String
        package var text: String
        /// Without the passwords, which are the core's.
        package var settings: BoxSettings
        package var presets: PresetShelf

        package init(name: String, text: String, settings: BoxSettings, presets: PresetShelf) {
            (self.name, self.text, self.settings, self.presets) = (name, text, settings, presets)
        }
    }

    /// Everything that is known about the settings now.
    struct State: Sendable {
        var file: File
        /// What the file says of the sections that can be chosen.
        var said: [SettingsSection: [ChosenSettings.Table]]
        var chosen: ChosenSettings
        /// What the core said last; nil before it said anything.
        var inForce: SettingsInForce?

        /// Another one whenever anything is another that people can change.
        var tag: String {
            var hash = SHA256()
            hash.update(data: Data(file.text.utf8))
            hash.update(data: Data(chosen.toml.utf8))
            return "\"\(chosen.revision)-\(hexadecimal(hash.finalize().prefix(8)))\""
        }
    }

    private let path: String
    private let schema: SettingsSchema
    private let readFile: @Sendable () throws -> File
    private let whenChanged: @Sendable (BoxSettings) async -> Void
    private let logger: Logger
    private var chosen = ChosenSettings()
    private var inForce: SettingsInForce?
    private var isInStep = false
    /// One change after the other.
    private var last: Task<Void, Never>?
    private nonisolated let wakes: AsyncStream<Void>
    private nonisolated let wake: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - path: `web/settings.toml`; it may be missing.
    ///   - schema: carries text of an older form over.
    ///   - readFile: reads the configuration file anew.
    ///   - whenChanged: called with the settings of the file and what was chosen, whenever that has become another choice.
    package init(
        path: String, schema: SettingsSchema, logger: Logger, readFile: @escaping @Sendable () throws -> File,
        whenChanged: @escaping @Sendable (BoxSettings) async -> Void
    ) {
        (self.path, self.schema, self.logger) = (path, schema, logger)
        (self.readFile, self.whenChanged) = (readFile, whenChanged)
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Reads what was chosen before. A file of no use is told and left as it is: the core has what holds.
    package func open() async {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            guard let data = FileManager.default.contents(atPath: path) else { throw SystemFailure(errno) }
            let read = try ChosenSettings(toml: String(decoding: data, as: UTF8.self), file: path, schema: schema)
            try await adopt(read)
        } catch {
            let code = (error as? SettingsError)?.code ?? "settings.invalid"
            logger.error("What was chosen in the page cannot be read: \(error)", metadata: ["code": "\(code)"])
        }
    }

    /// - Throws: ``SettingsError``: a configuration file, or a choice, that cannot be used.
    private func adopt(_ next: ChosenSettings) async throws {
        let settings = try Self.settings(next, file: try readFile(), path: path, schema: schema)
        chosen = next
        await whenChanged(settings)
    }

    /// The settings of the file, and what was chosen where it says nothing.
    private static func settings(
        _ chosen: ChosenSettings, file: File, path: String, schema: SettingsSchema
    ) throws(SettingsError) -> BoxSettings {
        let typed = try chosen.settings(file: path, presets: file.presets, passwords: .elsewhere)
        let said = try BoxSettings.sections(saidIn: file.text, file: file.name, schema: schema)
        return file.settings.completed(by: typed, except: said.keys)
    }

    func state() throws -> State {
        let file = try readFile()
        let said = try BoxSettings.sections(saidIn: file.text, file: file.name, schema: schema)
        return State(file: file, said: said, chosen: chosen, inForce: inForce)
    }

    // MARK: - The core

    /// A new connection: the core may be another process, with other files.
    nonisolated func coreConnected() { wake.yield() }

    /// Keeps in step with the core until it is cancelled.
    func run(_ control: ControlClient) async {
        while !Task.isCancelled {
            try? await inTurn { await $0.comeIntoStep(control) }
            let pause: Duration = isInStep || !control.isConnected ? .seconds(300) : Self.retryTime
            let alarm = Task { [wake] in
                try await Task.sleep(for: pause)
                wake.yield()
            }
            // The first wake-up, or the end of the task.
            for await _ in wakes { break }
            alarm.cancel()
        }
    }

    private func comeIntoStep(_ control: ControlClient) async {
        isInStep = false
        do {
            guard case .chosen(let held) = try await control.send(.chosen) else { throw WebProblem.unexpectedReply }
            inForce = held
            if held.revision >= chosen.revision {
                try await takeOver(held)
            } else {
                try await tell(chosen, passwords: [:], control)
            }
            isInStep = true
        } catch let problem as Problem {
            // A box that waits to be claimed keeps nothing yet, and its core says when it does.
            if !problem.code.hasPrefix("core."), problem != ControlProblem.unclaimed { report(problem) }
        } catch let refusal as Refusal {
            inForce?.problem = refusal.problem
            report(refusal.problem)
        } catch let error as SettingsError {
            report(error.problem)
        } catch {
            report(WebProblem.internalError)
        }
    }

    private func report(_ problem: Problem) {
        logger.error(
            "What was chosen in the page does not hold in the core: \(problem.sentence) \(problem.remedy)",
            metadata: ["code": "\(problem.code)"])
    }

    /// What holds in the core, and was not written down here.
    private func takeOver(_ held: SettingsInForce) async throws {
        guard held.revision > 0 else { return }
        guard ChosenSettings.revisions.contains(held.revision) else { throw WebProblem.unexpectedReply }
        let next = try ChosenSettings(toml: held.toml, file: path, schema: schema)
        guard next != chosen else { return }
        try await adopt(next)
        write()
    }

    /// - Throws: a refusal; a problem of the connection.
    private func tell(
        _ next: ChosenSettings, passwords: [String: Redacted<String>], _ control: ControlClient
    ) async throws {
        let choice = SettingsChoice(revision: next.revision, toml: next.toml, passwords: passwords)
        switch try await control.send(.choose(choice)) {
        case .chosen(let held): inForce = held
        case .choiceRefused(let problem, let key):
            switch problem {
            case SettingsProblem.changed: throw Refusal(.preconditionFailed, problem)
            case SettingsProblem.notKept: throw Refusal(.init(code: 507, reasonPhrase: "Insufficient Storage"), problem)
            default: throw Refusal(.unprocessableContent, problem, key: key.isEmpty ? nil : key)
            }
        default: throw WebProblem.unexpectedReply
        }
    }

    /// The core has it already, so that nothing is lost where this fails.
    private func write() {
        do {
            try PrivateFile.write(Data(chosen.toml.utf8), to: path)
        } catch {
            logger.error(
                "The settings hold, but this process could not write them down: \(error).",
                metadata: ["code": "\(SettingsProblem.notKept.code)"])
        }
    }

    // MARK: - Changes

    /// Lets something else hold for one section.
    ///
    /// - Parameters:
    ///   - tables: none for what holds where nothing was chosen.
    ///   - passwords: given with it, by the account's name.
    ///   - isExpected: whether the state is the one that whoever changes it has seen.
    /// - Returns: what was chosen before.
    /// - Throws: a refusal; then everything is as before.
    func change(
        _ section: SettingsSection, to tables: [ChosenSettings.Table], passwords: [String: Redacted<String>],
        _ control: ControlClient, if isExpected: @escaping @Sendable (State) -> Bool
    ) async throws -> ChosenSettings {
        try await inTurn { desk in
            let state = try desk.state()
            guard state.said[section] == nil else {
                throw Refusal(.conflict, SettingsProblem.fixed(section, by: state.file.name))
            }
            guard isExpected(state) else { throw Refusal(.preconditionFailed, SettingsProblem.changed) }
            let former = desk.chosen
            var next = former
            next.tables[section] = tables.isEmpty ? nil : tables
            // Nothing to be told, and no reason to ask anybody to look again; unless it is kept and does not hold.
            if next == former, passwords.isEmpty, desk.inForce?.problem == nil { return former }
            next.revision += 1
            let settings: BoxSettings
            do throws(SettingsError) {
                settings = try Self.settings(next, file: state.file, path: desk.path, schema: desk.schema)
            } catch {
                throw Refusal(.unprocessableContent, next.problem(of: error), key: next.place(of: error))
            }
            do {
                try await desk.tell(next, passwords: passwords, control)
            } catch {
                // The core may have taken it, or know more than this process.
                desk.wake.yield()
                throw error
            }
            desk.chosen = next
            desk.write()
            await desk.whenChanged(settings)
            return former
        }
    }

    private func inTurn<Result: Sendable>(
        _ body: @escaping @Sendable (isolated SettingsDesk) async throws -> Result
    ) async throws -> Result {
        let former = last
        let task = Task {
            await former?.value
            return try await body(self)
        }
        last = Task { _ = try? await task.value }
        return try await task.value
    }
}
