import Call
import Numbering
import Settings
import Testing
import Wire

@Suite("Dialling policy")
struct DiallingPolicyTests {
    private let alice = CallOwner("alice")
    private let bob = CallOwner("bob")
    private let rules: DiallingRules
    private var generator = SeededGenerator(seed: 3)
    private var policy = DiallingPolicy()

    init() throws {
        let home: Region = try #require(Region("DE"))
        rules = DiallingRules(country: home)
    }

    private func at(_ seconds: Int) -> MonotonicTime { .zero + .seconds(seconds) }

    private mutating func decide(
        _ text: String, by owner: CallOwner? = nil, rules other: DiallingRules? = nil, at seconds: Int = 0
    ) throws -> (decision: DiallingPolicy.Decision, call: CallIdentifier) {
        let rules = other ?? rules
        let call = CallIdentifier(using: &generator)
        let number = try rules.number(text)
        return (policy.decide(number, by: owner ?? alice, as: call, rules: rules, now: at(seconds)), call)
    }

    @Test(
        "by default only the home country is dialled, and nothing whose price others set",
        arguments: [
            ("030 1234567", .allow), ("0151 23456789", .allow), ("0800 1234567", .allow), ("116117", .allow),
            ("+800 12345678", .allow), ("112", .allow), ("110", .allow), ("+43 1 5134555", .refuse(.country)),
            ("+1 809 234 5678", .refuse(.country)), ("0900 1234567", .refuse(.premium)),
            ("0180 5123456", .refuse(.premium)), ("0137 7123456", .refuse(.premium)),
            ("0700 12345678", .refuse(.premium)),
            ("+1 900 234 5678", .refuse(.premium)), ("+979 123456789", .refuse(.premium)),
            ("+881 612345678", .refuse(.satellite)), ("+882 13000000", .refuse(.satellite)),
            ("11833", .refuse(.shortNumber)), ("*21*0301234567#", .refuse(.providerCode)),
        ] as [(String, DiallingPolicy.Decision)])
    mutating func defaults(text: String, expected: DiallingPolicy.Decision) throws {
        #expect(try decide(text).decision == expected)
    }

    @Test("what the owner allows is dialled, what the owner blocks is not")
    mutating func allowed() throws {
        var rules = rules
        rules.countries = [try #require(Region("AT")), try #require(Region("US"))]
        rules.allowsSatellite = true
        rules.allowsShortNumbers = true
        rules.allowsProviderCodes = true
        rules.blockedPrefixes = ["4989", ""]
        rules.callsAtOncePerUser = 100
        rules.callsAtOnce = 100
        rules.newCallsPerMinutePerUser = 100
        rules.newCallsPerMinute = 100
        for text in ["+43 1 5134555", "+1 212 555 0100", "+881 612345678", "11833", "*21*0301234567#"] {
            #expect(try decide(text, rules: rules).decision == .allow, "\(text)")
        }
        #expect(try decide("089 1234567", rules: rules).decision == .refuse(.blockedPrefix))
        #expect(try decide("+1 416 555 0100", rules: rules).decision == .refuse(.country))
        #expect(try decide("+43 900 123456", rules: rules).decision == .refuse(.premium))
        rules.allowsPremium = true
        #expect(try decide("+43 900 123456", rules: rules).decision == .allow)
        #expect(try decide("+44 909 8790000", rules: rules).decision == .refuse(.country))
    }

    @Test("calls at once are capped per user and for the box, and freed when they end")
    mutating func running() throws {
        var rules = rules
        rules.callsAtOnce = 3
        let first = try decide("030 1234567", rules: rules)
        #expect(try decide("030 1234567", rules: rules).decision == .allow)
        #expect(try decide("030 1234567", rules: rules).decision == .refuse(.userBusy))
        #expect(try decide("030 1234567", by: bob, rules: rules).decision == .allow)
        #expect(try decide("030 1234567", by: bob, rules: rules).decision == .refuse(.boxBusy))
        #expect(policy.runningCount == 3)
        policy.ended(first.call)
        #expect(try decide("030 1234567", rules: rules).decision == .allow)
    }

    @Test("new calls a minute are capped over a sliding window; refused ones do not count")
    mutating func rate() throws {
        var rules = rules
        rules.newCallsPerMinutePerUser = 2
        rules.newCallsPerMinute = 3
        for second in [0, 30] { policy.ended(try decide("030 1234567", rules: rules, at: second).call) }
        for second in 31..<60 {
            #expect(try decide("030 1234567", rules: rules, at: second).decision == .refuse(.userTooFast))
        }
        policy.ended(try decide("030 1234567", by: bob, rules: rules, at: 59).call)
        #expect(try decide("030 1234567", by: bob, rules: rules, at: 59).decision == .refuse(.boxTooFast))
        let later = try decide("030 1234567", rules: rules, at: 60)
        #expect(later.decision == .allow)
        policy.ended(later.call)
        #expect(try decide("030 1234567", rules: rules, at: 61).decision == .refuse(.userTooFast))
    }

    @Test("an emergency call is never refused and never counted")
    mutating func emergency() throws {
        var rules = rules
        rules.callsAtOnce = 0
        rules.callsAtOncePerUser = 0
        rules.newCallsPerMinute = 0
        rules.blockedPrefixes = ["1"]
        for _ in 0..<50 { #expect(try decide("112", rules: rules).decision == .allow) }
        #expect(policy.runningCount == 0)
        #expect(try decide("030 1234567", rules: rules).decision == .refuse(.userBusy))
    }

    @Test("a box without a country calls only what is listed, and emergency numbers")
    mutating func nowhere() throws {
        var rules = DiallingRules(country: nil)
        #expect(try decide("+49 30 1234567", rules: rules).decision == .refuse(.country))
        #expect(try decide("100", rules: rules).decision == .refuse(.shortNumber))
        #expect(throws: DiallingRefusal.countryUnset) { try rules.number("030 1234567") }
        for emergency in ["112", "911", "999", "000"] {
            #expect(try decide(emergency, rules: rules).decision == .allow)
        }
        rules.countries = [try #require(Region("DE"))]
        #expect(try decide("0049 30 1234567", rules: rules).decision == .allow)
        #expect(try decide("+43 1 5134555", rules: rules).decision == .refuse(.country))
        #expect(try decide("+49 900 1234567", rules: rules).decision == .refuse(.premium))
    }

    @Test("a transfer is decided as the owner of the call")
    mutating func transfer() throws {
        let inbound = CallIdentifier(using: &generator)
        let leg = CallIdentifier(using: &generator)
        let home = try rules.number("030 1234567")
        let abroad = try rules.number("+43 1 5134555")
        #expect(
            policy.decide(transferOf: inbound, to: home, as: leg, rules: rules, now: .zero) == .refuse(.nobodysCall))
        policy.answered(inbound, by: alice)
        #expect(policy.runningCount == 0)
        #expect(policy.decide(transferOf: inbound, to: abroad, as: leg, rules: rules, now: .zero) == .refuse(.country))
        #expect(policy.decide(transferOf: inbound, to: home, as: leg, rules: rules, now: .zero) == .allow)
        #expect(try decide("030 1234567").decision == .allow)
        #expect(try decide("030 1234567").decision == .refuse(.userBusy))
        policy.ended(inbound)
        #expect(
            policy.decide(transferOf: inbound, to: home, as: leg, rules: rules, now: .zero) == .refuse(.nobodysCall))
    }

    @Test("state stays bounded over a day of calls, and every refusal names its rule")
    mutating func bounded() throws {
        for second in 0..<20_000 { policy.ended(try decide("030 1234567", at: second).call) }
        var text = ""
        dump(policy, to: &text)
        #expect(text.utf8.count < 20_000)
        let problems = DiallingRefusal.allCases.map(\.problem)
        #expect(Set(problems.map(\.code)).count == problems.count)
        #expect(problems.allSatisfy { $0.code.hasPrefix("dial.") && $0.sentence.hasSuffix(".") && !$0.remedy.isEmpty })
    }

    @Test(
        "what names no number is refused by its own rule",
        arguments: [
            ("alice", .notANumber), ("+49 3", .wrongLength), ("030 1234567 ext 1", .hasExtension),
            ("1234567", .needsAreaCode), ("+999 1234567", .unknownCountryCode),
        ] as [(String, DiallingRefusal)])
    func unreadable(text: String, refusal: DiallingRefusal) {
        #expect(throws: refusal) { try rules.number(text) }
    }
}
