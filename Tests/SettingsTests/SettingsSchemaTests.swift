import Settings
import Testing
import Wire

@Suite("The form of the configuration file")
struct SettingsSchemaTests {
    /// A later version: `[sip] bind` became `listen`, `[voice]` became `[media]`, an account's `secret_file` `password_file`.
    static let later = SettingsSchema(steps: [
        .init(to: 2, changes: [.key(table: "sip", from: "bind", to: "listen")]),
        .init(
            to: 3,
            changes: [
                .table(from: "voice", to: "media"), .key(table: "trunk", from: "secret_file", to: "password_file"),
            ]),
    ])

    static let old = """
        # Mine.

        [sip]   # the port
          bind = "127.0.0.1:5070" # not bind =
        [voice]
        listen = "127.0.0.1:3479"
        ports = "21000-21999"
        [dialling]
        blocked_prefixes = [
          "+4917",
        ]
        [[trunk]]
        server = "sip.example.com"
        user = "100"
        secret_file = "one"
        [[trunk]]
        server = "sip.example.org"
        user = "200"
        secret_file = "two"
        """

    static func read(_ text: String, _ schema: SettingsSchema) throws -> BoxSettings {
        try BoxSettings(toml: text, file: "sipcall.toml", schema: schema) { "password of \($0)" }
    }

    @Test("an older form is read as it is, and its errors name the owner's own lines")
    func readAsItIs() throws {
        let settings = try Self.read(Self.old, Self.later)
        #expect(settings.sip.listen.map(\.port) == [5070])
        #expect(settings.media.listen.port == 3479)
        #expect(settings.trunks.count == 2)
        let wrong = Self.old.replacing("127.0.0.1:3479", with: "nowhere")
        let error = #expect(throws: SettingsError.self) { try Self.read(wrong, Self.later) }
        #expect(error?.line == 6 && error?.key == "media.listen")
        #expect(throws: SettingsError.self, "this version does not know them") {
            try Self.read(Self.old, SettingsSchema())
        }
    }

    @Test("a migrated file says its form, keeps every other line, means the same, and is migrated once")
    func migrated() throws {
        let text = try #require(try Self.later.migrated(Self.old, file: "sipcall.toml"))
        #expect(try Self.read(text, Self.later) == Self.read(Self.old, Self.later))
        #expect(
            text.hasPrefix(
                "# Mine.\n\n# The form of this file, for the version that reads it.\nschema = 3\n\n[sip]   # the port\n"
            ))
        #expect(text.contains("  listen = \"127.0.0.1:5070\" # not bind =\n[media]\n"))
        #expect(try Self.later.migrated(text, file: "sipcall.toml") == nil)
        // From a form between: only what came after it.
        let half = "schema = 2 # by hand\n[sip]\nlisten = \"127.0.0.1:5070\"\n[voice]\n"
        let whole = try #require(try Self.later.migrated(half, file: "sipcall.toml"))
        #expect(whole == "schema = 3\n[sip]\nlisten = \"127.0.0.1:5070\"\n[media]\n")
    }

    @Test(
        "wherever the form is said, it stays above the first table",
        arguments: ["", "[sip]\n", "# a\n# b\n[sip]\n", "\n\n[sip]", "# only a comment", "[sip]\n\n[media]\n"])
    func place(text: String) throws {
        let migrated = try #require(try Self.later.migrated(text, file: "sipcall.toml"))
        #expect(try Self.later.migrated(migrated, file: "sipcall.toml") == nil, "found again")
        _ = try Self.read(migrated, Self.later)
    }

    @Test("a newer form is refused with the way out, and no number is none")
    func refused() throws {
        let newer = #expect(throws: SettingsError.self) { try Self.read("# x\nschema = 4\n[sip]\n", Self.later) }
        #expect(newer?.code == "settings.newer" && newer?.line == 2)
        #expect(newer?.remedy.contains("sipcall.toml.before-schema-4") == true)
        for text in ["schema = 0", "schema = \"2\"", "schema = ", "schema = 99999999999999999999"] {
            let error = #expect(throws: SettingsError.self) { try Self.read(text, Self.later) }
            #expect(error?.code == "settings.invalid" && error?.key == "schema", "\(text)")
        }
        _ = try Self.read("schema = 1\n", SettingsSchema())
        #expect(throws: SettingsError.self, "in a table it is that table's key") {
            try Self.read("[sip]\nschema = 1\n", SettingsSchema())
        }
    }

    @Test("text of several lines is no key and no table")
    func severalLines() throws {
        let text = "[sip]\nnote = \"\"\"\n[voice]\nbind = 1\n\"\"\"\nbind = 2\n"
        #expect(
            try Self.later.renamed(text, file: "x") == "[sip]\nnote = \"\"\"\n[voice]\nbind = 1\n\"\"\"\nlisten = 2\n")
    }
}
