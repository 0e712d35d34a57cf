import TOMLKit
import Wire

extension BoxSettings {
    /// Decodes the text of a configuration file.
    ///
    /// - Parameters:
    ///   - text: the file's content, at most 256 KiB.
    ///   - file: its name, for errors.
    ///   - presets: what is known of providers, for the trunks that name one.
    ///   - schema: carries the text of an older form over.
    ///   - readSecret: reads the file that `password_file` names.
    /// - Throws: the first value that cannot be used, with its line.
    package init(
        toml text: String, file: String, presets: PresetShelf = PresetShelf(),
        schema: SettingsSchema = SettingsSchema(), readSecret: @escaping (String) -> String?
    ) throws(SettingsError) {
        try self.init(toml: text, file: file, presets: presets, schema: schema, secrets: .files(readSecret))
    }

    init(
        toml text: String, file: String, presets: PresetShelf, schema: SettingsSchema = SettingsSchema(),
        secrets: SecretSource
    ) throws(SettingsError) {
        let (document, lines) = try Self.document(text, file: file, schema: schema, isPage: secrets.isPage)
        self.init()
        sip = try Self.sip(from: SettingsTable(name: "sip", in: document, file: file, lines: lines))
        media = try Self.media(from: SettingsTable(name: "media", in: document, file: file, lines: lines), secrets)
        web = try Self.web(from: SettingsTable(name: "web", in: document, file: file, lines: lines))
        acme = try ACMESettings(from: SettingsTable(name: "acme", in: document, file: file, lines: lines))
        dialling = try DiallingRules(SettingsTable(name: "dialling", in: document, file: file, lines: lines))
        trunks = try TrunkSettings.all(
            in: SettingsTable.all(name: "trunk", in: document, file: file, lines: lines), presets, secrets)
        ledger = try LedgerKeeping(from: SettingsTable(name: "ledger", in: document, file: file, lines: lines))
        forwarding = try ForwardingSettings(
            from: SettingsTable(name: "forwarding", in: document, file: file, lines: lines))
    }

    /// The tables of a configuration file, all of them known ones, and where their keys stand.
    static func document(
        _ text: String, file: String, schema: SettingsSchema, isPage: Bool = false
    ) throws(SettingsError) -> (TOMLTable, KeyLines) {
        guard text.utf8.count <= 262_144, !text.utf8.contains(0) else {
            throw SettingsError(
                file: file, line: 0, key: "", reason: "The file is not a configuration: too large, or binary.",
                remedy: "Restore it, or delete it to start with the defaults.")
        }
        let text = try schema.renamed(text, file: file)
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
        let known = ["acme", "dialling", "forwarding", "ledger", "media", "schema", "sip", "trunk", "web"]
        for key in document.keys.sorted() where !known.contains(key) && !(isPage && key == "revision") {
            throw SettingsError(
                file: file, line: lines.line(of: key), key: key, reason: "This key is unknown.",
                remedy: "Known here: \(known.filter { $0 != "schema" }.map { "[\($0)]" }.joined(separator: ", ")).")
        }
        return (document, lines)
    }

    private static func sip(from source: SettingsTable) throws(SettingsError) -> SIPSettings {
        var table = source
        var sip = SIPSettings()
        if let named = try table.addresses("listen") { (sip.listen, sip.isListenNamed) = (named, true) }
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

    private static func media(
        from source: SettingsTable, _ secrets: SecretSource
    ) throws(SettingsError) -> MediaSettings {
        var table = source
        if secrets.isPage { try table.leaveToTheFile(SettingsSection.media.keysOfTheFile) }
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
}
