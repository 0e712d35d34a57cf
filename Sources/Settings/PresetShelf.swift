/// The presets that this machine has, by name.
package struct PresetShelf: Sendable {
    /// Without the ending `.toml`.
    package var names: [String]
    private let read: @Sendable (String) -> (file: String, text: String)?

    /// - Parameter read: the text of a preset by its name, or of a file by its path; nil for what is not there.
    package init(
        names: [String] = [], read: @escaping @Sendable (String) -> (file: String, text: String)? = { _ in nil }
    ) {
        self.names = names.sorted()
        self.read = read
    }

    /// Every preset that can be read, by its name.
    package var all: [ProviderPreset] {
        names.compactMap { name in read(name).flatMap { try? ProviderPreset(toml: $0.text, file: $0.file) } }
    }

    /// - Parameters:
    ///   - name: one of ``names``, or the path of a preset of one's own.
    ///   - table: of the trunk that names it.
    /// - Throws: an error that lists the names, or what is wrong in the preset's own file.
    func preset(_ name: String, for table: SettingsTable) throws(SettingsError) -> ProviderPreset {
        let isPath = name.contains("/")
        guard isPath || names.contains(name), let (file, text) = read(name) else {
            let known = names.isEmpty ? "none; install the package again" : names.joined(separator: ", ")
            throw table.error(
                "preset", isPath ? "This file cannot be read." : "This provider is unknown.", "Known here: \(known).")
        }
        return try ProviderPreset(toml: text, file: file)
    }
}
