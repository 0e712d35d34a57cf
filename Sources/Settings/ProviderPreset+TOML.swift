import TOMLKit

extension ProviderPreset {
    /// - Parameters:
    ///   - text: the file's content, at most 64 KiB.
    ///   - file: its name, for errors; the identifier is its last part without the ending.
    /// - Throws: the first value that cannot be used, with its line; also a value without a source, and a source
    ///   without a value.
    package init(toml text: String, file: String) throws(SettingsError) {
        guard text.utf8.count <= 65_536, let document = try? TOMLTable(string: text) else {
            throw SettingsError(
                file: file, line: 0, key: "", reason: "The file is not a preset.", remedy: "Install the package again.")
        }
        let lines = KeyLines(text)
        var provider = try SettingsTable(name: "provider", in: document, file: file, lines: lines)
        var connection = try SettingsTable(name: "connection", in: document, file: file, lines: lines)
        var calls = try SettingsTable(name: "calls", in: document, file: file, lines: lines)
        let base = file.split(separator: "/").last.map(String.init) ?? file
        identifier = base.hasSuffix(".toml") ? String(base.dropLast(5)) : base
        name = try provider.required("name", example: "Telnyx")
        website = try provider.string("website", example: "https://example.net")
        authentication = try provider.choices("authentication", of: Authentication.self)
        servers = try connection.strings("servers", example: "[\"sip.example.net\"]") ?? []
        serverPattern = try connection.string("server_pattern", example: "NAME.example.net")
        backupServerPattern = try connection.string("backup_server_pattern", example: "NAME.example.net")
        domain = try connection.string("domain", example: "example.net")
        realms = try connection.oneOrMore("realm", example: "example.net") ?? []
        networks = try connection.networks("networks") ?? []
        transports = try connection.choices("transports", of: Transport.self)
        mediaNetworks = try connection.strings("media_networks", example: "[\"203.0.113.0/24\"]") ?? []
        mediaPorts = try connection.ports("media_ports")
        encryption = try connection.choice("srtp", of: Encryption.self)
        expires = try connection.integer("expires", in: 60...7200)
        identity = try calls.choice("identity", of: Identity.self)
        numberFormat = try calls.choice("number_format", of: NumberFormat.self)
        codecs = try calls.strings("codecs", example: "[\"pcmu\"]") ?? []
        echoTest = try calls.string("echo_test", example: "4443")
        digitTest = try calls.string("digit_test", example: "4747")
        callsPerSecond = try calls.integer("calls_per_second", in: 1...1000)
        digits = try calls.string("digits", example: "telephone-event")
        reliableProvisional = try calls.flag("reliable_provisional")
        userHint = try calls.string("user_hint", example: "six digits")
        passwordExcludes = try calls.string("password_excludes", example: "#")
        for table in [provider, connection, calls] { try table.refuseUnknownKeys() }
        guard authentication.count > 0 else {
            throw provider.error("authentication", "This list is empty.", "Name at least one way.")
        }
        var origins = try SettingsTable(name: "sources", in: document, file: file, lines: lines)
        sources = [:]
        for table in [provider, connection, calls] {
            for key in table.keys where key != "name" && key != "website" {
                sources[key] = try origins.required(key, example: "example.net, 2026-11")
            }
        }
        try origins.refuseUnknownKeys()
    }
}

extension SettingsTable {
    /// - Returns: nil without the key.
    mutating func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ key: String, of type: Choice.Type
    ) throws(SettingsError) -> Choice? {
        guard let text = try string(key, example: Choice.allCases.first?.rawValue ?? "") else { return nil }
        guard let choice = Choice(rawValue: text) else { throw unknownWord(key, of: type) }
        return choice
    }

    /// - Returns: nothing without the key.
    fileprivate mutating func choices<Choice: CaseIterable & RawRepresentable<String>>(
        _ key: String, of type: Choice.Type
    ) throws(SettingsError) -> [Choice] {
        var choices: [Choice] = []
        for text in try strings(key, example: "[\"\(Choice.allCases.first?.rawValue ?? "")\"]") ?? [] {
            guard let choice = Choice(rawValue: text) else { throw unknownWord(key, of: type) }
            choices.append(choice)
        }
        return choices
    }

    private func unknownWord<Choice: CaseIterable & RawRepresentable<String>>(
        _ key: String, of type: Choice.Type
    ) -> SettingsError {
        error(
            key, "There is a word here that is unknown.",
            "Known here: \(Choice.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
}
