import SIP
import Testing
import Wire

@Suite("RFC 3261 §17.2.1 INVITE server transaction")
struct InviteServerTransactionTests {
    @Test("A repeated INVITE gets the last provisional response, and nothing before there is one")
    func retransmission() {
        var machine = InviteServerTransaction(timers: .standard)
        #expect(machine.receivedRetransmission(hasResponse: false) == [])
        #expect(machine.responded(status: 180, now: .zero) == [.sendResponse])
        #expect(machine.receivedRetransmission(hasResponse: true) == [.sendResponse])
        #expect(machine.nextDeadline == nil)
    }

    @Test("Timer G doubles up to T2 and timer H reports that no ACK came")
    func unacknowledged() {
        var machine = InviteServerTransaction(timers: .standard)
        #expect(machine.responded(status: 486, now: .zero) == [.sendResponse])
        var run = TimedRun<InviteServerTransaction.Effect>()
        while let due = machine.nextDeadline { run.note(machine.timePassed(to: due), at: due) }
        #expect(run.times(of: .sendResponse) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5])
        #expect(run.times(of: .reportTimeout) == [32])
    }

    @Test("The ACK to a failure stops timer G, and timer I absorbs more of them")
    func acknowledged() {
        var machine = InviteServerTransaction(timers: .standard)
        _ = machine.responded(status: 486, now: .zero)
        #expect(machine.receivedAcknowledgement(now: .seconds(0.2)) == [])
        #expect(machine.receivedAcknowledgement(now: .seconds(0.3)) == [])
        #expect(machine.receivedRetransmission(hasResponse: true) == [])
        #expect(machine.nextDeadline == .seconds(5.2))
        _ = machine.timePassed(to: .seconds(5.2))
        #expect(machine.isTerminated)
    }

    @Test("RFC 6026: after a 2xx the INVITE is absorbed and each ACK delivered, until timer L")
    func accepted() {
        var machine = InviteServerTransaction(timers: .standard)
        #expect(machine.responded(status: 200, now: .zero) == [.sendResponse])
        #expect(machine.receivedRetransmission(hasResponse: true) == [])
        #expect(machine.responded(status: 200, now: .seconds(1)) == [.sendResponse])
        #expect(machine.responded(status: 486, now: .seconds(1)) == [])
        #expect(machine.receivedAcknowledgement(now: .seconds(2)) == [.deliverAcknowledgement])
        #expect(machine.receivedAcknowledgement(now: .seconds(3)) == [.deliverAcknowledgement])
        #expect(machine.nextDeadline == .seconds(32))
        _ = machine.timePassed(to: .seconds(32))
        #expect(machine.isTerminated)
    }

    @Test("A transport failure ends it and is reported")
    func unreachable() {
        var machine = InviteServerTransaction(timers: .standard)
        #expect(machine.transportFailed() == [.reportTransportFailure])
        #expect(machine.isTerminated)
        #expect(machine.responded(status: 200, now: .zero) == [])
    }
}

@Suite("RFC 3261 §17.2.2 non-INVITE server transaction")
struct NonInviteServerTransactionTests {
    @Test("A repeated request waits in trying and gets the last response later, until timer J")
    func completed() {
        var machine = NonInviteServerTransaction(timers: .standard)
        #expect(machine.receivedRetransmission() == [])
        #expect(machine.responded(status: 200, now: .seconds(1)) == [.sendResponse])
        #expect(machine.receivedRetransmission() == [.sendResponse])
        #expect(machine.responded(status: 500, now: .seconds(1)) == [])
        #expect(machine.nextDeadline == .seconds(33))
        machine.timePassed(to: .seconds(32.9))
        #expect(!machine.isTerminated)
        machine.timePassed(to: .seconds(33))
        #expect(machine.isTerminated)
    }

    @Test("A provisional response leaves it open for the final one")
    func proceeding() {
        var machine = NonInviteServerTransaction(timers: .standard)
        #expect(machine.responded(status: 100, now: .zero) == [.sendResponse])
        #expect(machine.receivedRetransmission() == [.sendResponse])
        #expect(machine.responded(status: 200, now: .zero) == [.sendResponse])
    }

    @Test("Over a reliable transport timer J is zero")
    func reliable() {
        var machine = NonInviteServerTransaction(timers: .standard, isReliable: true)
        _ = machine.responded(status: 200, now: .zero)
        #expect(machine.isTerminated)
    }
}
