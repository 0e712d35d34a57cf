import Call
import Control
import Logging
import Media
import SDP
import SIP
import Settings
import Wire

// Calls that change their far side: because the far side asks for it (REFER), because a call comes that takes another's
// place (Replaces), or because a person here wants the far side to talk to somebody else.
extension Switchboard {
    // MARK: The far side asks for it

    /// The far side wants this side to talk to somebody else. Nothing is done on its word alone.
    func transferRequested(_ leg: LegIdentifier, _ request: TransferRequest) {
        guard let identifier = callOfLeg[leg], let ongoing = calls[identifier], ongoing.trunkLeg == leg,
            ongoing.call.mayBeTransferred, !draining, !stopping
        else { return refuseTransfer(leg) }
        let permit: TransferPermit
        do throws(Problem) {
            permit = try mayTransfer(identifier, to: request.number.revealed).get()
        } catch {
            record(.callNotice, identifier, error)
            return refuseTransfer(leg)
        }
        let next = makeLeg()
        let offer: SessionDescription
        do throws(Problem) {
            offer = try openTrunkLeg(next, over: ongoing.trunk)
        } catch {
            release(permit.call)
            record(.callNotice, identifier, error)
            return refuseTransfer(leg, status: 480)
        }
        callOfLeg[next] = identifier
        calls[identifier]?.next = NextFarSide(
            leg: next, number: permit.dialled, side: TrunkSide(description: offer), permit: permit.call,
            request: request, referrer: leg)
        perform(userAgent.acceptTransfer(leg, now: .now(), using: &generator))
        update(identifier) { $0.transferBegan(on: next, now: .now()) }
    }

    private func refuseTransfer(_ leg: LegIdentifier, status: Int = 603) {
        perform(userAgent.refuseTransfer(leg, status: status, now: .now(), using: &generator))
    }

    /// By the account of the call: it alone knows the call that `Replaces` may name.
    func dial(_ next: NextFarSide, of identifier: CallIdentifier) {
        let trunk = calls[identifier]?.trunk
        let account = trunk.flatMap { line($0)?.settings }
        let number = account?.written(next.number, in: settings.dialling.country) ?? next.number
        let isPrivate = account?.hidesNumber == true && !isUrgent(next.number)
        perform(
            userAgent.invite(
                next.leg, to: number, over: trunk, offer: next.side.description.bytes,
                caller: CallerID(isPrivate: isPrivate), replacing: next.request.replaces,
                referredBy: next.request.referredBy, now: .now(), using: &generator))
        traceLeg(next.leg, of: identifier)
    }

    /// Whether a leg is that of the next far side; then its news are told to whoever asked for it.
    func isNext(_ leg: LegIdentifier) -> Bool {
        callOfLeg[leg].flatMap { calls[$0]?.next?.leg } == leg
    }

    func nextProgressed(_ leg: LegIdentifier, status: Int) {
        guard let next = callOfLeg[leg].flatMap({ calls[$0]?.next }), next.leg == leg else { return }
        perform(userAgent.reportTransfer(next.referrer, status: status, now: .now(), using: &generator))
    }

    /// Its sound was agreed on already.
    func nextAnswered(_ leg: LegIdentifier) {
        guard let identifier = callOfLeg[leg], let next = calls[identifier]?.next, next.leg == leg else { return }
        nextProgressed(leg, status: 200)
        guard calls[identifier]?.next?.leg == leg else { return }
        calls[identifier]?.next = nil
        calls[identifier]?.adopt(next.side)
        calls[identifier]?.successor = next.number
        update(identifier) { $0.transferAnswered() }
        record(.callTransferred, identifier)
        announceCodec(identifier)
        noteHold(leg, of: identifier)
    }

    /// The next far side does not come about: whoever asked for it is told, and it counts no more.
    func dropNext(_ leg: LegIdentifier, status: Int) {
        guard let identifier = callOfLeg[leg], let next = calls[identifier]?.next, next.leg == leg else { return }
        nextProgressed(leg, status: status)
        calls[identifier]?.next = nil
        giveBack(next.permit, of: identifier)
    }

    private func giveBack(_ permit: CallIdentifier, of identifier: CallIdentifier) {
        release(permit)
        calls[identifier]?.transfers.remove(permit)
    }

    func nextEnded(_ leg: LegIdentifier, _ end: LegEnd) {
        guard let identifier = callOfLeg[leg] else { return }
        dropNext(leg, status: end.status)
        closeMedia(leg, of: identifier)
        let reason = EndReason(end)
        update(identifier) { $0.transferFailed(reason) }
    }

    // MARK: A call that takes another's place

    /// Somebody calls to take the far side's place, as an attended transfer at the other end ends; only the provider can,
    /// and only in a dialog that the user agent knows.
    func replace(_ former: LegIdentifier, by leg: LegIdentifier, from: Redacted<String>, offer: [UInt8]?) {
        guard let identifier = callOfLeg[former], let ongoing = calls[identifier], ongoing.trunkLeg == former,
            ongoing.call.admitsReplacement, !stopping
        else { return perform(userAgent.reject(leg, status: 481, now: .now(), using: &generator)) }
        do {
            let (description, audio) = try answer(offer, on: leg)
            callOfLeg[leg] = identifier
            traceLeg(leg, of: identifier)
            calls[identifier]?.adopt(TrunkSide(description: description, audio: audio))
            calls[identifier]?.successor = from
            if let audio { media.setTrunkAudio(leg, audio) }
            update(identifier) { $0.farReplaced(by: leg, now: .now()) }
            record(.callTransferred, identifier)
            noteHold(leg, of: identifier)
        } catch {
            media.close(leg)
            perform(userAgent.reject(leg, status: 488, now: .now(), using: &generator))
        }
    }

    // MARK: A person here asks for it

    /// Lets the far side of a call call somebody else in the place of this page.
    func transfer(
        _ connection: ConnectionIdentifier, _ identifier: CallIdentifier, to text: String
    ) throws(Problem) -> ControlReply {
        let leg = try transferableLeg(connection, identifier)
        let permit = try mayTransfer(identifier, to: text).get()
        guard calls[identifier]?.call.refer() == true else {
            release(permit.call)
            throw Self.cannotTransfer
        }
        calls[identifier]?.referral = permit
        calls[identifier]?.referredTo = permit.dialled
        let account = calls[identifier]?.trunk.flatMap { line($0) }?.settings
        let number = account?.written(permit.dialled, in: settings.dialling.country) ?? permit.dialled
        perform(userAgent.transfer(leg, to: number, now: .now(), using: &generator))
        return .done
    }

    /// Brings the far sides of two calls of a page together: the first one's is asked to take our place in the second.
    func bringTogether(
        _ connection: ConnectionIdentifier, _ identifier: CallIdentifier, _ other: CallIdentifier
    ) throws(Problem) -> ControlReply {
        let leg = try transferableLeg(connection, identifier)
        let target = try transferableLeg(connection, other)
        guard identifier != other else { throw Self.cannotTransfer }
        // A provider knows its own calls alone, whichever account they go by.
        guard let provider = userAgent.trunk(of: leg)?.domain, let next = userAgent.trunk(of: target)?.domain,
            provider.lowercased() == next.lowercased()
        else { throw Self.acrossProviders }
        // Both were dialled by the owner's permission, or came by themselves: nothing new is called.
        guard calls[identifier]?.call.refer() == true, calls[other]?.call.refer() == true else {
            throw Self.cannotTransfer
        }
        calls[identifier]?.partner = other
        let (one, two) = (calls[identifier]?.farNumber, calls[other]?.farNumber)
        calls[identifier]?.referredTo = two
        calls[other]?.referredTo = one
        perform(userAgent.transfer(leg, into: target, now: .now(), using: &generator))
        return .done
    }

    private func transferableLeg(
        _ connection: ConnectionIdentifier, _ identifier: CallIdentifier
    ) throws(Problem) -> LegIdentifier {
        guard let ongoing = calls[identifier], ongoing.browserLeg(of: connection) != nil else { throw Self.noSuchCall }
        guard let leg = ongoing.trunkLeg, ongoing.call.mayBeTransferred else { throw Self.cannotTransfer }
        return leg
    }

    /// How the transfer goes that a person here asked for.
    func transferProgressed(_ leg: LegIdentifier, status: Int) {
        guard let identifier = callOfLeg[leg], status >= 200 else { return }
        let partner = calls[identifier]?.partner
        calls[identifier]?.partner = nil
        log.debug("A transfer ended.", metadata: ["call": "\(identifier)", "status": "\(status)"])
        if status < 300 {
            // The other call ends when its far side was called.
            if let partner { expectJoining(partner) }
            update(identifier) { $0.referralSucceeded() }
        } else {
            if let permit = calls[identifier]?.referral { giveBack(permit.call, of: identifier) }
            calls[identifier]?.referral = nil
            calls[identifier]?.referredTo = nil
            update(identifier) { $0.referralFailed() }
            if let partner { withdraw(partner) }
        }
    }

    /// The far side of the other call is taken over now, which ends it; if it is not, it goes on as any call.
    func expectJoining(_ partner: CallIdentifier) {
        calls[partner]?.joinedUntil = .now() + OngoingCall.joiningTime
    }

    /// A call that was to be brought together with another goes on by itself.
    func withdraw(_ partner: CallIdentifier) {
        calls[partner]?.joinedUntil = nil
        calls[partner]?.referredTo = nil
        update(partner) { $0.referralWithdrawn() }
    }

    static let cannotTransfer = Problem(
        code: "call.cannot-transfer", sentence: "This call cannot be transferred now.",
        remedy: "Only a call with somebody who has answered can be, and only to a telephone number.")
}

extension Switchboard {
    static let acrossProviders = Problem(
        code: "call.transfer-across-providers",
        sentence: "These two calls go by different providers, and neither knows the other's call.",
        remedy: "Transfer to the number instead, or make both calls by the same provider.")
}

extension LegEnd {
    /// What a referrer is told, who hears of statuses alone.
    fileprivate var status: Int {
        switch self {
        case .rejected(let status, _): status
        case .noReply: 408
        case .cancelledByRemote, .localHangUp, .remoteHangUp, .replaced: 487
        case .unreachable, .authenticationFailed, .realmForeign, .acknowledgementMissing, .acknowledgementUnheard,
            .sessionExpired, .dialogLost, .vanished, .protocolError:
            503
        }
    }
}
