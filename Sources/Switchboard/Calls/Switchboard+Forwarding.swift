import Call
import Control
import Ledger
import Logging
import Media
import Numbering
import SDP
import SIP
import Settings
import Wire

// Calls that nobody here takes, passed on to another number.
extension Switchboard {
    /// Who pays for them; no user is called so. Its caps also end a circle: a number that leads back to the box.
    static let forwarding = CallOwner("[forwarding]")

    /// Whether a call that comes in now is passed on without ringing here.
    /// - Parameter idle: the pages that could ring.
    func isPassedOn(idle: Set<ConnectionIdentifier>) -> Bool {
        guard let forwarding = settings.forwarding else { return false }
        return forwarding.occasion == .always || idle.isEmpty
    }

    /// When a call that begins to ring here now is passed on.
    var forwardingTime: MonotonicTime? {
        guard let forwarding = settings.forwarding, forwarding.occasion == .unanswered else { return nil }
        return .now() + .seconds(forwarding.patience)
    }

    /// Dials the number that is set, as the second side of this call. If that cannot be, a call that rings here goes on
    /// ringing, and one that nobody hears is refused.
    func passOn(_ identifier: CallIdentifier) {
        calls[identifier]?.forwardAt = nil
        guard let forwarding = settings.forwarding, let ongoing = calls[identifier], ongoing.call.isForTheTaking,
            ongoing.call.direction == .inbound
        else { return }
        do throws(Problem) {
            let destination = try destination(forwarding.number.revealed, for: Self.forwarding)
            guard case .number(let number) = destination else {
                throw refused(
                    .notANumber, dialled: forwarding.number.revealed, for: Self.forwarding)
            }
            try reserve(identifier, to: destination, by: Self.forwarding)
            let leg = makeLeg()
            let offer = try openTrunkLeg(leg)
            callOfLeg[leg] = identifier
            calls[identifier]?.onward = Onward(
                leg: leg, number: Redacted(number.text), side: TrunkSide(description: offer),
                identifier: CallIdentifier(using: &generator))
            update(identifier) { $0.forward(to: leg, now: .now()) }
            tellOnward(of: identifier, .dialled)
            dropRinging(identifier)
        } catch {
            release(identifier)
            record(.callNotice, identifier, error)
            if calls[identifier]?.ringing.isEmpty == true { update(identifier) { $0.terminate(.unavailable) } }
        }
    }

    /// Pages that ring without media have no leg to be released.
    private func dropRinging(_ identifier: CallIdentifier) {
        guard let ringing = calls[identifier]?.ringing else { return }
        calls[identifier]?.ringing = []
        for connection in ringing.sorted(by: { $0.description < $1.description }) where phones[connection] != nil {
            publish(.ended(connection: connection, call: identifier, reason: .forwarded))
        }
    }

    /// It rings at the number that a call was passed on to.
    func onwardAlerts(_ leg: LegIdentifier) {
        guard let identifier = onwardCall(leg), calls[identifier]?.onward?.isAlerting == false else { return }
        calls[identifier]?.onward?.isAlerting = true
        calls[identifier]?.onward?.ringingTime = .now()
    }

    /// The call that this leg leads on, if it does.
    func onwardCall(_ leg: LegIdentifier) -> CallIdentifier? {
        callOfLeg[leg].flatMap { calls[$0]?.onward?.leg == leg ? $0 : nil }
    }
}
