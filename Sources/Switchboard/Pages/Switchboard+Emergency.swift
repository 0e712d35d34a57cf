import Call
import Control
import Numbering
import Settings
import Wire

// Emergency calls wait for nobody: on the page that makes one, everything else makes way.
//
//     a call with somebody who answered ──▶ held
//     one that is being dialled, a service of the box ──▶ ended: neither can wait
//     one that rings here ──▶ goes on ringing
//     held already ──▶ stays, but for the oldest where there are more than ``mostCallsOfPage``
extension Switchboard {
    /// - Parameter call: the emergency call itself, where it is one already.
    func makeWay(on connection: ConnectionIdentifier, but call: CallIdentifier? = nil) {
        for ongoing in inCalls(connection, but: call) where !ongoing.call.isHeldHere {
            update(ongoing.call.identifier) { $0.mayBeHeld ? $0.hold(true) : $0.terminate(.madeWay) }
        }
        // Another emergency call is the last to go.
        let held = inCalls(connection, but: call).sorted {
            ($0.isEmergency ? 1 : 0, $0.begunAt) < ($1.isEmergency ? 1 : 0, $1.begunAt)
        }
        for ongoing in held.dropLast(Self.mostCallsOfPage) {
            update(ongoing.call.identifier) { $0.terminate(.madeWay) }
        }
    }

    private func inCalls(_ connection: ConnectionIdentifier, but call: CallIdentifier?) -> [OngoingCall] {
        callsOf(connection).filter { !$0.call.isForTheTaking && $0.call.identifier != call }
    }

    /// Pages that a call from the terminal may ring: those in no call, or for an emergency all there are.
    func pages(for destination: Destination) -> Set<ConnectionIdentifier> {
        let free = freePages
        guard free.isEmpty, destination.isEmergency else { return free }
        return Set(phones.filter { !$0.value.isLost }.keys)
    }

    /// Emergency calls wait for nobody's pace, and whoever answers them sees who calls.
    func isUrgent(_ dialled: Redacted<String>?) -> Bool {
        guard let text = dialled?.revealed, let destination = try? diallingRules.destination(text) else { return false }
        return destination.isEmergency
    }

    /// Whether a trunk leg of the call is to hide who calls. Only whoever dialled it may have said so: what the box passes on,
    /// or dials because the far side asked for it, goes as its account is set.
    func hidesNumber(_ leg: LegIdentifier, of identifier: CallIdentifier, as settings: TrunkSettings) -> Bool {
        guard let ongoing = calls[identifier], !isUrgent(ongoing.number(dialledOn: leg)) else { return false }
        return (leg == ongoing.onward?.leg ? nil : ongoing.hidesNumber) ?? settings.hidesNumber
    }
}

extension Destination {
    var isEmergency: Bool { if case .number(let number) = self { number.isEmergency } else { false } }
}
