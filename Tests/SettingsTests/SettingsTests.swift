import Settings
import Testing
import Wire

@Suite("The configuration file")
struct SettingsTests {
    private func load(_ text: String) throws(SettingsError) -> BoxSettings {
        try BoxSettings(toml: text, file: "sipcall.toml") { $0 == "secret" ? "from-file" : nil }
    }

    @Test("an empty file is a box without a provider")
    func empty() throws {
        #expect(try load("") == BoxSettings())
    }

    @Test("every key is read")
    func full() throws {
        let settings = try load(
            """
            [sip]
            listen = "10.9.0.1:5062"
            [media]
            listen = "[::]:3479"
            advertise = ["10.9.0.1", "2001:db8::1"]
            ports = "30000-30099"
            [web]
            listen = "127.0.0.1:8081"
            www = "/tmp/www"
            [trunk]
            name = "Carrier"
            server = "sip.example.net:5080"
            user = "trunk1"
            password_file = "secret"
            number = "+493012345678"
            expires = 120
            codecs = ["pcma"]
            [forwarding]
            number = "+491701234567"
            when = "absent"
            after = 30
            """)
        #expect(settings.ledger == LedgerKeeping())
        let forwarding = try #require(settings.forwarding)
        #expect(forwarding.number.revealed == "+491701234567")
        #expect(forwarding.occasion == .absent)
        #expect(forwarding.patience == 30)
        #expect(settings.sip.listen == [NetworkAddress(hostAndPort: "10.9.0.1:5062")])
        #expect(settings.media.listen == NetworkAddress(hostAndPort: "[::]:3479"))
        #expect(settings.media.advertise.count == 2)
        #expect(settings.media.ports == 30_000...30_099)
        #expect(settings.web.www == "/tmp/www")
        let trunk = try #require(settings.trunk)
        #expect(trunk.server == "sip.example.net")
        #expect(trunk.port == 5080)
        #expect(trunk.password.revealed == "from-file")
        #expect("\(trunk)".contains("from-file") == false)
        #expect(trunk.expires == 120)
        #expect(trunk.codecs == ["pcma"])
    }

    @Test(
        "SIP is spoken over both families unless the file says otherwise; what stands first is preferred",
        arguments: [
            ("", ["0.0.0.0:5060", "[::]:5060"]),
            ("[sip]\nlisten = \"[::]:5062\"", ["[::]:5062"]),
            ("[sip]\nlisten = [\"[::]:5060\", \"10.9.0.1:5062\"]", ["[::]:5060", "10.9.0.1:5062"]),
        ])
    func listens(text: String, addresses: [String]) throws {
        let settings = try BoxSettings(toml: text, file: "test", readSecret: { _ in nil })
        #expect(settings.sip.listen.map(\.description) == addresses)
    }

    @Test(
        "a value that cannot be used names line, key and remedy",
        arguments: [
            ("[sip]\nlisten = \"nowhere\"", 2, "sip.listen"),
            ("[sip]\nlisten = 5060", 2, "sip.listen"),
            ("[sip]\nlisten = []", 2, "sip.listen"),
            ("[sip]\nlisten = [\"0.0.0.0:5060\", \"127.0.0.1:5061\"]", 2, "sip.listen"),
            ("[sip]\nlisten = [\"0.0.0.0:5060\", \"::\"]", 2, "sip.listen"),
            ("\n[media]\nports = \"9-1\"", 3, "media.ports"),
            ("[media]\nadvertise = [\"example.org\"]", 2, "media.advertise"),
            ("[trunk]\nuser = \"a\"\npassword = \"b\"", 1, "trunk.server"),
            ("[trunk]\nserver = \"a b\"\nuser = \"a\"\npassword = \"b\"", 2, "trunk.server"),
            ("[trunk]\nserver = \"a\"\nuser = \"a\"", 1, "trunk.password"),
            ("[trunk]\nserver = \"a\"\nuser = \"a\"\npassword_file = \"gone\"", 4, "trunk.password_file"),
            ("[trunk]\nserver = \"a\"\nuser = \"a\"\npassword = \"b\"\nexpires = 5", 5, "trunk.expires"),
            ("[trunk]\nserver = \"a\"\nuser = \"a\"\npassword = \"b\"\ncodecs = [\"mp3\"]", 5, "trunk.codecs"),
            ("[web]\nlsten = \"127.0.0.1:1\"", 2, "web.lsten"),
            ("[wab]\nlisten = \"127.0.0.1:1\"", 1, "wab"),
            ("[forwarding]", 1, "forwarding.number"),
            ("[forwarding]\nnumber = \"\"", 2, "forwarding.number"),
            ("[forwarding]\nnumber = \"+491\"\nwhen = \"never\"", 3, "forwarding.when"),
            ("[forwarding]\nnumber = \"+491\"\nafter = 60", 3, "forwarding.after"),
            ("sip = 3", 1, "sip"),
            ("[sip]\nlisten = \"1.2.3.4:5\"\nlisten = = 3", 3, ""),
        ] as [(String, Int, String)])
    func wrong(text: String, line: Int, key: String) {
        let error = #expect(throws: SettingsError.self) { try load(text) }
        #expect(error?.line == line)
        #expect(error?.key == key)
        #expect(error?.remedy.isEmpty == false)
        #expect(error?.description.hasPrefix("sipcall.toml:\(line): ") == true)
    }
}
