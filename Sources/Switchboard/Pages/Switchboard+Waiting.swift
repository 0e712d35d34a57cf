import Call
import Control
import Wire

// Calls that come in while a page is in a call already (call waiting).
extension Switchboard {
    /// Calls that a page may be in: one to talk, and another on hold or waiting to be answered.
    static let mostCallsOfPage = 2

    func callsOf(_ connection: ConnectionIdentifier) -> [OngoingCall] {
        calls.values.filter { $0.browserLeg(of: connection) != nil }
    }

    /// Whether a page talks in no other call than this one: nobody is to hear what is said to somebody else.
    func holdsAll(_ connection: ConnectionIdentifier, but call: CallIdentifier) -> Bool {
        callsOf(connection).allSatisfy {
            $0.call.identifier == call || $0.call.isHeldHere || $0.call.isForTheTaking
        }
    }

    /// Pages that may be rung: in no call, or in one beside which another can wait.
    var ringablePages: Set<ConnectionIdentifier> {
        var inCalls: [ConnectionIdentifier: Int] = [:]
        for connection in calls.values.flatMap(\.browserLegs.values) { inCalls[connection, default: 0] += 1 }
        return Set(phones.filter { !$0.value.isLost && inCalls[$0.key, default: 0] < Self.mostCallsOfPage }.keys)
    }
}
