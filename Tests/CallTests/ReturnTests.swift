import Call
import Testing
import Wire

private let near = LegIdentifier(number: 1)
private let far = LegIdentifier(number: 2)
private let next = LegIdentifier(number: 3)

private func dialled(to side: Call.Far = .trunk(far)) -> Call {
    var generator = SeededGenerator(seed: 1)
    return Call.outbound(CallIdentifier(using: &generator), near: near, far: side, now: .zero).0
}

@Suite("A call whose page goes away and comes back")
struct ReturnTests {
    @Test(
        "whoever talks with it hears the box until the new sound is up, and a hold stays a hold",
        arguments: [false, true])
    func active(isHeld: Bool) {
        var call = dialled()
        _ = call.farAnswered(now: .zero + .seconds(3))
        if isHeld { _ = call.hold(true) }
        #expect(call.nearAway(near) == [.park(near: near, far: far)])
        #expect(
            call.nearReplaced(near, by: next)
                == [.release(near, .answeredElsewhere), .park(near: next, far: far)])
        #expect(call.near == [next])
        #expect(
            call.nearBack(next)
                == [isHeld ? .park(near: next, far: far) : .connect(near: next, far: far, bothWays: true)])
        // What is told late of the former leg changes nothing.
        #expect(call.nearBack(near) == [] && call.nearAway(near) == [] && call.nearReplaced(near, by: next) == [])
    }

    @Test("before the answer it hears what there is to hear, and a service begins anew")
    func before() {
        var call = dialled()
        #expect(call.nearAway(near) == [])
        #expect(
            call.nearReplaced(near, by: next)
                == [.release(near, .answeredElsewhere), .connect(near: next, far: far, bothWays: false)])
        var echo = dialled(to: .service(.echo))
        #expect(
            echo.nearReplaced(near, by: next)
                == [.release(near, .answeredElsewhere), .startService(.echo, on: next)])
    }
}
