import Foundation
import Settings
import Testing
import Wire

@Suite("What is chosen in the page")
struct ChosenSettingsTests {
    private static let preset = """
        [provider]
        name = "Example"
        authentication = ["registration"]
        [connection]
        servers = ["sip.example.net"]
        [calls]
        password_excludes = "#"
        [sources]
        authentication = "example.net, 2026-11"
        servers = "example.net, 2026-11"
        password_excludes = "example.net, 2026-11"
        """
    private let shelf = PresetShelf(names: ["example"]) { $0 == "example" ? ("example.toml", Self.preset) : nil }

    private func chosen(_ tables: [SettingsSection: [ChosenSettings.Table]]) -> ChosenSettings {
        var chosen = ChosenSettings()
        (chosen.revision, chosen.tables) = (7, tables)
        return chosen
    }

    private let account: ChosenSettings.Table = [
        "name": .text("Main"), "preset": .text("example"), "user": .text("100"),
    ]

    private func error(
        _ tables: [SettingsSection: [ChosenSettings.Table]], _ passwords: AccountPasswords = .elsewhere
    ) -> Problem? {
        let chosen = chosen(tables)
        do throws(SettingsError) {
            _ = try chosen.settings(file: "settings.toml", presets: shelf, passwords: passwords)
            return nil
        } catch {
            return chosen.problem(of: error)
        }
    }

    @Test("Its text is read as it was written, whatever stands in it")
    func text() throws {
        let odd = "a\"b\\c\n[trunk]\u{2028}'''\u{7f}ü"
        let chosen = chosen([
            .dialling: [["country": .text("DE"), "countries": .texts(["AT", odd]), "calls_at_once": .integer(-3)]],
            .forwarding: [["number": .text(odd), "a b\n": .flag(true)]],
            .trunks: [account, ["name": .text("Second")]], .media: [[:]],
        ])
        let read = try ChosenSettings(toml: chosen.toml, file: "settings.toml")
        #expect(read == chosen)
        #expect(read.toml == chosen.toml)
        #expect(read.revision == 7)
    }

    @Test("The number of a change is one that can still grow", arguments: [0, 1, (1 << 53) - 1, 1 << 53, Int.max, -1])
    func revisions(revision: Int) throws {
        var chosen = ChosenSettings()
        chosen.revision = revision
        let read = try? ChosenSettings(toml: chosen.toml, file: "settings.toml")
        #expect(read?.revision == (0..<(1 << 53) ~= revision ? revision : nil))
        #expect((try? ChosenSettings(toml: "revision = \"1\"", file: "settings.toml")) == nil)
    }

    @Test(
        "A text that is nothing of the kind names its line",
        arguments: [
            ("schema = 1\n[sip]\nlisten = \"0.0.0.0:5060\"\n", "settings.toml:2: sip: "),
            ("[dialling\n", "settings.toml:1: "), ("\n[[dialling]]\n[[dialling]]\n", "settings.toml:2: dialling: "),
            ("dialling = 3", "settings.toml:1: dialling: "), ("schema = 2\n", "settings.toml:1: schema: "),
            (String(repeating: "#", count: 70_000), "settings.toml: "), ("a\0", "settings.toml: "),
        ])
    func noText(text: String, place: String) {
        let error = #expect(throws: SettingsError.self) { try ChosenSettings(toml: text, file: "settings.toml") }
        #expect(error?.description.hasPrefix(place) == true, "\(error?.description ?? "")")
    }

    @Test("What the file has a table of stays the file's; the rest is what was chosen")
    func merging() throws {
        let text = """
            [sip]
            listen = "0.0.0.0:5070"
            [media]
            listen = "0.0.0.0:4000"
            [dialling]
            calls_at_once = 3
            """
        let file = try BoxSettings(toml: text, file: "sipcall.toml") { _ in nil }
        let said = try BoxSettings.sections(saidIn: text, file: "sipcall.toml")
        #expect(said == [.dialling: [["calls_at_once": .integer(3)]]])
        let chosen = try chosen([
            .dialling: [["country": .text("DE")]], .media: [["advertise": .texts(["192.0.2.1"])]],
            .trunks: [account], .ledger: [["keep_days": .integer(30)]], .forwarding: [["number": .text("100")]],
        ]).settings(file: "settings.toml", presets: shelf, passwords: .elsewhere)
        let merged = file.completed(by: chosen, except: said.keys)
        #expect(merged.dialling.callsAtOnce == 3 && merged.dialling.country == nil)
        #expect(merged.media.listen.port == 4000 && merged.sip.listen.first?.port == 5070)
        #expect(merged.media.advertise == [NetworkAddress.Host("192.0.2.1")])
        #expect(merged.trunks.map(\.server) == ["sip.example.net"])
        #expect(merged.ledger.days == 30 && merged.forwarding?.number.revealed == "100")
        let advertised = try BoxSettings.sections(saidIn: text + "\n[forwarding]\n", file: "sipcall.toml")
        #expect(Set(advertised.keys) == [.dialling, .forwarding])
        let own = "[media]\nadvertise = [\"198.51.100.1\"]\n[[trunk]]\n[[trunk]]\nname = \"b\""
        #expect(Set(try BoxSettings.sections(saidIn: own, file: "sipcall.toml").keys) == [.media, .trunks])
    }

    @Test("A mistake is named as the page calls the place")
    func places() {
        #expect(error([.dialling: [["country": .text("XX")]]])?.sentence.hasPrefix("dialling.country: ") == true)
        let trunks = [account, account.merging(["name": .text("B"), "server": .text("?")]) { $1 }]
        #expect(error([.dialling: [[:]], .trunks: trunks])?.sentence.hasPrefix("trunks[1].server: ") == true)
        #expect(error([.trunks: [account, account]])?.sentence.hasPrefix("trunks[1].name: ") == true)
        #expect(error([.ledger: [["keep_days": .other]]])?.sentence.hasPrefix("ledger.keep_days: ") == true)
        #expect(
            error([.forwarding: [["number": .text("1"), "a.b": .flag(true)]]])?.sentence.hasPrefix("forwarding.a.b")
                == true)
    }

    @Test(
        "Files, and what the box needs to start, are not chosen in the page",
        arguments: [
            (SettingsSection.trunks, "password", SettingsValue.text("x")), (.trunks, "password_file", .text("/etc/x")),
            (.trunks, "ca_file", .text("/etc/x")), (.trunks, "preset", .text("/etc/shadow")),
            (.media, "listen", .text("0.0.0.0:1")), (.media, "ports", .text("2000-3000")),
        ])
    func ofTheFile(section: SettingsSection, key: String, value: SettingsValue) {
        let table = section == .trunks ? account : [:]
        let problem = error([section: [table.merging([key: value]) { $1 }]])
        let place = section == .trunks ? "trunks[0]" : "media"
        #expect(problem?.sentence.hasPrefix("\(place).\(key): ") == true, "\(problem?.sentence ?? "none")")
    }

    @Test("An account that signs in needs its password, which follows the provider's rules")
    func passwords() {
        #expect(error([.trunks: [account]], .known([:]))?.sentence.hasPrefix("trunks[0].password: ") == true)
        #expect(error([.trunks: [account]], .known(["Main": Redacted("a#")])) != nil)
        #expect(error([.trunks: [account]], .known(["Main": Redacted("a\nb")])) != nil)
        #expect(error([.trunks: [account]], .known(["Main": Redacted("ab")])) == nil)
        let nameless = account.filter { $0.key != "name" }
        #expect(error([.trunks: [nameless]])?.sentence.hasPrefix("trunks[0].name: ") == true)
        let known = account.merging(["register": .flag(false)]) { $1 }
        #expect(error([.trunks: [known]], .known([:])) == nil)
    }

    @Test("A password goes on to be used where it was given for, and nowhere else")
    func keepingPasswords() throws {
        let former = (chosen([.trunks: [account]]), ["Main": Redacted("secret")])
        func kept(_ change: ChosenSettings.Table, given: [String: Redacted<String>] = [:]) -> [String: String]? {
            let next = chosen([.trunks: [account.merging(change) { $1 }]])
            return try? next.passwords(given: given, former: former, file: "settings.toml", presets: shelf)
                .mapValues(\.revealed)
        }
        #expect(kept([:]) == ["Main": "secret"])
        #expect(kept(["expires": .integer(600), "priority": .integer(2)]) == ["Main": "secret"])
        let thefts: [ChosenSettings.Table] = [
            ["server": .text("sip.example.org")], ["server": .text("sip.example.net:5080")], ["user": .text("101")],
            ["auth_user": .text("x")], ["domain": .text("example.org")], ["backup_server": .text("sip.example.org")],
            ["transport": .text("udp")], ["realm": .text("example.org")], ["name": .text("Other")],
        ]
        for theft in thefts {
            #expect(kept(theft) == nil, "\(theft)")
            let name = theft["name"] == nil ? "Main" : "Other"
            #expect(kept(theft, given: [name: Redacted("new")]) == [name: "new"], "\(theft)")
        }
        // Without registration the account stands, and answers no challenge.
        #expect(kept(["server": .text("sip.example.org"), "register": .flag(false)]) == [:])
        #expect(kept([:], given: ["Main": Redacted("new"), "Stranger": Redacted("x")]) == ["Main": "new"])
        #expect(kept([:], given: ["Main": Redacted("")]) == ["Main": "secret"])
        let nothing = try ChosenSettings().passwords(given: [:], former: former, file: "", presets: shelf)
        #expect(nothing.isEmpty)
    }
}
