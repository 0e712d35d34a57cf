import Wire

extension TrunkSettings {
    /// The accounts in the order in which they are tried.
    static func all(
        in tables: [SettingsTable], _ presets: PresetShelf, _ secrets: SecretSource
    ) throws(SettingsError) -> [TrunkSettings] {
        var trunks: [TrunkSettings] = []
        for table in tables {
            let trunk = try TrunkSettings(from: table, presets, secrets)
            guard !trunks.contains(where: { $0.name == trunk.name }) else {
                throw table.error(
                    "name", "Another [[trunk]] is called so too.", "Give each one a name = \"…\" of its own.")
            }
            trunks.append(trunk)
        }
        // By priority, and among equals as they stand in the file.
        return trunks.enumerated().sorted { ($0.element.priority, $0.offset) < ($1.element.priority, $1.offset) }
            .map(\.element)
    }

    private init(
        from source: SettingsTable, _ presets: PresetShelf, _ secrets: SecretSource
    ) throws(SettingsError) {
        var table = source
        let presetName = try table.string("preset", example: "telnyx")
        if secrets.isPage {
            try table.leaveToTheFile(SettingsSection.trunks.keysOfTheFile)
            // Its password is kept by it.
            _ = try table.required("name", example: "Telnyx")
            if presetName?.contains("/") == true {
                throw table.error(
                    "preset", "This is no provider's name.", "A preset of one's own is set in sipcall.toml.")
            }
        }
        let preset: ProviderPreset? = if let presetName { try presets.preset(presetName, for: table) } else { nil }
        let transports = try Self.transports(&table, preset)
        let (host, port) = try Self.server(&table, preset, transports)
        let registers =
            try table.flag("register") ?? preset.map { $0.authentication.contains(.registration) } ?? true
        let number = try Self.number(&table)
        let user = try Self.user(&table, number, preset, registers: registers)
        let name = try table.string("name", example: "Telnyx") ?? preset.flatMap(Self.shortName) ?? host
        guard name.utf8.count <= 64 else {
            throw table.error("name", "This name is too long.", "At most 64 letters.")
        }
        let password = try Self.password(&table, of: name, preset, secrets, isNeeded: registers)
        self.init(name: name, server: host, user: user, password: Redacted(password))
        self.preset = preset?.identifier
        (self.port, self.transports, self.registers) = (port, transports, registers)
        self.number = number.map { Redacted($0) }
        priority = try table.integer("priority", in: 1...100) ?? priority
        authorityFile = try table.string("ca_file", example: "/etc/sipcall/provider-ca.pem")
        domain = try Self.domain(&table) ?? preset?.domain
        backupServer = try Self.backupServer(&table) ?? preset?.backup(of: host)
        callsPerSecond = try table.integer("calls_per_second", in: 1...1000) ?? preset?.callsPerSecond
        authUser = try Self.authUser(&table)
        realms = try table.oneOrMore("realm", example: "sip.example.net") ?? preset?.realms ?? realms
        networks = try table.networks("networks") ?? preset?.networks ?? networks
        hidesNumber = try table.flag("hide_number") ?? hidesNumber
        identity = try table.choice("identity", of: ProviderPreset.Identity.self) ?? preset?.identity ?? identity
        numberFormat =
            try table.choice("number_format", of: ProviderPreset.NumberFormat.self) ?? preset?.numberFormat
        expires = try table.integer("expires", in: 60...7200) ?? preset?.expires ?? expires
        optionsInterval = try Self.optionsInterval(&table) ?? optionsInterval
        if optionsInterval == 0 { optionsInterval = nil }
        codecs = try Self.codecs(&table, preset) ?? codecs
        digits =
            try table.choice("digits", of: DigitTransport.self) ?? preset?.digits.flatMap(DigitTransport.init) ?? digits
        (echoTest, digitTest) = (preset?.echoTest, preset?.digitTest)
        prefersReliableProvisional = preset?.reliableProvisional ?? prefersReliableProvisional
        try table.refuseUnknownKeys()
    }

    /// Generic presets are no name for an account.
    private static func shortName(_ preset: ProviderPreset) -> String? {
        preset.identifier.hasPrefix("generic-") ? nil : preset.name
    }

    private static func transports(
        _ table: inout SettingsTable, _ preset: ProviderPreset?
    ) throws(SettingsError) -> [TransportProtocol] {
        guard let text = try table.string("transport", example: "tls") else {
            let known = (preset?.transports ?? []).compactMap { TransportProtocol(rawValue: $0.rawValue) }
            return known.isEmpty ? TransportProtocol.allCases : known
        }
        guard let transport = TransportProtocol(rawValue: text) else {
            throw table.error("transport", "SIP travels over udp, tcp or tls.", "For example: transport = \"tls\".")
        }
        return [transport]
    }

    private static func server(
        _ table: inout SettingsTable, _ preset: ProviderPreset?, _ transports: [TransportProtocol]
    ) throws(SettingsError) -> (String, UInt16?) {
        let example = preset?.serverPattern ?? preset?.servers.first ?? "sip.example.net"
        let written = try table.string("server", example: example)
        guard let server = written ?? preset?.servers.first else {
            throw table.error("server", "This key is missing.", "Add: server = \"\(example)\".")
        }
        if let address = NetworkAddress(hostAndPort: server) {
            return (address.isIPv6 ? "[\(address.host)]" : "\(address.host)", address.port)
        }
        if let host = NetworkAddress.Host(server), case .ipv6 = host { return ("[\(host)]", nil) }
        let parts = server.split(separator: ":", omittingEmptySubsequences: false)
        let name = parts.first ?? ""
        let isName = isHostName(name)
        let port = parts.count == 2 ? UInt16(parts[1]) : nil
        guard isName, parts.count == 1 || parts.count == 2 && port.map({ $0 > 0 }) == true else {
            throw table.error(
                "server", "This is not a host name with an optional port.", "For example: server = \"\(example)\".")
        }
        return (String(name), port)
    }

    private static func isHostName(_ name: Substring) -> Bool {
        (1...253).contains(name.utf8.count)
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
    }

    private static func domain(_ table: inout SettingsTable) throws(SettingsError) -> String? {
        guard let domain = try table.string("domain", example: "example.net") else { return nil }
        if let host = NetworkAddress.Host(domain), case .ipv6 = host { return "[\(host)]" }
        guard isHostName(Substring(domain)) else {
            throw table.error("domain", "This is not a domain.", "Write it without a port: domain = \"example.net\".")
        }
        return domain
    }

    private static func backupServer(_ table: inout SettingsTable) throws(SettingsError) -> String? {
        guard let server = try table.string("backup_server", example: "backup.example.net") else { return nil }
        if let host = NetworkAddress.Host(server), case .ipv6 = host { return "[\(host)]" }
        guard isHostName(Substring(server)) else {
            throw table.error(
                "backup_server", "This is not a host name.", "Write it without a port, which is that of trunk.server.")
        }
        return server
    }

    /// Unlike `user` it may have a domain of its own.
    private static func authUser(_ table: inout SettingsTable) throws(SettingsError) -> String? {
        let user = try table.string("auth_user", example: "100200")
        guard user.map({ $0.utf8.count <= 128 && !$0.contains { "<>\"".contains($0) } }) ?? true else {
            throw table.error(
                "auth_user", "A name for credentials holds no quotes or brackets, and is no longer than 128 letters.",
                "Copy it from the provider's portal.")
        }
        return user
    }

    private static func number(_ table: inout SettingsTable) throws(SettingsError) -> String? {
        let number = try table.string("number", example: "+493012345678")
        if let number, !number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "+") }) || number.utf8.count > 32 {
            throw table.error(
                "number", "A number holds digits and at most a + before them.",
                "For example: number = \"+493012345678\".")
        }
        return number
    }

    private static func user(
        _ table: inout SettingsTable, _ number: String?, _ preset: ProviderPreset?, registers: Bool
    ) throws(SettingsError) -> String {
        let written = try table.string("user", example: "100200")
        let hint = preset?.userHint.map { " With \(preset?.name ?? "") that is: \($0)." } ?? ""
        let place = preset?.website.map { " (\($0))" } ?? ""
        guard let user = written ?? (registers ? nil : number) else {
            throw table.error(
                "user", "This key is missing.",
                (registers ? "Add: user = \"100200\"." : "Add the user, or the number that the account calls from.")
                    + hint)
        }
        guard user.utf8.count <= 128, !user.contains(where: { "@<>\" ".contains($0) }) else {
            throw table.error(
                "user", "A SIP user name holds no @, space, quotes or brackets.",
                "Copy it from the provider's portal\(place).\(hint)")
        }
        return user
    }

    /// - Returns: 0 for never.
    private static func optionsInterval(_ table: inout SettingsTable) throws(SettingsError) -> Int? {
        guard let seconds = try table.integer("options_interval", in: 0...3600) else { return nil }
        guard seconds == 0 || seconds >= 10 else {
            throw table.error(
                "options_interval", "No provider is asked more often than every 10 seconds.",
                "For example: options_interval = 60, or 0 for never.")
        }
        return seconds
    }

    private static func codecs(
        _ table: inout SettingsTable, _ preset: ProviderPreset?
    ) throws(SettingsError) -> [String]? {
        let spoken = ["pcmu", "pcma", "opus"]
        guard let codecs = try table.strings("codecs", example: "[\"pcmu\", \"pcma\"]") else {
            let known = (preset?.codecs ?? []).filter(spoken.contains)
            return known.isEmpty ? nil : known
        }
        guard !codecs.isEmpty, codecs.allSatisfy(spoken.contains) else {
            throw table.error(
                "codecs", "Known audio formats are pcmu, pcma and opus.", "For example: codecs = [\"pcmu\", \"pcma\"].")
        }
        return codecs
    }

    /// - Returns: empty where none is needed and none is given.
    private static func password(
        _ table: inout SettingsTable, of name: String, _ preset: ProviderPreset?, _ secrets: SecretSource,
        isNeeded: Bool
    ) throws(SettingsError) -> String {
        let (password, key) =
            switch secrets {
            case .files(let read): try password(&table, read, isNeeded: isNeeded)
            case .accounts(let passwords): (try password(table, of: name, passwords, isNeeded: isNeeded), "password")
            }
        if let excluded = preset?.passwordExcludes, password.contains(where: excluded.contains) {
            throw table.error(
                key, "The provider's passwords have none of these characters: \(excluded)",
                "Set another one in the provider's portal.")
        }
        return password
    }

    /// - Returns: with it the key that says it.
    private static func password(
        _ table: inout SettingsTable, _ readSecret: (String) -> String?, isNeeded: Bool
    ) throws(SettingsError) -> (String, String) {
        let direct = try table.string("password", example: "…")
        let path = try table.string("password_file", example: "/etc/sipcall/trunk.password")
        switch (direct, path) {
        case (let written?, nil): return (written, "password")
        case (nil, let path?):
            guard let read = readSecret(path), !read.isEmpty, read.utf8.count <= 1024 else {
                throw table.error(
                    "password_file", "This file cannot be read or is empty.",
                    "Put the password alone into it, mode 0600.")
            }
            return (read, "password_file")
        case (nil, nil):
            if !isNeeded { return ("", "password") }
            throw table.error("password", "This key is missing.", "Add password = \"…\" or password_file = \"…\".")
        case (.some, .some):
            throw table.error("password", "There are both password and password_file.", "Keep one of them.")
        }
    }

    private static func password(
        _ table: SettingsTable, of name: String, _ passwords: AccountPasswords, isNeeded: Bool
    ) throws(SettingsError) -> String {
        guard case .known(let passwords) = passwords else { return "" }
        guard let password = passwords[name]?.revealed, !password.isEmpty else {
            if !isNeeded { return "" }
            throw table.error(
                "password", "The password is missing.",
                "Enter it. It is asked for again, too, when the server or the user is another.")
        }
        guard password.utf8.count <= 1024,
            !password.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 })
        else {
            throw table.error(
                "password", "This password is too long or holds control characters.",
                "Copy it from the provider's portal.")
        }
        return password
    }
}
