import Numbering
import Testing

@Suite("Numbers on a box that was not told its country")
struct AnywhereTests {
    @Test(
        "a number with its country code is read, whoever wrote it how",
        arguments: [
            ("+49 (0)30 123456", "+4930123456"), ("0049 30 123456", "+4930123456"), ("tel:+4930123456", "+4930123456"),
            ("112", "112"), ("urn:service:sos", "112"), ("*21*030123#", "*21*030123#"), ("100", "100"),
            ("00 1 212 555 0100", "+12125550100"),
        ])
    func read(text: String, dialled: String) throws {
        #expect(try DialledNumber(withoutCountry: text).text == dialled)
    }

    @Test("what may be a number of any country is no number here")
    func unreadable() {
        for text in ["030 123456", "212 555 0100", "1234567"] {
            #expect(throws: NumberRefusal.needsCountry) { try DialledNumber(withoutCountry: text) }
        }
        for text in ["", "+", "1", "alice", "+999 1234567", "+49", String(repeating: "1", count: 33)] {
            #expect(throws: NumberRefusal.self) { try DialledNumber(withoutCountry: text) }
        }
    }

    @Test("kinds: emergency, short, code")
    func kinds() throws {
        #expect(try DialledNumber(withoutCountry: "911").isEmergency)
        #expect(try DialledNumber(withoutCountry: "100") == .short("100", isFree: false))
        #expect(try DialledNumber(withoutCountry: "*43") == .service("*43"))
        #expect(DialledNumber(ofProvider: "1 00") == .short("100", isFree: false))
        for text in ["1", "1234567", "+49", "*43", "ab"] { #expect(DialledNumber(ofProvider: text) == nil) }
    }

    @Test("every region has a number of its own, and the world is none of them")
    func regions() {
        #expect(Region.all.count > 200)
        #expect(!Region.all.contains(.world))
    }
}
