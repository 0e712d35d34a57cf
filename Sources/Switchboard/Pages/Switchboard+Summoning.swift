import Call
import Control
import SDP
import Wire

// Calls that are asked for at the terminal: the pages here ring first, then the number is dialled.
extension Switchboard {
    /// Rings every free page for a call to what was dialled.
    func summon(to text: String, hidesNumber: Bool?) throws(Problem) -> ControlReply {
        let destination = try destination(text, for: Self.terminal)
        guard pageCount > 0 else { throw Self.noPageOpen }
        let pages = pages(for: destination)
        guard !pages.isEmpty else { throw Self.pagesBusy }
        guard destination.isEmergency || ringingHere < Self.ringingLimit else { throw Self.tooManyRing }

        let identifier = CallIdentifier(using: &generator)
        try reserve(identifier, to: destination, by: Self.terminal)
        let far: FarSide
        do throws(Problem) {
            far = try openFar(destination)
        } catch {
            release(identifier)
            throw error
        }
        let (call, effects) = Call.summoned(identifier, far: far.side, now: .now())
        if case .trunk(let leg) = far.side { callOfLeg[leg] = identifier }
        calls[identifier] = OngoingCall(
            call: call, ringing: pages, dialled: far.dialled, trunkDescription: far.description,
            user: Self.terminal)
        calls[identifier]?.hidesNumber = hidesNumber
        calls[identifier]?.isEmergency = destination.isEmergency
        record(.callCreated, identifier) { $0.pages = pages.count }
        for connection in pages.sorted(by: { $0.description < $1.description }) {
            publish(.summons(connection: connection, call: identifier, to: Redacted(text)))
        }
        carryOut(effects, of: identifier)
        return .call(identifier)
    }

    func hangUp(_ identifier: CallIdentifier) throws(Problem) -> ControlReply {
        guard calls[identifier] != nil else { throw Self.noSuchCall }
        update(identifier) { $0.terminate(.hungUpHere) }
        return .done
    }

    /// Pages that are in no call.
    var freePages: Set<ConnectionIdentifier> {
        let busy = Set(calls.values.flatMap { $0.browserLegs.values })
        return Set(phones.filter { !$0.value.isLost && !busy.contains($0.key) }.keys)
    }

    /// Calls that ring here and that nobody has picked up.
    var ringingHere: Int { calls.values.count { $0.call.isForTheTaking } }

    static let noPageOpen = Problem(
        code: "call.no-page-open", sentence: "No page of the box is open that could take the call.",
        remedy: "Open the box's page in a browser, sign in, and try again.")
    static let pagesBusy = Problem(
        code: "call.pages-busy", sentence: "Every open page is in a call already.",
        remedy: "Hang up there, or open another page.")
    static let tooManyRing = Problem(
        code: "call.too-many-ring", sentence: "As many calls ring here as may ring at a time.",
        remedy: "Take one of them, or wait a minute.")
}
