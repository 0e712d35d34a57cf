import Foundation
import Settings
import Testing
import Wire

@Suite("The accounts with providers in the configuration file")
struct TrunkSettingsTests {
    private static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "rootfs/usr/share/sipcall/presets")

    private static var shelf: PresetShelf {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return PresetShelf(names: files.map { String($0.dropLast(5)) }) { name in
            let file = name.contains("/") ? URL(filePath: name) : folder.appending(path: "\(name).toml")
            return (try? String(contentsOf: file, encoding: .utf8)).map { (file.path, $0) }
        }
    }

    private func load(_ text: String) throws(SettingsError) -> [TrunkSettings] {
        try BoxSettings(toml: text, file: "sipcall.toml", presets: Self.shelf) { $0 == "secret" ? "from-file" : nil }
            .trunks
    }

    private static let account = "user = \"a\"\npassword = \"b\"\n"

    @Test("Several accounts stand in the order of their priority, then of the file, each with its own password")
    func several() throws {
        let trunks = try load(
            """
            [[trunk]]
            name = "Third"
            server = "c.example.net"
            priority = 9
            user = "c"
            password = "3"
            [sip]
            listen = "0.0.0.0:5060"
            [[trunk]]
            server = "a.example.net"
            user = "a"
            password_file = "secret"
            [[trunk]]
            name = "Second"
            server = "192.0.2.1:5080"
            transport = "tcp"
            register = false
            number = "+493012345678"
            """)
        #expect(trunks.map(\.name) == ["a.example.net", "Second", "Third"])
        #expect(trunks.map(\.password.revealed) == ["from-file", "", "3"])
        #expect(trunks.map(\.registers) == [true, false, true])
        #expect(trunks.map(\.port) == [nil, 5080, nil])
        #expect(trunks.map(\.transports) == [[.udp, .tcp, .tls], [.tcp], [.udp, .tcp, .tls]])
        #expect(trunks[1].user == "+493012345678")
    }

    @Test("A preset fills what the file does not say, and nothing else")
    func presets() throws {
        let telnyx = try #require(try load("[trunk]\npreset = \"telnyx\"\n" + Self.account).first)
        #expect(telnyx.name == "Telnyx" && telnyx.server == "sip.telnyx.com" && telnyx.port == nil)
        #expect(telnyx.identity == .preferredIdentity && telnyx.numberFormat == .plusE164)
        #expect(telnyx.registers && telnyx.expires == 300 && telnyx.optionsInterval == 60)
        let mine = try load(
            "[trunk]\npreset = \"telnyx\"\nserver = \"sip.telnyx.eu\"\ntransport = \"tls\"\nidentity = \"from\"\n"
                + "name = \"Mine\"\nexpires = 90\n" + Self.account)
        #expect(mine.first?.server == "sip.telnyx.eu" && mine.first?.transports == [.tls])
        #expect(mine.first?.identity == .from && mine.first?.name == "Mine" && mine.first?.expires == 90)
        let voip = try load("[trunk]\npreset = \"voip-ms\"\nserver = \"berlin1.voip.ms\"\n" + Self.account)
        #expect(voip.first?.transports == [.udp, .tls] && voip.first?.codecs == ["pcmu"])
        #expect(voip.first?.identity == .remotePartyID && voip.first?.numberFormat == .nationalOrIDD)
        let twilio = try load(
            "[trunk]\npreset = \"twilio\"\nserver = \"me.pstn.twilio.com\"\nnumber = \"+15005550006\"")
        #expect(twilio.first?.registers == false && twilio.first?.name == "Twilio Elastic SIP")
        let flex = try load(
            "[trunk]\npreset = \"telekom-companyflex\"\nserver = \"1.primary.companyflex.de\"\n" + Self.account)
        #expect(flex.first?.domain == "tel.t-online.de" && flex.first?.realms == ["tel.t-online.de"])
        #expect(twilio.first?.realms == ["sip.twilio.com"] && twilio.first?.domain == nil)
        #expect(twilio.first?.networks.contains { $0.contains(.ipv4(0xb147_cec3)) } == true)
        #expect(flex.first?.transports == [.tls, .tcp])
    }

    @Test(
        "The backup server has the account's own part of the server's name; the preset's pace holds unless the file says another"
    )
    func backup() throws {
        let flex = "[trunk]\npreset = \"telekom-companyflex\"\n" + Self.account
        #expect(
            try load(flex + "server = \"551.primary.companyflex.de\"").first?.backupServer
                == "551.secondary.companyflex.de")
        for other in [".primary.companyflex.de", "sip.example.net", "primary.companyflex.de"] {
            #expect(try load(flex + "server = \"\(other)\"").first?.backupServer == nil)
        }
        let own = flex + "server = \"551.primary.companyflex.de\"\nbackup_server = \"b.example\""
        #expect(try load(own).first?.backupServer == "b.example")
        let plivo = "[trunk]\npreset = \"plivo\"\nserver = \"1.zt.plivo.com\"\nnumber = \"+1\"\n"
        #expect(try load(plivo).first?.callsPerSecond == 2)
        #expect(try load(plivo + "calls_per_second = 5").first?.callsPerSecond == 5)
    }

    @Test("Credentials, domain, realms and networks may be others than the server's")
    func apart() throws {
        let trunk = try load(
            """
            [trunk]
            preset = "twilio"
            server = "proxy.example.net"
            domain = "example.net"
            auth_user = "100@example.net"
            realm = ["a.example", "b.example"]
            networks = ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]
            user = "100"
            """
        ).first
        #expect(trunk?.server == "proxy.example.net" && trunk?.domain == "example.net")
        #expect(trunk?.authUser == "100@example.net" && trunk?.user == "100")
        #expect(trunk?.realms == ["a.example", "b.example"])
        #expect(trunk?.networks.map(\.description) == ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"])
        let plain = try load("[trunk]\nserver = \"a\"\nrealm = \"r\"\n" + Self.account).first
        #expect(plain?.realms == ["r"] && plain?.domain == nil && plain?.authUser == nil && plain?.networks == [])
    }

    @Test(
        "A value that cannot be used names its line, also in the second table, and the way out",
        arguments: [
            ("[trunk]\npreset = \"telnix\"\n" + account, 2, "trunk.preset", "generic-address, generic-registration"),
            ("[trunk]\npreset = \"./none.toml\"\n" + account, 2, "trunk.preset", "Known here"),
            ("[trunk]\npreset = \"twilio\"\nnumber = \"+1\"", 1, "trunk.server", "NAME.pstn.twilio.com"),
            (
                "[trunk]\npreset = \"voip-ms\"\nserver = \"x.voip.ms\"\nuser = \"1\"\npassword = \"a#\"", 5,
                "trunk.password", "portal"
            ),
            (
                "[[trunk]]\nserver = \"a\"\n\(account)[[trunk]]\nserver = \"b\"\nuser = \"x\"", 5,
                "trunk.password", "password_file"
            ),
            (
                "[[trunk]]\nserver = \"a\"\n\(account)[[trunk]]\n\nserver = \"a\"\n\(account)", 5,
                "trunk.name", "of its own"
            ),
            (
                "[[trunk]]\nserver = \"a\"\n\(account)[[trunk]]\nserver = \"b\"\nexpires = 1\n\(account)", 7,
                "trunk.expires", "quotes"
            ),
            ("[trunk]\nserver = \"a\"\npriority = 0\n\(account)", 3, "trunk.priority", "quotes"),
            ("[trunk]\nserver = \"a\"\nregister = \"no\"\n\(account)", 3, "trunk.register", "quotes"),
            (
                "[trunk]\nserver = \"a\"\noptions_interval = 9\n\(account)", 3, "trunk.options_interval", "0 for never"
            ),
            ("[trunk]\nserver = \"a\"\nregister = false", 1, "trunk.user", "number"),
            ("[trunk]\nserver = \"a\"\nidentity = \"magic\"\n\(account)", 3, "trunk.identity", "remote-party-id"),
            ("[trunk]\nserver = \"a\"\nnumber_format = \"x\"\n\(account)", 3, "trunk.number_format", "plus-e164"),
            ("[trunk]\nserver = \"a:0\"\n\(account)", 2, "trunk.server", "example"),
            ("[trunk]\nserver = \"a:b:c\"\n\(account)", 2, "trunk.server", "example"),
            ("[trunk]\nserver = \"a\"\ndomain = \"a:5060\"\n\(account)", 3, "trunk.domain", "without a port"),
            ("[trunk]\nserver = \"a\"\nauth_user = \"<a>\"\n\(account)", 3, "trunk.auth_user", "portal"),
            ("[trunk]\nserver = \"a\"\nrealm = []\n\(account)", 3, "trunk.realm", "example"),
            ("[trunk]\nserver = \"a\"\nrealm = 7\n\(account)", 3, "trunk.realm", "example"),
            ("[trunk]\nserver = \"a\"\nnetworks = [\"b\"]\n\(account)", 3, "trunk.networks", "192.0.2.0/24"),
            ("[trunk]\nserver = \"a\"\nnetworks = [\"1.2.3.4/33\"]\n\(account)", 3, "trunk.networks", "192.0.2.0"),
            ("[trunk]\nserver = \"a\"\nnetworks = [\"0.0.0.0/0\"]\n\(account)", 3, "trunk.networks", "documents"),
            ("[trunk]\nserver = \"a\"\nbackup_server = \"b:5060\"\n\(account)", 3, "trunk.backup_server", "port"),
            ("[trunk]\nserver = \"a\"\ncalls_per_second = 0\n\(account)", 3, "trunk.calls_per_second", "quotes"),
            ("[trunk]\nserver = \"a\"\nnetworks = [\"10.0.0.0/12\"]\n\(account)", 3, "trunk.networks", "/13"),
            ("[trunk]\nserver = \"a\"\nnetworks = [\"2001::/28\"]\n\(account)", 3, "trunk.networks", "/29"),
            ("trunk = [1]", 1, "trunk", "[[trunk]]"),
        ] as [(String, Int, String, String)])
    func wrong(text: String, line: Int, key: String, remedy: String) {
        let error = #expect(throws: SettingsError.self) { try load(text) }
        #expect(error?.line == line)
        #expect(error?.key == key)
        #expect(error?.remedy.contains(remedy) == true, "\(error?.remedy ?? "")")
        #expect(error?.description.contains("a#") == false)
    }

    @Test("More tables than anybody has are refused")
    func tooMany() {
        let text = (0..<17).map { "[[trunk]]\nserver = \"s\($0)\"\n" + Self.account }.joined()
        #expect(throws: SettingsError.self) { try load(text) }
    }
}
