import Call
import Testing
import Wire

@Suite("A call that is passed on to another number")
struct ForwardingTests {
    private let caller = LegIdentifier(number: 1)
    private let onward = LegIdentifier(number: 2)
    private let page = LegIdentifier(number: 3)
    private func at(_ seconds: Int) -> MonotonicTime { .zero + .seconds(seconds) }

    private func ringing() -> Call {
        var generator = SeededGenerator(seed: 1)
        return Call.inbound(CallIdentifier(using: &generator), far: caller, now: .zero).0
    }

    @Test("pages stop ringing, the number is dialled, and the caller is answered when it answers")
    func forwarded() {
        var call = ringing()
        _ = call.nearJoined(page)
        #expect(call.forward(to: onward, now: at(20)) == [.release(page, .forwarded), .dial(onward)])
        #expect(call.publicState == .ringing)
        #expect(!call.isForTheTaking)
        #expect(call.nearAnswered(page, now: at(21)) == [])
        #expect(call.nearJoined(page) == [])
        #expect(
            call.onwardAnswered(now: at(25)) == [
                .connect(near: onward, far: caller, bothWays: true), .accept(caller), .report(.active),
            ])
        #expect(call.onwardAnswered(now: at(26)) == [])
        #expect(call.deadline == nil)
        #expect(
            call.farEnded(.hungUpThere) == [.release(onward, .hungUpThere), .ended(.hungUpThere)])
    }

    @Test("a hold of either side is offered to the other, and its end; both may hold")
    func held() {
        var call = ringing()
        _ = call.forward(to: onward, now: .zero)
        #expect(call.onwardHolds(true) == [] && call.farHolds(true) == [])
        _ = call.onwardAnswered(now: at(1))
        #expect(call.farHolds(true) == [.offer(onward), .reportHold(here: false, there: true)])
        #expect(call.farHolds(true) == [])
        #expect(call.onwardHolds(true) == [.offer(caller), .reportHold(here: true, there: true)])
        #expect(call.farHolds(false) == [.offer(onward), .reportHold(here: true, there: false)])
        #expect(call.onwardHolds(false) == [.offer(caller), .reportHold(here: false, there: false)])
        // A next far side holds nobody: whom the former one held is taken up again.
        _ = call.farHolds(true)
        #expect(
            call.farReplaced(by: page, now: at(2)).suffix(2) == [
                .offer(onward), .reportHold(here: false, there: false),
            ])
    }

    @Test("the number gets its own 60 seconds, counted from when it is dialled")
    func noAnswer() {
        var call = ringing()
        _ = call.forward(to: onward, now: at(50))
        #expect(call.advance(to: at(109)) == [])
        #expect(
            call.advance(to: at(110)) == [.release(onward, .noAnswer), .release(caller, .noAnswer), .ended(.noAnswer)])
    }

    @Test("what the number says when it does not answer is what the caller is told")
    func busy() {
        var call = ringing()
        _ = call.forward(to: onward, now: .zero)
        #expect(
            call.nearEnded(onward, .busy) == [.release(onward, .busy), .release(caller, .busy), .ended(.busy)])
    }

    @Test("a caller who gives up takes the onward call along")
    func cancelled() {
        var call = ringing()
        _ = call.forward(to: onward, now: .zero)
        #expect(call.farEnded(.cancelled) == [.release(onward, .cancelled), .ended(.cancelled)])
        #expect(call.onwardAnswered(now: at(1)) == [])
    }

    @Test("what somebody picked up, or dialled, is not passed on; nor is a call passed on twice or to itself")
    func refused() {
        var taken = ringing()
        _ = taken.nearJoined(page)
        _ = taken.nearAnswered(page, now: at(1))
        #expect(taken.forward(to: onward, now: at(2)) == [])
        var twice = ringing()
        #expect(twice.forward(to: caller, now: .zero) == [])
        _ = twice.forward(to: onward, now: .zero)
        #expect(twice.forward(to: LegIdentifier(number: 9), now: at(1)) == [])
        var generator = SeededGenerator(seed: 1)
        var (dialled, _) = Call.outbound(
            CallIdentifier(using: &generator), near: page, far: .trunk(caller), now: .zero)
        #expect(dialled.forward(to: onward, now: .zero) == [])
    }
}
