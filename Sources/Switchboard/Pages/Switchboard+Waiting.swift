import Call
import Control
import Wire

// Calls that come in while a page is in a call already (call waiting).
extension Switchboard {
    /// Calls that a page may be in: one to talk, and another on hold or waiting to be answered.
    static let mostCallsOfPage = 2

    /// Pages that may be rung: in no call, or in one beside which another can wait.
    var ringablePages: Set<ConnectionIdentifier> {
        var inCalls: [ConnectionIdentifier: Int] = [:]
        for connection in calls.values.flatMap(\.browserLegs.values) { inCalls[connection, default: 0] += 1 }
        return Set(phones.filter { !$0.value.isLost && inCalls[$0.key, default: 0] < Self.mostCallsOfPage }.keys)
    }
}
