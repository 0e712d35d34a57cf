import TOMLKit
import Wire

extension BoxSettings {
    /// Decodes the text of a configuration file.
    ///
    /// - Parameters:
    ///   - text: the file's content, at most 256 KiB.
    ///   - file: its name, for errors.
    ///   - readSecret: reads the file that `password_file` names.
    /// - Throws: the first value that cannot be used, with its line.
    package init(
        toml text: String, file: String, readSecret: (String) -> String?
    ) throws(SettingsError) {
        guard text.utf8.count <= 262_144, !text.utf8.contains(0) else {
            throw SettingsError(
                file: file, line: 0, key: "", reason: "The file is not a configuration: too large, or binary.",
                remedy: "Restore it, or delete it to start with the defaults.")
        }
        let document: TOMLTable
        do {
            document = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            throw SettingsError(
                file: file, line: error.source.begin.line, key: "", reason: "This line is not TOML.",
                remedy: "Write key = \"value\" below a [table] (near column \(error.source.begin.column)).")
        } catch {
            throw SettingsError(file: file, line: 0, key: "", reason: "The file is not TOML.", remedy: "Restore it.")
        }
        let lines = KeyLines(text)
        let known = ["dialling", "forwarding", "media", "sip", "trunk", "web"]
        for key in document.keys.sorted() where !known.contains(key) {
            throw SettingsError(
                file: file, line: lines.line(of: key), key: key, reason: "This key is unknown.",
                remedy: "Known here: \(known.map { "[\($0)]" }.joined(separator: ", ")).")
        }
        self.init()
        sip = try Self.sip(from: SettingsTable(name: "sip", in: document, file: file, lines: lines))
        media = try Self.media(from: SettingsTable(name: "media", in: document, file: file, lines: lines))
        web = try Self.web(from: SettingsTable(name: "web", in: document, file: file, lines: lines))
        dialling = try DiallingSettings(SettingsTable(name: "dialling", in: document, file: file, lines: lines))
        let trunkTable = try SettingsTable(name: "trunk", in: document, file: file, lines: lines)
        trunk = try trunkTable.isPresent ? Self.trunk(from: trunkTable, readSecret: readSecret) : nil
        forwarding = try ForwardingSettings(
            from: SettingsTable(name: "forwarding", in: document, file: file, lines: lines))
    }

    private static func sip(from source: SettingsTable) throws(SettingsError) -> SIPSettings {
        var table = source
        var sip = SIPSettings()
        sip.listen = try table.address("listen", default: sip.listen)
        sip.certificate = try table.string("certificate", example: "/etc/sipcall/sip.pem")
        sip.key = try table.string("key", example: "/etc/sipcall/sip.key")
        guard (sip.certificate == nil) == (sip.key == nil) else {
            throw table.error(
                sip.key == nil ? "certificate" : "key", "A certificate is of no use without its key, nor a key alone.",
                "Name both files, certificate and key, or neither.")
        }
        try table.refuseUnknownKeys()
        return sip
    }

    private static func media(from source: SettingsTable) throws(SettingsError) -> MediaSettings {
        var table = source
        var media = MediaSettings()
        media.listen = try table.address("listen", default: media.listen)
        for text in try table.strings("advertise", example: "[\"203.0.113.7\"]") ?? [] {
            guard let host = NetworkAddress.Host(text), !host.isUnspecified else {
                throw table.error(
                    "advertise", "One of these is not a numeric address.", "For example: advertise = [\"203.0.113.7\"]."
                )
            }
            media.advertise.append(host)
        }
        media.ports = try table.ports("ports") ?? media.ports
        try table.refuseUnknownKeys()
        return media
    }

    private static func web(from source: SettingsTable) throws(SettingsError) -> WebSettings {
        var table = source
        var web = WebSettings()
        web.listen = try table.address("listen", default: web.listen)
        web.www = try table.string("www", example: web.www) ?? web.www
        try table.refuseUnknownKeys()
        return web
    }

    private static func trunk(
        from source: SettingsTable, readSecret: (String) -> String?
    ) throws(SettingsError) -> TrunkSettings {
        var table = source
        let server = try table.required("server", example: "sip.example.net")
        let transport = try transport(&table)
        let (host, port) = try hostAndPort(server, table, transport)
        let user = try table.required("user", example: "100200")
        guard user.utf8.count <= 128, !user.contains(where: { "@<>\" ".contains($0) }) else {
            throw table.error(
                "user", "A SIP user name holds no @, space, quotes or brackets.", "Copy it from the provider's portal.")
        }
        let password = try password(&table, readSecret)
        let number = try table.string("number", example: "+493012345678")
        if let number, !number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "+") }) || number.utf8.count > 32 {
            throw table.error(
                "number", "A number holds digits and at most a + before them.",
                "For example: number = \"+493012345678\".")
        }
        let codecs = try table.strings("codecs", example: "[\"pcmu\", \"pcma\"]") ?? ["pcmu", "pcma"]
        guard !codecs.isEmpty, codecs.allSatisfy(["pcmu", "pcma", "opus"].contains) else {
            throw table.error(
                "codecs", "Known audio formats are pcmu, pcma and opus.", "For example: codecs = [\"pcmu\", \"pcma\"].")
        }
        let trunk = TrunkSettings(
            name: try table.string("name", example: "Telnyx") ?? host, server: host, port: port,
            transport: transport,
            authorityFile: try table.string("ca_file", example: "/etc/sipcall/provider-ca.pem"), user: user,
            password: Redacted(password), number: number.map { Redacted($0) },
            expires: try table.integer("expires", in: 60...7200) ?? 300, codecs: codecs, digits: try digits(&table))
        try table.refuseUnknownKeys()
        return trunk
    }

    private static func transport(_ table: inout SettingsTable) throws(SettingsError) -> TransportProtocol {
        guard let text = try table.string("transport", example: "tls") else { return .udp }
        guard let transport = TransportProtocol(rawValue: text) else {
            throw table.error("transport", "SIP travels over udp, tcp or tls.", "For example: transport = \"tls\".")
        }
        return transport
    }

    private static func digits(_ table: inout SettingsTable) throws(SettingsError) -> TrunkSettings.DigitTransport {
        guard let text = try table.string("digits", example: "telephone-event") else { return .sound }
        guard let digits = TrunkSettings.DigitTransport(rawValue: text) else {
            throw table.error(
                "digits", "Pressed keys travel as telephone-event or by info.",
                "For example: digits = \"telephone-event\".")
        }
        return digits
    }

    private static func hostAndPort(
        _ server: String, _ table: SettingsTable, _ transport: TransportProtocol
    ) throws(SettingsError) -> (String, UInt16) {
        if let address = NetworkAddress(hostAndPort: server) {
            return (address.isIPv6 ? "[\(address.host)]" : "\(address.host)", address.port)
        }
        let parts = server.split(separator: ":", omittingEmptySubsequences: false)
        let isName =
            parts[0].utf8.count <= 253 && !parts[0].isEmpty
            && parts[0].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
        let port = parts.count == 2 ? UInt16(parts[1]) : transport.defaultPort
        guard isName, parts.count <= 2, let port, port > 0 else {
            throw table.error(
                "server", "This is not a host name with an optional port.", "For example: server = \"sip.example.net\"."
            )
        }
        return (String(parts[0]), port)
    }

    private static func password(
        _ table: inout SettingsTable, _ readSecret: (String) -> String?
    ) throws(SettingsError) -> String {
        let direct = try table.string("password", example: "…")
        let path = try table.string("password_file", example: "/etc/sipcall/trunk.password")
        switch (direct, path) {
        case (let password?, nil):
            return password
        case (nil, let path?):
            guard let password = readSecret(path), !password.isEmpty, password.utf8.count <= 1024 else {
                throw table.error(
                    "password_file", "This file cannot be read or is empty.",
                    "Put the password alone into it, mode 0600.")
            }
            return password
        case (nil, nil):
            throw table.error("password", "This key is missing.", "Add password = \"…\" or password_file = \"…\".")
        case (.some, .some):
            throw table.error("password", "There are both password and password_file.", "Keep one of them.")
        }
    }
}
