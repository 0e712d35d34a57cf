import Testing
import Wire

@testable import Settings

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
        #expect(whole == "schema = 3 # by hand\n[sip]\nlisten = \"127.0.0.1:5070\"\n[media]\n")
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

    @Test(
        "however a file writes its names, it is read, and means the same once it is migrated",
        arguments: [
            "[ sip ]\n\"bind\" = \"127.0.0.1:5070\"\n[ \"voice\" ]\nlisten = \"127.0.0.1:3479\"\n",
            "sip.bind = \"127.0.0.1:5070\"\nvoice . 'listen' = \"127.0.0.1:3479\"\n",
            "sip = { bind = \"127.0.0.1:5070\" }\nvoice = {listen=\"127.0.0.1:3479\"} # {bind = 1}\n",
            "[sip]\r\n  bind=\"127.0.0.1:5070\"\r\n[voice]\r\n'listen' = '127.0.0.1:3479'\r\n",
            "[sip] # [voice]\nbind = '''\n127.0.0.1:5070'''\n[voice]\nlisten = \"\"\"127.0.0.1:3479\"\"\"\n",
            "\"schema\" = 1 # the form\nsip.bind = \"127.0.0.1:5070\"\n[voice]\nlisten = \"127.0.0.1:3479\"\n",
        ])
    func spellings(text: String) throws {
        let settings = try Self.read(text, Self.later)
        #expect(settings.sip.listen.first?.port == 5070 && settings.media.listen.port == 3479)
        let migrated = try #require(try Self.later.migrated(text, file: "sipcall.toml"))
        #expect(try Self.read(migrated, Self.later) == settings)
        #expect(try Self.later.migrated(migrated, file: "sipcall.toml") == nil, "found again")
        #expect(migrated.utf8.count { $0 == 13 } == text.utf8.count { $0 == 13 })
    }

    @Test("the mark of some editors stays at the beginning")
    func mark() throws {
        let migrated = try Self.later.migrated("\u{FEFF}[sip]\r\nbind=1\r\n", file: "sipcall.toml")
        let note = "# The form of this file, for the version that reads it."
        #expect(migrated == "\u{FEFF}\(note)\nschema = 3\n\n[sip]\r\nlisten=1\r\n")
    }

    @Test("accounts in an array of inline tables, over several lines")
    func inlineAccounts() throws {
        let text = """
            trunk = [
              { server = "sip.example.com", user = "100", secret_file = "one" }, # secret_file
              { server = "sip.example.org", user = "200", "secret_file" = "secret_file = x" },
            ]
            """
        let settings = try Self.read(text, Self.later)
        #expect(settings.trunks.count == 2)
        let migrated = try #require(try Self.later.migrated(text, file: "sipcall.toml"))
        #expect(try Self.read(migrated, Self.later) == settings)
        #expect(migrated.contains("# secret_file") && migrated.contains("password_file = \"secret_file = x\""))
    }

    @Test("a newer form is found however it is written")
    func newerSpelling() {
        for text in ["\"schema\" = 9\n", "'schema'=9", "sip = { listen = \"[::]:5060\" }\nschema = 9 # mine"] {
            let error = #expect(throws: SettingsError.self) { try Self.read(text, Self.later) }
            #expect(error?.code == "settings.newer", "\(text)")
        }
    }

    @Test("text that is no TOML ends the search for names, and nothing else")
    func noTOML() {
        let pieces = [
            "[", "]", "{", "}", "\"", "'", "\"\"\"", "'''", "\\", "=", ".", ",", "#", "\n", "a", " ", "\u{FEFF}",
        ]
        var seed: UInt64 = 42
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<12 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(seed >> 33) % pieces.count]
            }
            let bytes = Array(text.utf8)
            for name in TOMLKeys(bytes).names {
                #expect(name.range.upperBound <= bytes.count && (name.value?.upperBound ?? 0) <= bytes.count)
            }
        }
        #expect(TOMLKeys(Array(("a=" + String(repeating: "[", count: 100_000)).utf8)).names.count == 1)
        #expect(TOMLKeys(Array(String(repeating: "a={", count: 100_000).utf8)).names.count <= 65)
    }
}
