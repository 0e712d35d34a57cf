import Call
import Control
import Logging
import Numbering
import Settings
import Wire

// Whether the box dials: decided before anything of a call leaves, for whoever pays for it.
extension Switchboard {
    /// Who pays for calls that are asked for at the terminal; no page's user is called so.
    static let terminal = CallOwner("sipcall call")

    /// On a box that was not told its country, that of the number that the provider gave may be called: whoever has a number
    /// there calls there.
    var diallingRules: DiallingRules {
        var rules = settings.dialling
        if rules.country == nil, let own = settings.trunk?.number?.revealed,
            case .international(let number)? = try? DialledNumber(withoutCountry: own), number.region != .world
        {
            rules.countries.insert(number.region)
        }
        return rules
    }

    /// What was dialled, if the box takes calls at all.
    /// - Parameter owner: who would pay for it.
    func destination(_ text: String, for owner: CallOwner?) throws(Problem) -> Destination {
        if stopping { throw EndReason.boxStopping.problem }
        let destination: Destination
        do throws(DiallingRefusal) {
            destination = try diallingRules.destination(text)
        } catch {
            throw refused(error, dialled: text, for: owner)
        }
        // Whoever services the box waits for an emergency call as for any other.
        if draining, !destination.isEmergency { throw Self.isDrained }
        return destination
    }

    /// Lets the policy decide; what it allows counts from now on, until ``finish(_:_:_:)`` or ``release(_:)``.
    func reserve(
        _ call: CallIdentifier, to destination: Destination, by owner: CallOwner
    ) throws(Problem) {
        guard case .number(let number) = destination else { return }
        // Without a way to the provider nothing is dialled, and nothing is to be counted.
        _ = try firstLine()
        switch dialling.decide(number, by: owner, as: call, rules: diallingRules, now: .now()) {
        case .allow: break
        case .refuse(let refusal): throw refused(refusal, dialled: number.text, for: owner)
        }
    }

    /// A call that was reserved does not come about.
    func release(_ call: CallIdentifier) {
        dialling.ended(call)
    }

    /// A call that somebody here picked up belongs to them from now on.
    func taken(_ call: CallIdentifier, by connection: ConnectionIdentifier) {
        guard let ongoing = calls[call], ongoing.call.direction == .inbound, let user = phones[connection]?.user else {
            return
        }
        calls[call]?.user = CallOwner(user)
        dialling.answered(call, by: CallOwner(user))
    }

    /// What a refusal says, told to the watchers and the journal too. A page can ask as often as it likes, so the telling is
    /// limited.
    /// - Parameter owner: who wanted to dial; nil when nobody knows.
    func refused(_ refusal: DiallingRefusal, dialled text: String, for owner: CallOwner?) -> Problem {
        let problem = refusal.problem
        if let missing = dialRefusalLines.admits(at: .now()) {
            record(.callRefused, nil, problem, user: owner) { event in
                event.direction = .outbound
                event.trunk = try? firstLine().line.name
                event.far = OngoingCall.bounded(Redacted(text))
                if missing > 0 { event.unreported = missing }
            }
        }
        return problem
    }
}

// MARK: - Transfers

/// That a call may be transferred: what is to be dialled for it, already counted.
struct TransferPermit: Equatable {
    /// Under which the new call counts. A call that is made under this identifier releases it by its own end; otherwise
    /// `Switchboard.release(_:)` does, or the end of the call that was to be transferred.
    let call: CallIdentifier
    /// As ``Call/Effect/dial(_:)`` wants it.
    let dialled: Redacted<String>
}

extension Switchboard {
    /// Whether this call may be transferred to what the other side, or somebody here, names: as its owner may dial, whoever
    /// asks (RFC 5589 §5: the transferee's own policy decides).
    ///
    /// - Parameter text: as dialled, or the user part of a Refer-To or Contact.
    func mayTransfer(_ call: CallIdentifier, to text: String) -> Result<TransferPermit, Problem> {
        let owner = calls[call]?.user ?? (calls[call]?.onward == nil ? nil : Self.forwarding)
        do throws(Problem) {
            // What only the box has is no place to send others to, and what nobody owns nobody transfers.
            guard case .number(let number) = try destination(text, for: owner) else {
                throw refused(.notANumber, dialled: text, for: owner)
            }
            guard calls[call] != nil else { throw refused(.nobodysCall, dialled: text, for: owner) }
            _ = try firstLine()
            let next = CallIdentifier(using: &generator)
            switch dialling.decide(transferOf: call, to: number, as: next, rules: diallingRules, now: .now()) {
            case .refuse(let refusal): throw refused(refusal, dialled: number.text, for: owner)
            case .allow:
                calls[call]?.transfers.insert(next)
                return .success(TransferPermit(call: next, dialled: Redacted(number.text)))
            }
        } catch {
            return .failure(error)
        }
    }

    /// A call is over: so is what was reserved for its transfer, unless that is a call by now.
    func releaseAll(of call: CallIdentifier, _ ongoing: OngoingCall) {
        dialling.ended(call)
        for transfer in ongoing.transfers where calls[transfer] == nil { dialling.ended(transfer) }
    }
}
