import Call
import Testing
import Wire

private let near = LegIdentifier(number: 1)
private let far = LegIdentifier(number: 2)
private let other = LegIdentifier(number: 3)

private func at(_ seconds: Int) -> MonotonicTime { .zero + .seconds(seconds) }

private func dialled(to side: Call.Far = .trunk(far)) -> Call {
    var generator = SeededGenerator(seed: 1)
    return Call.outbound(CallIdentifier(using: &generator), near: near, far: side, now: .zero).0
}

private func answered() -> Call {
    var call = dialled()
    _ = call.farAnswered(now: at(3))
    return call
}

@Suite("A call that is held")
struct HoldTests {
    @Test("a person's hold takes effect at once, is offered, and ends in the same way")
    func here() {
        var call = answered()
        #expect(
            call.hold(true) == [.park(near: near, far: far), .offer(far), .reportHold(here: true, there: false)])
        #expect(call.hold(true) == [])
        #expect(
            call.hold(false)
                == [
                    .connect(near: near, far: far, bothWays: true), .offer(far),
                    .reportHold(here: false, there: false),
                ])
    }

    @Test("both sides may hold, each for itself")
    func both() {
        var call = answered()
        #expect(call.farHolds(true) == [.reportHold(here: false, there: true)])
        #expect(call.farHolds(true) == [])
        #expect(call.hold(true).last == .reportHold(here: true, there: true))
        #expect(call.farHolds(false) == [.reportHold(here: true, there: false)])
        #expect(call.isHeldHere && !call.isHeldThere)
    }

    @Test("what the far side refuses is told, and the call goes on as the person here wants it")
    func refused() {
        var call = answered()
        _ = call.hold(true)
        #expect(call.offerRefused() == [.notice(Call.changeRefused)])
        #expect(call.isHeldHere && call.publicState == .active)
        _ = call.hangUp()
        #expect(call.offerRefused() == [])
    }

    @Test("nothing is held before the answer, after the end, or with a service")
    func neither() {
        var ringing = dialled()
        #expect(ringing.hold(true) == [])
        #expect(ringing.farHolds(true) == [])
        var over = answered()
        _ = over.hangUp()
        #expect(over.hold(true) == [])
        #expect(over.farHolds(true) == [])
        var service = dialled(to: .service(.echo))
        #expect(service.hold(true) == [])
        #expect(!service.mayBeHeld)
    }
}

@Suite("A call whose far side changes")
struct TransferTests {
    @Test("the next one is dialled, answers, and takes the place; holds end with the former one")
    func changes() {
        var call = answered()
        _ = call.farHolds(true)
        #expect(call.transferBegan(on: other, now: at(10)) == [.dial(other)])
        #expect(call.transferBegan(on: other, now: at(10)) == [])
        #expect(
            call.transferAnswered()
                == [
                    .connect(near: near, far: other, bothWays: true), .release(far, .transferred),
                    .reportHold(here: false, there: false),
                ])
        #expect(call.far == .trunk(other) && call.deadline == nil)
        #expect(call.hangUp() == [.release(near, .hungUpHere), .release(other, .hungUpHere), .ended(.hungUpHere)])
    }

    @Test("while the page holds the call the next one is held too, however it comes: the page talks with somebody else")
    func staysHeld() {
        for comesByItself in [true, false] {
            var call = answered()
            _ = call.hold(true)
            _ = call.farHolds(true)
            _ = comesByItself ? [] : call.transferBegan(on: other, now: at(10))
            let effects = comesByItself ? call.farReplaced(by: other, now: at(11)) : call.transferAnswered()
            #expect(effects.first == .park(near: near, far: other))
            #expect(effects.suffix(2) == [.offer(other), .reportHold(here: true, there: false)])
            #expect(call.isHeldHere && !call.isHeldThere)
            #expect(call.hold(false).first == .connect(near: near, far: other, bothWays: true))
        }
    }

    @Test("the next one does not come: the call goes on with the former one")
    func fails() {
        var call = answered()
        _ = call.transferBegan(on: other, now: at(10))
        #expect(call.transferFailed(.busy) == [.notice(Call.transferFailed)])
        #expect(call.far == .trunk(far) && call.mayBeTransferred)
        #expect(call.transferFailed(.busy) == [])
    }

    @Test("the next one has 60 seconds")
    func tooLate() {
        var call = answered()
        _ = call.transferBegan(on: other, now: at(10))
        #expect(call.advance(to: at(69)) == [])
        #expect(call.advance(to: at(70)) == [.release(other, .noAnswer), .notice(Call.transferFailed)])
        #expect(call.publicState == .active)
    }

    @Test("whoever asked for it may go at once: the call waits for the next one", arguments: [true, false])
    func orphan(answers: Bool) {
        var call = answered()
        _ = call.transferBegan(on: other, now: at(10))
        #expect(call.farEnded(.hungUpThere) == [.release(far, .hungUpThere)])
        if answers {
            #expect(call.transferAnswered() == [.connect(near: near, far: other, bothWays: true)])
            #expect(call.farEnded(.hungUpThere) == [.release(near, .hungUpThere), .ended(.hungUpThere)])
        } else {
            #expect(call.transferFailed(.busy) == [.release(near, .busy), .ended(.busy)])
        }
    }

    @Test("hanging up in the middle of it ends all three legs, or those that are left", arguments: [true, false])
    func hangUp(isOrphan: Bool) {
        var call = answered()
        _ = call.transferBegan(on: other, now: at(10))
        if isOrphan { _ = call.farEnded(.hungUpThere) }
        let legs = isOrphan ? [near, other] : [near, far, other]
        #expect(call.hangUp() == legs.map { .release($0, .hungUpHere) } + [.ended(.hungUpHere)])
        #expect(call.transferAnswered() == [])
        #expect(call.transferFailed(.busy) == [])
        #expect(call.deadline == nil)
    }

    @Test("a call that comes in takes the place of an answered one, and answers one that rings")
    func replaced() {
        var call = answered()
        #expect(
            call.farReplaced(by: other, now: at(9)) == [
                .connect(near: near, far: other, bothWays: true), .accept(other), .release(far, .replaced),
            ])
        var ringing = dialled()
        _ = ringing.farRinging()
        #expect(ringing.farReplaced(by: other, now: at(9)).last == .report(.active))
        #expect(ringing.publicState == .active && ringing.far == .trunk(other))
        var over = answered()
        _ = over.hangUp()
        #expect(over.farReplaced(by: other, now: at(9)) == [])
    }

    @Test("the far side is asked to call somebody else: it does, does not, or hangs up because it will")
    func refers() {
        var call = answered()
        var ringing = dialled()
        #expect(ringing.refer() == false)
        #expect(call.refer() == true)
        #expect(call.refer() == false)
        var impatient = call
        var failing = call
        #expect(
            call.referralSucceeded() == [
                .release(near, .transferred), .release(far, .transferred), .ended(.transferred),
            ])
        #expect(impatient.farEnded(.hungUpThere) == [.release(near, .transferred), .ended(.transferred)])
        #expect(failing.referralFailed() == [.notice(Call.transferFailed)])
        #expect(failing.farEnded(.hungUpThere).last == .ended(.hungUpThere))
    }
}
