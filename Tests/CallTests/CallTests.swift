import Call
import Numbering
import Settings
import Testing
import Wire

@Suite("A call as a state machine")
struct CallTests {
    private let near = LegIdentifier(number: 1)
    private let far = LegIdentifier(number: 2)
    private var identifier: CallIdentifier {
        var generator = SeededGenerator(seed: 1)
        return CallIdentifier(using: &generator)
    }
    private func at(_ seconds: Int) -> MonotonicTime { .zero + .seconds(seconds) }

    private func dialled() -> Call {
        let (call, effects) = Call.outbound(identifier, near: near, far: .trunk(far), now: .zero)
        #expect(effects == [.report(.dialling), .connect(near: near, far: far, bothWays: false), .dial(far)])
        return call
    }

    @Test("rings, is answered, and either side may hang up")
    func outbound() {
        var call = dialled()
        #expect(call.farRinging() == [.report(.ringing)])
        #expect(call.farRinging() == [])
        #expect(call.farAnswered(now: at(3)) == [.connect(near: near, far: far, bothWays: true), .report(.active)])
        #expect(call.deadline == nil)
        var other = call
        #expect(call.hangUp() == [.release(near, .hungUpHere), .release(far, .hungUpHere), .ended(.hungUpHere)])
        #expect(other.farEnded(.hungUpThere) == [.release(near, .hungUpThere), .ended(.hungUpThere)])
        #expect(call.hangUp() == [])
        #expect(other.farEnded(.busy) == [])
    }

    @Test("sound before the answer is early media, and a later ringing does not undo it")
    func early() {
        var call = dialled()
        #expect(call.farHeard() == [.report(.early)])
        #expect(call.farProgressed() == [])
        #expect(call.farRinging() == [])
        #expect(call.publicState == .early)
    }

    @Test("announced sound that does not come leaves the ringing here, until it comes")
    func announced() {
        var call = dialled()
        #expect(call.farProgressed() == [.report(.ringing)])
        #expect(call.publicState == .ringing)
        #expect(call.farHeard() == [.report(.early)])
        #expect(call.farHeard() == [])
        _ = call.farAnswered(now: at(3))
        #expect(call.farHeard() == [])
    }

    @Test("nobody answers for 60 seconds")
    func noAnswer() {
        var call = dialled()
        _ = call.farRinging()
        #expect(call.advance(to: at(59)) == [])
        #expect(call.advance(to: at(60)) == [.release(near, .noAnswer), .release(far, .noAnswer), .ended(.noAnswer)])
    }

    @Test("a silent provider is mentioned once it is late, not after it replied")
    func silence() {
        var call = dialled()
        #expect(call.farSilent() == [.notice(Call.noReplyYet)])
        _ = call.farRinging()
        #expect(call.farSilent() == [])
    }

    @Test("a service answers at once")
    func service() {
        let (call, effects) = Call.outbound(identifier, near: near, far: .service(.echo), now: .zero)
        #expect(effects == [.report(.dialling), .startService(.echo, on: near), .report(.active)])
        #expect(call.publicState == .active)
    }

    @Test("of two ringing browsers the first to answer has the call")
    func inbound() {
        var (call, effects) = Call.inbound(identifier, far: far, now: .zero)
        let other = LegIdentifier(number: 3)
        #expect(effects == [.ring(far), .report(.ringing)])
        #expect(call.nearJoined(near) == [])
        #expect(call.nearJoined(other) == [])
        #expect(
            call.nearAnswered(other, now: at(2)) == [
                .connect(near: other, far: far, bothWays: true), .accept(far), .release(near, .answeredElsewhere),
                .report(.active),
            ])
        #expect(call.nearAnswered(near, now: at(2)) == [])
    }

    @Test("a ringing browser that goes away does not end the call, an answered one does")
    func browserGone() {
        var (call, _) = Call.inbound(identifier, far: far, now: .zero)
        let other = LegIdentifier(number: 3)
        _ = call.nearJoined(near)
        _ = call.nearJoined(other)
        #expect(call.nearEnded(near, .browserGone) == [.release(near, .browserGone)])
        _ = call.nearAnswered(other, now: at(1))
        #expect(
            call.nearEnded(other, .browserGone)
                == [.release(other, .browserGone), .release(far, .browserGone), .ended(.browserGone)])
    }

    @Test("declining an inbound call says so to the caller")
    func decline() {
        var (call, _) = Call.inbound(identifier, far: far, now: .zero)
        #expect(call.hangUp() == [.release(far, .declined), .ended(.declined)])
    }

    @Test("a call asked for at the terminal rings here first and dials when somebody picks up")
    func summoned() {
        var (call, effects) = Call.summoned(identifier, far: .trunk(far), now: .zero)
        let other = LegIdentifier(number: 3)
        #expect(effects == [.report(.summoning)])
        #expect(call.publicState == .summoning)
        _ = call.nearJoined(near)
        _ = call.nearJoined(other)
        // Nothing of the far side can happen before it was dialled.
        #expect(call.farRinging() == [] && call.farProgressed() == [] && call.farSilent() == [])
        #expect(call.farAnswered(now: at(1)) == [])
        #expect(
            call.nearAnswered(other, now: at(50)) == [
                .release(near, .answeredElsewhere), .report(.dialling),
                .connect(near: other, far: far, bothWays: false),
                .dial(far),
            ])
        #expect(call.nearAnswered(other, now: at(50)) == [])
        #expect(call.farRinging() == [.report(.ringing)])
        // The time to answer there begins when it is dialled.
        #expect(call.advance(to: at(109)) == [])
        #expect(call.farAnswered(now: at(109)) == [.connect(near: other, far: far, bothWays: true), .report(.active)])
        #expect(
            call.nearEnded(other, .browserGone)
                == [.release(other, .browserGone), .release(far, .browserGone), .ended(.browserGone)])
    }

    @Test("a summoned service begins when somebody picks up")
    func summonedService() {
        var (call, _) = Call.summoned(identifier, far: .service(.echo), now: .zero)
        _ = call.nearJoined(near)
        #expect(
            call.nearAnswered(near, now: at(1))
                == [.report(.dialling), .startService(.echo, on: near), .report(.active)])
        #expect(call.hangUp() == [.release(near, .hungUpHere), .ended(.hungUpHere)])
    }

    @Test("a summons that nobody takes ends after 60 seconds, declined or given up at once")
    func summonsEnds() {
        let (call, _) = Call.summoned(identifier, far: .trunk(far), now: .zero)
        var (late, declined, givenUp, left) = (call, call, call, call)
        #expect(late.advance(to: at(60)) == [.release(far, .noAnswer), .ended(.noAnswer)])
        #expect(declined.hangUp() == [.release(far, .declined), .ended(.declined)])
        #expect(givenUp.terminate(.hungUpHere) == [.release(far, .hungUpHere), .ended(.hungUpHere)])
        _ = left.nearJoined(near)
        #expect(left.nearEnded(near, .mediaFailed) == [.release(near, .mediaFailed)])
        #expect(left.publicState == .summoning)
    }

    @Test("every end reason has a sentence, and each code stands once")
    func reasons() {
        #expect(Set(EndReason.allCases.map(\.rawValue)).count == EndReason.allCases.count)
        for reason in EndReason.allCases {
            #expect(reason.sentence.hasSuffix("."))
        }
    }
}

@Suite("What a dialled text means")
struct DestinationTests {
    @Test("the box's own services are told from numbers, with and without a country", arguments: [Region("DE"), nil])
    func spellings(home: Region?) throws {
        let rules = DiallingRules(country: home)
        #expect(try rules.destination("*43") == .service(.echo))
        #expect(try rules.destination("* 44") == .service(.milliwatt))
        #expect(try rules.destination("*45") == .service(.digitReadBack))
        #expect(try rules.destination("*431") == .number(.service("*431")))
        #expect(try rules.destination("##21#") == .number(.service("##21#")))
        guard case .number(let number) = try rules.destination("+49 (30) 123-456") else {
            Issue.record("no number")
            return
        }
        #expect(number.text == "+4930123456")
    }

    @Test("a provider's own short number is one only where such numbers are allowed")
    func ofProvider() throws {
        var rules = DiallingRules(country: Region("DE"))
        #expect(throws: DiallingRefusal.needsAreaCode) { try rules.destination("100") }
        rules.allowsShortNumbers = true
        #expect(try rules.destination("100") == .number(.short("100", isFree: false)))
        #expect(try rules.destination("112") == .number(.emergency("112")))
        #expect(throws: DiallingRefusal.needsAreaCode) { try rules.destination("1234567") }
        rules.areaCode = "30"
        #expect(try rules.number("1234567").text == "+49301234567")
    }

    @Test(
        "nothing diallable is refused",
        arguments: ["", "+", " ", "abc", "1+2", "12@evil", String(repeating: "1", count: 33)])
    func refused(text: String) {
        #expect(throws: DiallingRefusal.self) { try DiallingRules(country: Region("DE")).destination(text) }
        #expect(throws: DiallingRefusal.self) { try DiallingRules(country: nil).destination(text) }
    }
}
