import SIP
import Testing
import Wire

/// Moves a machine from deadline to deadline and notes when what happened; seconds since its start.
struct TimedRun<Effect: Equatable> {
    var log: [(seconds: Double, effect: Effect)] = []

    mutating func note(_ effects: [Effect], at now: MonotonicTime) {
        for effect in effects { log.append((now.seconds, effect)) }
    }

    func times(of effect: Effect) -> [Double] { log.filter { $0.effect == effect }.map(\.seconds) }
}

extension MonotonicTime {
    var seconds: Double { Double(nanoseconds) / 1e9 }
    static func seconds(_ value: Double) -> MonotonicTime { .zero + .seconds(value) }
}

@Suite("RFC 3261 §17.1.1 INVITE client transaction")
struct InviteClientTransactionTests {
    @Test("Timer A doubles without a bound and timer B ends it after 64·T1")
    func silence() {
        var machine = InviteClientTransaction(timers: .standard, now: .zero)
        var run = TimedRun<InviteClientTransaction.Effect>()
        while let due = machine.nextDeadline { run.note(machine.timePassed(to: due), at: due) }
        #expect(run.times(of: .sendRequest) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5])
        #expect(run.times(of: .reportTimeout) == [32])
        #expect(machine.isTerminated)
    }

    @Test("A provisional response stops the retransmissions for ever")
    func provisional() {
        var machine = InviteClientTransaction(timers: .standard, now: .zero)
        #expect(machine.receivedResponse(status: 100, now: .seconds(0.1)) == [.deliverResponse])
        #expect(machine.nextDeadline == nil)
        #expect(machine.receivedResponse(status: 180, now: .seconds(9)) == [.deliverResponse])
        #expect(machine.state == .proceeding)
    }

    @Test(
        "Each repeated failure is acknowledged again, delivered once, until timer D", arguments: [300, 404, 487, 699])
    func failure(status: Int) {
        var machine = InviteClientTransaction(timers: .standard, now: .zero)
        #expect(
            machine.receivedResponse(status: status, now: .seconds(1)) == [.sendAcknowledgement, .deliverResponse])
        #expect(machine.receivedResponse(status: status, now: .seconds(2)) == [.sendAcknowledgement])
        #expect(machine.receivedResponse(status: 180, now: .seconds(2)) == [])
        #expect(machine.nextDeadline == .seconds(33))
        #expect(machine.timePassed(to: .seconds(32.9)) == [])
        #expect(!machine.isTerminated)
        #expect(machine.timePassed(to: .seconds(33)) == [])
        #expect(machine.isTerminated)
    }

    @Test("RFC 6026: every 2xx is delivered, also from forks, until timer M; failures after it are dropped")
    func accepted() {
        var machine = InviteClientTransaction(timers: .standard, now: .zero)
        #expect(machine.receivedResponse(status: 200, now: .seconds(1)) == [.deliverResponse])
        #expect(machine.receivedResponse(status: 200, now: .seconds(2)) == [.deliverResponse])
        #expect(machine.receivedResponse(status: 486, now: .seconds(2)) == [])
        #expect(machine.transportFailed() == [])
        #expect(machine.nextDeadline == .seconds(33))
        _ = machine.timePassed(to: .seconds(33))
        #expect(machine.isTerminated)
    }

    @Test("A transport failure is reported at once, and only once")
    func unreachable() {
        var machine = InviteClientTransaction(timers: .standard, now: .zero)
        #expect(machine.transportFailed() == [.reportTransportFailure])
        #expect(machine.transportFailed() == [])
        #expect(machine.nextDeadline == nil)
    }

    @Test("Over a reliable transport nothing is sent twice")
    func reliable() {
        var machine = InviteClientTransaction(timers: .standard, isReliable: true, now: .zero)
        #expect(machine.nextDeadline == .seconds(32))
        #expect(machine.receivedResponse(status: 486, now: .seconds(1)) == [.sendAcknowledgement, .deliverResponse])
        #expect(machine.nextDeadline == .seconds(1))
        #expect(machine.timePassed(to: .seconds(1)).isEmpty)
        #expect(machine.isTerminated)
    }
}

@Suite("RFC 3261 §17.1.2 non-INVITE client transaction")
struct NonInviteClientTransactionTests {
    @Test("Timer E doubles up to T2 and timer F ends it after 64·T1")
    func silence() {
        var machine = NonInviteClientTransaction(timers: .standard, now: .zero)
        var run = TimedRun<NonInviteClientTransaction.Effect>()
        while let due = machine.nextDeadline { run.note(machine.timePassed(to: due), at: due) }
        #expect(run.times(of: .sendRequest) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5])
        #expect(run.times(of: .reportTimeout) == [32])
    }

    @Test("After a provisional response timer E runs at T2 and timer F still ends it")
    func provisional() {
        var machine = NonInviteClientTransaction(timers: .standard, now: .zero)
        #expect(machine.receivedResponse(status: 100, now: .seconds(0.2)) == [.deliverResponse])
        #expect(machine.nextDeadline == .seconds(4.2))
        var run = TimedRun<NonInviteClientTransaction.Effect>()
        while let due = machine.nextDeadline { run.note(machine.timePassed(to: due), at: due) }
        #expect(run.times(of: .sendRequest).count == 7)
        #expect(run.times(of: .reportTimeout) == [32])
    }

    @Test("The final response is delivered once and timer K buries its repetitions", arguments: [200, 401, 603])
    func completed(status: Int) {
        var machine = NonInviteClientTransaction(timers: .standard, now: .zero)
        #expect(machine.receivedResponse(status: status, now: .seconds(1)) == [.deliverResponse])
        #expect(machine.receivedResponse(status: status, now: .seconds(2)) == [])
        #expect(machine.nextDeadline == .seconds(6))
        _ = machine.timePassed(to: .seconds(6))
        #expect(machine.isTerminated)
    }

    @Test("A transport failure is reported while an answer is awaited, not after it")
    func unreachable() {
        var waiting = NonInviteClientTransaction(timers: .standard, now: .zero)
        #expect(waiting.transportFailed() == [.reportTransportFailure])
        var answered = NonInviteClientTransaction(timers: .standard, now: .zero)
        _ = answered.receivedResponse(status: 200, now: .seconds(1))
        #expect(answered.transportFailed() == [])
    }
}
