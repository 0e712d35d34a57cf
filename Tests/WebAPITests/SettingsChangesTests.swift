import Testing

@testable import WebAPI

@Suite("What became of the settings, for the audit log")
struct SettingsChangesTests {
    private let former = """
        [trunk]
        name = "Telnyx"
        password = "first"  # secret
        number = "+4930123467"
        [ledger]
        keep_days = 30
        """

    @Test("Old and new value stand side by side; secrets and numbers do not")
    func changes() {
        let now = """
            # password = "in a comment"
            [trunk]
            name = "Twilio"
            password = "second"
            number = "+4930123489"
            [ledger]
            far_numbers = "none"
            """
        #expect(
            SettingsChanges.between(former, now)
                == "[ledger] far_numbers: none → \"none\"; [ledger] keep_days: 30 → none; "
                + "[trunk] name: \"Telnyx\" → \"Twilio\"; [trunk] number: \"+…67\" → \"+…89\"; [trunk] password: … → …")
    }

    @Test("Comments, blanks and order change nothing; the second provider is not the first")
    func nothing() {
        #expect(SettingsChanges.between(former, "# A note\n" + former.replacing(" = ", with: "=")) == "")
        let two = "[[trunk]]\nuser = \"a\"\n[[trunk]]\nuser = \"b\""
        #expect(
            SettingsChanges.between(two, two.replacing("\"b\"", with: "\"c\"")) == "[[trunk]] (2) user: \"b\" → \"c\"")
    }

    @Test("A file of nonsense is bounded")
    func bounded() {
        let junk = (0..<20_000).map { "k\($0) = \"\(String(repeating: "x", count: 50))\"" }.joined(separator: "\n")
        #expect(SettingsChanges.between("", junk).utf8.count <= 4096)
        #expect(SettingsChanges.between("", "=\n[\n]\n[]\n==\n\u{0} = 1\n") == "")
    }
}
