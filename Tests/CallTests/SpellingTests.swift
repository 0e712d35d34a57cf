import Call
import Numbering
import Settings
import Testing

@Suite("Every spelling in which records may have a number")
struct SpellingTests {
    private var german: DiallingRules {
        var rules = DiallingRules(country: Region("DE"))
        rules.areaCode = "30"
        return rules
    }

    @Test(
        "One number has the same spellings whatever way it is written",
        arguments: ["+49 30 123456", "0049 30/123456", "030-123456", "123456"])
    func home(text: String) {
        #expect(german.spellings(of: text) == ["+4930123456", "4930123456", "030123456"])
    }

    @Test("A number abroad has no national spelling, and what no plan knows only its own")
    func others() {
        #expect(german.spellings(of: "+43 1 5123456") == ["+4315123456", "4315123456"])
        #expect(german.spellings(of: "*43") == ["*43"])
        #expect(german.spellings(of: "0") == ["0"])
    }
}
