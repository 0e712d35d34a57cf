package import Wire

extension BoxSettings {
    /// What a configuration file says of the sections that can be chosen: these are fixed by it.
    ///
    /// - Parameter text: of a file that ``init(toml:file:presets:schema:readSecret:)`` takes.
    package static func sections(
        saidIn text: String, file: String, schema: SettingsSchema = SettingsSchema()
    ) throws(SettingsError) -> [SettingsSection: [ChosenSettings.Table]] {
        let (document, lines) = try document(text, file: file, schema: schema)
        var said: [SettingsSection: [ChosenSettings.Table]] = [:]
        for section in SettingsSection.allCases {
            var tables = try SettingsTable.all(name: section.table, in: document, file: file, lines: lines)
                .map(\.content)
            // Its addresses and ports are the file's in any case.
            if section == .media {
                tables = tables.map { $0.filter { !section.keysOfTheFile.contains($0.key) } }.filter { !$0.isEmpty }
            }
            if !tables.isEmpty { said[section] = tables }
        }
        return said
    }

    /// These settings of the file, and what was chosen where it says nothing.
    ///
    /// - Parameter fixed: the sections that the file says something of.
    package func completed(
        by chosen: BoxSettings, except fixed: some Collection<SettingsSection>
    ) -> BoxSettings {
        var settings = self
        for section in SettingsSection.allCases where !fixed.contains(section) {
            switch section {
            case .dialling: settings.dialling = chosen.dialling
            case .forwarding: settings.forwarding = chosen.forwarding
            case .ledger: settings.ledger = chosen.ledger
            case .media: settings.media.advertise = chosen.media.advertise
            case .trunks: settings.trunks = chosen.trunks
            }
        }
        return settings
    }
}

extension ChosenSettings {
    /// Which passwords belong to these settings.
    ///
    /// A password goes on to be used only where it was given for: whoever may change the settings, be it with a session that was
    /// stolen, could otherwise name a server of their own and let the box sign in there.
    ///
    /// - Parameters:
    ///   - given: with these settings, by the account's name.
    ///   - former: what held before, with its passwords; nil where nothing is known of it.
    /// - Throws: for an account that needs a password and has none.
    package func passwords(
        given: [String: Redacted<String>], former: (chosen: ChosenSettings, passwords: [String: Redacted<String>])?,
        file: String, presets: PresetShelf
    ) throws(SettingsError) -> [String: Redacted<String>] {
        let trunks = try settings(file: file, presets: presets, passwords: .elsewhere).trunks
        let before =
            former.flatMap { former in
                try? former.chosen.settings(file: file, presets: presets, passwords: .elsewhere).trunks
            } ?? []
        var passwords: [String: Redacted<String>] = [:]
        for trunk in trunks {
            if let password = given[trunk.name], !password.revealed.isEmpty {
                passwords[trunk.name] = password
            } else if let account = before.first(where: { $0.name == trunk.name }),
                account.signsIn(asAt: trunk), let password = former?.passwords[trunk.name]
            {
                passwords[trunk.name] = password
            }
        }
        // Each value once more, now with the passwords: a provider's own rules for them, and whether one is missing.
        _ = try settings(file: file, presets: presets, passwords: .known(passwords))
        return passwords
    }
}

extension TrunkSettings {
    /// The password goes to the same place, over the same ways, with the same name.
    fileprivate func signsIn(asAt other: TrunkSettings) -> Bool {
        server == other.server && port == other.port && backupServer == other.backupServer
            && domain == other.domain && transports == other.transports && authorityFile == other.authorityFile
            && user == other.user && authUser == other.authUser && realms == other.realms
    }
}
