import Testing

@testable import Numbering

/// One row of the table of examples.
struct Example: Sendable {
    let region: String
    let kind: NumberKind
    let digits: String
    let national: String

    static let all: [Example] = exampleTable.description.split(separator: "\n").compactMap { line in
        let words = line.split(separator: "|")
        guard words.count == 4, let kind = words[1].utf8.first.flatMap(NumberKind.init(letter:)) else { return nil }
        return Example(region: String(words[0]), kind: kind, digits: String(words[2]), national: String(words[3]))
    }
}

@Suite("Kinds and regions of numbers")
struct NumberKindTests {
    @Test(
        "ranges that cost money are known",
        arguments: [
            ("49900 1234567", "DE", .premium), ("49137 7123456", "DE", .premium), ("49180 5123456", "DE", .sharedCost),
            ("49118 33", "DE", .premium), ("49151 12345678", "DE", .mobile), ("4930 1234567", "DE", .geographic),
            ("43900 123456", "AT", .premium), ("41900 123456", "CH", .premium), ("33899 123456", "FR", .premium),
            ("44909 8790000", "GB", .premium), ("44871 2345678", "GB", .premium), ("44845 1234567", "GB", .premium),
            ("4470 12345678", "GB", .personal), ("1900 2345678", "US", .premium), ("1212 9761234", "US", .premium),
            ("1416 9761234", "CA", .premium), ("1809 2345678", "DO", .geographic), ("1829 2345678", "DO", .geographic),
            ("1876 5230123", "JM", .geographic), ("1416 5550100", "CA", .geographic),
            ("1212 5550100", "US", .geographic), ("1800 3569377", "US", .freephone),
            ("7495 1234567", "RU", .geographic),
            ("7701 1234567", "KZ", .mobile), ("441481 256789", "GG", .geographic), ("441534 456789", "JE", .geographic),
            ("441624 756789", "IM", .geographic), ("3906698 12345", "VA", .geographic),
            ("3902 12345678", "IT", .geographic),
            ("870 773111632", "001", .satellite), ("8816 12345678", "001", .satellite),
            ("88213 000000", "001", .internationalNetwork), ("883 510012345", "001", .internationalNetwork),
            ("979 123456789", "001", .premium), ("808 12345678", "001", .sharedCost),
            ("800 12345678", "001", .freephone),
            ("6721 12345", "NF", .geographic),
        ] as [(String, String, NumberKind)])
    func known(digits: String, region: String, kind: NumberKind) throws {
        let number = try #require(TelephoneNumber(digits: digits.filter { $0 != " " }))
        #expect(number.kind == kind)
        #expect(number.region.code == region)
    }

    @Test("every region's own examples have their kind, their region and one value")
    func examples() throws {
        #expect(Example.all.count > 800)
        for example in Example.all {
            let plan = try plan(example.region)
            let number = try #require(TelephoneNumber(digits: example.digits), "\(example)")
            // Chile's 600 is listed as geographic and as shared cost: the dearer one counts.
            if example.digits.hasPrefix("56600") { continue }
            #expect(number.kind.risk == example.kind.risk, "\(example): \(number.kind)")
            let isOrdinary = [.geographic, .mobile].contains(example.kind)
            if isOrdinary { #expect(number.region.code == example.region, "\(example): \(number.region)") }
            #expect((try? plan.normalise("+" + example.digits)) == .international(number), "\(example)")
            // Argentina's mobile numbers carry a 15 inside the country and a 9 outside; they are dialled as +54 9 here.
            if example.region == "AR", example.kind == .mobile { continue }
            if isOrdinary { #expect((try? plan.normalise(example.national)) == .international(number), "\(example)") }
        }
    }

    @Test("no two calling codes begin alike, and every plan has its ranges")
    func tables() {
        let codes = NumberRanges.byCallingCode.keys
        for code in codes { #expect(!codes.contains { $0 != code && $0.hasPrefix(code) }) }
        #expect(NumberingPlan.byRegion.count == 245)
        for plan in NumberingPlan.byRegion.values {
            #expect(NumberRanges.byCallingCode[plan.callingCode[...]] != nil)
            #expect(!plan.exits.isEmpty)
            #expect(!plan.lengths.isEmpty)
        }
    }

    @Test("emergency numbers of the usual countries")
    func emergency() throws {
        let expected = [
            "DE": ["110", "112"], "AT": ["112", "122", "133", "144"], "CH": ["112", "117", "118", "144"],
            "GB": ["112", "999"], "US": ["112", "911"], "FR": ["112", "15", "17", "18"], "AU": ["000", "106", "112"],
            "JP": ["110", "119"],
        ]
        for (region, numbers) in expected { #expect(try plan(region).emergencyNumbers.sorted() == numbers) }
        for plan in NumberingPlan.byRegion.values {
            for number in plan.emergencyNumbers.map({ $0.replacing("?", with: "0") }) {
                #expect((try? plan.normalise(number)) == .emergency(number), "\(plan.region) \(number)")
            }
        }
    }
}
