import Settings
import Testing
import Wire

@Suite("Settings: who is asked for the page's certificate")
struct ACMESettingsTests {
    private func settings(_ text: String) throws -> BoxSettings {
        try BoxSettings(toml: text, file: "sipcall.toml") { _ in nil }
    }

    @Test("Nobody without a table; one name or several, in lower case")
    func names() throws {
        #expect(try settings("").acme == nil)
        let one = try settings("[acme]\nname = \"Phone.Example.org\"\naccept_terms = true\n").acme
        #expect(one?.names == ["phone.example.org"])
        #expect(one?.directory == "https://acme-v02.api.letsencrypt.org/directory" && one?.email == nil)
        let two = try settings(
            "[acme]\nname = [\"a.example.org\", \"b.example.org\"]\naccept_terms = true\nemail = \"me@example.org\"\n"
        ).acme
        #expect(two?.names == ["a.example.org", "b.example.org"] && two?.email == "me@example.org")
    }

    @Test("The lines of a file from Windows are counted as they are")
    func linesOfWindows() throws {
        let error = try #require(throws: SettingsError.self) {
            try settings("# one\r\n[acme]\r\nname = \"box\"\r\naccept_terms = true\r\n")
        }
        #expect(error.key == "acme.name" && error.line == 3)
    }

    @Test(
        "What cannot be is refused with its line",
        arguments: [
            ("accept_terms = true", "acme.name", 1), ("name = \"box\"\naccept_terms = true", "acme.name", 2),
            ("name = \"192.0.2.1 \"\naccept_terms = true", "acme.name", 2),
            ("name = \"--force.example.org\"\naccept_terms = true", "acme.name", 2),
            ("name = \"a.example.org\"", "acme.accept_terms", 1),
            ("name = \"a.example.org\"\naccept_terms = false", "acme.accept_terms", 3),
            ("name = \"a.example.org\"\ndirectory = \"http://a\"\naccept_terms = true", "acme.directory", 3),
            ("name = \"a.example.org\"\nemail = \"-x@example.org\"\naccept_terms = true", "acme.email", 3),
            ("name = \"a.example.org\"\nemail = \"me\"\naccept_terms = true", "acme.email", 3),
            ("name = \"a.example.org\"\naccept_terms = true\nnames = 1", "acme.names", 4),
        ])
    func refused(text: String, key: String, line: Int) throws {
        let error = try #require(throws: SettingsError.self) { try settings("[acme]\n" + text) }
        #expect(error.key == key && error.line == line)
    }
}
