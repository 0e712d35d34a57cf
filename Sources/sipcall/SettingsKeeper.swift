import Control
import Ledger
import Logging
import Settings
import Switchboard
import Wire

/// Decides which settings hold in the core: those of the configuration file, and where it says nothing those that were chosen in
/// the page, which are kept here.
actor SettingsKeeper {
    private let box: BoxOptions
    private let files: ChosenFiles
    private let log: Logger
    private var chosen = Chosen()
    /// What was chosen last is in memory. Until then its files are all that there is of it.
    private var isRead = false
    /// Why what was chosen does not hold, though it is kept.
    private var problem: Problem?
    /// One change after the other, from the reading of the files to the end of ``Switchboard/apply(_:)``.
    private var last: Task<Void, Never>?

    init(_ box: BoxOptions, log: Logger) {
        (self.box, self.log) = (box, log)
        files = ChosenFiles(state: box.stateDirectory)
    }

    /// The settings to start with. What was chosen and is of no use any more is left out, and told: a box that starts without it
    /// is better than none.
    func begin(_ configuration: Configuration) -> BoxSettings {
        do throws(SettingsError) {
            return try settings(configuration)
        } catch {
            problem = error.problem
            log.error(
                "\(error) What was chosen in the page does not hold until it is chosen anew.",
                metadata: ["code": "\(error.code)"])
            return configuration.settings
        }
    }

    /// With what was chosen where the configuration file says nothing; its files are read once more if they could not be before.
    private func settings(_ configuration: Configuration) throws(SettingsError) -> BoxSettings {
        if !isRead, let read = try files.read() { (chosen, isRead) = (read, true) }
        return try configuration.completed(by: settings(chosen, presets: configuration.presets))
    }

    private func settings(_ chosen: Chosen, presets: PresetShelf) throws(SettingsError) -> BoxSettings {
        try chosen.settings.settings(file: files.path, presets: presets, passwords: .known(chosen.passwords))
    }

    var inForce: SettingsInForce {
        SettingsInForce(
            revision: chosen.settings.revision, toml: chosen.settings.toml,
            withPassword: chosen.passwords.keys.sorted(), problem: problem)
    }

    /// Reads the configuration file again.
    func reload(_ parts: CoreParts) async -> ControlReply {
        await inTurn { await $0.nowReload(parts) }
    }

    private func nowReload(_ parts: CoreParts) async -> ControlReply {
        do {
            let configuration = try box.loadConfiguration()
            let settings: BoxSettings
            do throws(SettingsError) {
                settings = try self.settings(configuration)
                problem = nil
            } catch {
                // What held until now goes on to hold; where it is the file's alone, the file is followed.
                guard problem != nil else { throw error }
                problem = error.problem
                settings = configuration.settings
            }
            return .reloaded(notices: await apply(settings, parts))
        } catch {
            let problem = Self.problem(error)
            log.error(
                "\(problem.sentence) The former configuration still holds.", metadata: ["code": "\(problem.code)"])
            return .configurationRejected(problem)
        }
    }

    /// Lets what was chosen hold, once it is on the disk.
    func choose(_ choice: SettingsChoice, _ parts: CoreParts) async -> ControlReply {
        await inTurn { await $0.nowChoose(choice, parts) }
    }

    private func nowChoose(_ choice: SettingsChoice, _ parts: CoreParts) async -> ControlReply {
        let (next, configuration): (Chosen, Configuration)
        do {
            configuration = try box.loadConfiguration()
            next = try chosen(with: choice, presets: configuration.presets)
        } catch let refusal as ChoiceRefusal {
            return .choiceRefused(refusal.problem, key: refusal.key)
        } catch {
            return .choiceRefused(Self.problem(error), key: "")
        }
        if next == chosen, problem == nil { return .chosen(inForce) }
        guard next.settings.revision > chosen.settings.revision else {
            return .choiceRefused(SettingsProblem.changed, key: "")
        }
        do throws(SettingsError) {
            let settings = try configuration.completed(by: settings(next, presets: configuration.presets))
            guard files.write(next, inPlaceOfFormer: isRead) else {
                log.error(
                    "\(SettingsProblem.notKept.sentence)", metadata: ["code": "\(SettingsProblem.notKept.code)"])
                return .choiceRefused(SettingsProblem.notKept, key: "")
            }
            (chosen, isRead, problem) = (next, true, nil)
            var now = inForce
            now.notices = await apply(settings, parts, isChoice: true)
            return .chosen(now)
        } catch {
            return .choiceRefused(next.settings.problem(of: error), key: next.settings.place(of: error))
        }
    }

    private func chosen(with choice: SettingsChoice, presets: PresetShelf) throws -> Chosen {
        var next = Chosen()
        do throws(SettingsError) {
            next.settings = try ChosenSettings(toml: choice.toml, file: files.path, schema: .ofThisBuild)
            guard ChosenSettings.revisions.contains(choice.revision) else {
                throw SettingsError(
                    file: files.path, reason: "This is no number of a change.",
                    remedy: "Restore the settings from a backup.")
            }
            next.settings.revision = choice.revision
            // Where the text of a choice is lost here, its passwords are still the ones that were kept with this very revision.
            let former =
                isRead
                ? chosen
                : Chosen(settings: next.settings, passwords: files.passwords(ofRevision: choice.revision) ?? [:])
            next.passwords = try next.settings.passwords(
                given: choice.passwords, former: (former.settings, former.passwords), file: files.path, presets: presets
            )
            return next
        } catch {
            throw ChoiceRefusal(problem: next.settings.problem(of: error), key: next.settings.place(of: error))
        }
    }

    private struct ChoiceRefusal: Error {
        var problem: Problem
        var key: String
    }

    private func apply(_ settings: BoxSettings, _ parts: CoreParts, isChoice: Bool = false) async -> [Problem] {
        parts.callLog.keep(CallPrivacy(settings.ledger.farNumbers))
        let notices = await parts.switchboard.apply(settings, isChoice: isChoice)
        for notice in notices {
            log.notice("\(notice.sentence) \(notice.remedy)", metadata: ["code": "\(notice.code)"])
        }
        return notices
    }

    private func inTurn(_ body: @escaping @Sendable (isolated SettingsKeeper) async -> ControlReply) async
        -> ControlReply
    {
        let former = last
        let task = Task {
            await former?.value
            return await body(self)
        }
        last = Task { _ = await task.value }
        return await task.value
    }

    static func problem(_ error: any Error) -> Problem {
        (error as? SettingsError)?.problem ?? Problem(code: "settings.invalid", sentence: "\(error)")
    }
}
