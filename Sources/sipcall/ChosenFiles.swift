import Appliance
import FoundationEssentials
import Glibc
import Settings
import Wire

/// Where the core keeps what was chosen in the page, so that it starts, registers and takes calls without the web process.
///
///     core/chosen.toml              as it came; its revision names the other one
///     core/trunk-passwords.N.json   the passwords by the account's name
///
/// The passwords are written first, and the rename of `chosen.toml` is what makes both hold: whatever breaks off in between
/// leaves the former two together.
struct ChosenFiles {
    private static let passwordsBegin = "trunk-passwords."
    private static let passwordsEnd = ".json"

    let directory: String

    /// - Parameter state: the box's state directory.
    init(state: String) {
        directory = "\(state)/core"
    }

    var path: String { "\(directory)/chosen.toml" }

    private func passwordsPath(_ revision: Int) -> String {
        "\(directory)/\(Self.passwordsBegin)\(revision)\(Self.passwordsEnd)"
    }

    /// - Returns: nil where nothing was chosen yet.
    /// - Throws: what is wrong with the file.
    func read() throws(SettingsError) -> Chosen? {
        guard let bytes = SmallFile.read(path, atMost: 1 << 17) else {
            if errno == ENOENT { return nil }
            throw SettingsError(
                file: path, reason: "The file cannot be read: \(systemMessage(errno)).",
                remedy: "Check its owner and the disk.")
        }
        let settings = try ChosenSettings(
            toml: String(decoding: bytes, as: UTF8.self), file: path, schema: .ofThisBuild)
        return Chosen(settings: settings, passwords: passwords(ofRevision: settings.revision) ?? [:])
    }

    /// - Returns: nil where none were kept with this revision, or they cannot be read.
    func passwords(ofRevision revision: Int) -> [String: Redacted<String>]? {
        SmallFile.read(passwordsPath(revision), atMost: 1 << 17)
            .flatMap { try? JSONDecoder().decode([String: Redacted<String>].self, from: Data($0)) }
    }

    /// - Parameter isInPlaceOfFormer: the former choice was read, so that nobody needs its passwords any more. Otherwise they stay.
    /// - Returns: false when the disk refuses; the former ones are untouched then.
    func write(_ chosen: Chosen, inPlaceOfFormer isInPlaceOfFormer: Bool) -> Bool {
        guard let passwords = try? JSONEncoder().encode(chosen.passwords) else { return false }
        let place = passwordsPath(chosen.settings.revision)
        guard SmallFile.replace(place, with: Array(passwords), durable: true),
            SmallFile.replace(path, with: Array(chosen.settings.toml.utf8), durable: true)
        else { return false }
        guard isInPlaceOfFormer else { return true }
        for name in FileContents.names(in: directory) ?? [] where name.hasPrefix(Self.passwordsBegin) {
            if "\(directory)/\(name)" != place { unlink("\(directory)/\(name)") }
        }
        return true
    }
}

extension BoxOptions {
    /// The settings of the file and what was chosen in the page, for commands that only look; without passwords. Who may not read
    /// what was chosen sees the file's alone.
    func wholeSettings() throws -> BoxSettings {
        let configuration = try loadConfiguration(withSecrets: false)
        let files = ChosenFiles(state: stateDirectory)
        guard let chosen = try? files.read(),
            let typed = try? chosen.settings.settings(
                file: files.path, presets: configuration.presets, passwords: .elsewhere)
        else { return configuration.settings }
        return try configuration.completed(by: typed)
    }
}

/// What was chosen in the page, with the passwords that were given for it.
struct Chosen: Equatable {
    var settings = ChosenSettings()
    var passwords: [String: Redacted<String>] = [:]
}
