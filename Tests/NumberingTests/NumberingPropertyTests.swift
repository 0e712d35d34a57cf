import Testing
import Wire

@testable import Numbering

@Suite("Normalisation as a property")
struct NumberingPropertyTests {
    private static let regions = ["DE", "US", "GB", "IT", "RU", "AU", "FR", "JP", "KR", "HU", "ES", "HK", "AT", "BR"]

    @Test("normalising twice is normalising once, in every country", arguments: regions)
    func idempotent(region: String) throws {
        var generator = SeededGenerator(seed: 7)
        let plan = try plan(region)
        let others = try Self.regions.map { try NumberingTests.plan($0) }
        for _ in 0..<4000 {
            let count = Int.random(in: 1...16, using: &generator)
            let digits = (0..<count).map { _ in String(Int.random(in: 0...9, using: &generator)) }.joined()
            let text =
                ["", "+", "00", plan.trunkPrefix ?? ""].randomElement(using: &generator).map { $0 + digits } ?? ""
            guard case .international(let number)? = try? plan.normalise(text) else { continue }
            for other in others {
                #expect((try? other.normalise(number.e164)) == .international(number), "\(text)")
            }
        }
    }

    @Test("spaces, dashes and brackets change nothing")
    func separators() throws {
        var generator = SeededGenerator(seed: 11)
        let german = try plan("DE")
        let separators = [" ", "-", ".", "/", "\u{a0}", "\u{2011}", "\u{2013}", "\u{202f}", ") ", " ("]
        for example in Example.all where example.kind == .geographic {
            var text = "+"
            for digit in example.digits {
                text.append(digit)
                if Bool.random(using: &generator) { text += separators.randomElement(using: &generator) ?? "" }
            }
            #expect(try german.normalise(text) == german.normalise("+" + example.digits), "\(text)")
        }
    }

    @Test("no text traps, whatever is in it")
    func hostile() throws {
        var generator = SeededGenerator(seed: 13)
        let pieces = [
            "+", "00", "(0)", "(", ")", "tel:", ";ext=", ";phone-context=+", "%2B", "%", "*", "#", "x", "ext",
            "urn:service:sos",
            "0", "1", "49", "\u{0}", "\u{1f468}\u{200d}\u{1f469}", "\u{301}", "\u{ff10}", "\u{1d7d8}", ",", "=",
            "FLOWERS",
        ]
        let plans = try Self.regions.map(plan)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &generator)
            let text = (0..<count).compactMap { _ in pieces.randomElement(using: &generator) }.joined()
            guard let plan = plans.randomElement(using: &generator) else { continue }
            if case .international(let number)? = try? plan.normalise(text, areaCode: "30") {
                #expect((5...15).contains(number.digits.utf8.count))
                #expect(number.digits.utf8.allSatisfy { (0x30...0x39).contains($0) })
            }
        }
    }

    @Test("printing a number shows no digit of it")
    func redacted() throws {
        let number = try #require(TelephoneNumber(digits: "49301234567"))
        #expect(!"\(number) \(DialledNumber.international(number)) \([number])".contains("30"))
        var text = ""
        dump(DialledNumber.short("11833", isFree: false), to: &text)
        #expect(!text.contains("833"))
    }
}
