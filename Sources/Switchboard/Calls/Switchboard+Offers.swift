import Call
import Control
import Logging
import Media
import SDP
import SIP
import Settings
import Wire

// Sessions that change while they stand (RFC 3264 §8): what the far side offers is answered with what this leg really
// has, and what a person here wants is offered to it.
extension Switchboard {
    /// The far side wants another session, or without an offer to hear what we offer.
    func answerOffer(_ leg: LegIdentifier, _ offer: [UInt8]?) {
        guard let identifier = callOfLeg[leg], let ongoing = calls[identifier], let side = ongoing[side: leg] else {
            return perform(userAgent.refuseOffer(leg, now: .now(), using: &generator))
        }
        guard let offer else { return offerInstead(leg, identifier, ongoing, side) }
        do {
            let (answer, audio) = try renew(side, on: leg, for: SessionDescription(offer), holds: ongoing.holds(leg))
            calls[identifier]?[side: leg]?.description = answer
            calls[identifier]?[side: leg]?.offer = nil
            perform(userAgent.answer(leg, body: answer.bytes, now: .now(), using: &generator))
            use(audio, on: leg, of: identifier)
            // Ours was put off by theirs: it has to count on from the answer.
            if side.offer != nil { offerSession(on: leg, of: identifier) }
        } catch {
            log.debug("An offer is refused.", metadata: ["call": "\(identifier)", "error": "\(error)"])
            perform(userAgent.refuseOffer(leg, status: 488, now: .now(), using: &generator))
        }
    }

    private func renew(
        _ side: TrunkSide, on leg: LegIdentifier, for offer: SessionDescription, holds: Bool
    ) throws -> (SessionDescription, TrunkAudio) {
        guard let local = side.description.voiceAddress else { throw SDPError.noAddress }
        let allowed = trunkCodecs(leg)
        let codecs = allowed.isEmpty ? [side.audio?.codec].compactMap(\.self) : allowed
        var (answer, audio) = try TrunkAnswer.renew(
            side.newest, for: offer, local: local, using: side.audio?.codec, codecs: codecs, holds: holds)
        // A mere refresh changes nothing, and then the version must not either.
        var same = answer
        same.origin = side.description.origin
        if same == side.description, side.offer == nil { answer = same }
        return (answer, audio)
    }

    /// A re-INVITE without an offer: our 200 makes it, and the ACK answers (RFC 3261 §14.2).
    private func offerInstead(
        _ leg: LegIdentifier, _ identifier: CallIdentifier, _ ongoing: OngoingCall, _ side: TrunkSide
    ) {
        let offer = TrunkOffer.renew(side.newest, direction: ongoing.direction(towards: leg))
        calls[identifier]?[side: leg]?.offer = offer
        perform(userAgent.answer(leg, body: offer.bytes, now: .now(), using: &generator))
    }

    /// Offers the far side the session as the call now is: held by us, or not.
    func offerSession(on leg: LegIdentifier, of identifier: CallIdentifier) {
        guard let ongoing = calls[identifier], let side = ongoing[side: leg] else { return }
        let offer = TrunkOffer.renew(side.newest, direction: ongoing.direction(towards: leg))
        calls[identifier]?[side: leg]?.offer = offer
        perform(userAgent.renegotiate(leg, offer: offer.bytes, now: .now(), using: &generator))
    }

    /// The far side answered our offer; with nothing the session stays as it was.
    func agreed(_ leg: LegIdentifier, _ answer: [UInt8]) {
        guard let identifier = callOfLeg[leg], var side = calls[identifier]?[side: leg] else { return }
        let offer = side.offer ?? side.description
        side.offer = nil
        do {
            guard !answer.isEmpty else { throw SDPError.mismatch }
            let audio = try TrunkOffer.agreed(offer: offer, answer: SessionDescription(answer))
            side.description = offer
            calls[identifier]?[side: leg] = side
            // Whoever is held for the other trunk leg's sake may answer that it will not hear, and holds nobody by it.
            let isHeld = calls[identifier]?.onward != nil && offer.voiceDirection != .sendrecv
            use(audio, on: leg, of: identifier, tellsOfHold: !isHeld)
        } catch {
            log.debug("An answer cannot be used.", metadata: ["call": "\(identifier)", "error": "\(error)"])
            side.description.origin = offer.origin
            calls[identifier]?[side: leg] = side
            update(identifier) { $0.offerRefused() }
        }
    }

    func offerRefused(_ leg: LegIdentifier, status: Int) {
        guard let identifier = callOfLeg[leg], var side = calls[identifier]?[side: leg] else { return }
        log.debug("An offer was refused.", metadata: ["call": "\(identifier)", "status": "\(status)"])
        side.description = side.newest
        side.offer = nil
        calls[identifier]?[side: leg] = side
        update(identifier) { $0.offerRefused() }
    }

    /// Lets the media follow what was agreed on, and tells whom it concerns.
    func use(_ audio: TrunkAudio, on leg: LegIdentifier, of identifier: CallIdentifier, tellsOfHold: Bool = true) {
        guard let former = calls[identifier]?[side: leg] else { return }
        if former.audio != audio {
            calls[identifier]?[side: leg]?.audio = audio
            media.setTrunkAudio(leg, audio)
            measure(audio, on: leg)
            if former.audio?.codec != audio.codec, calls[identifier]?.trunkLeg == leg { announceCodec(identifier) }
        }
        if tellsOfHold { noteHold(leg, of: identifier) }
    }

    /// The other side of a trunk leg holds the call when it lets us send nothing (RFC 3264 §8.4).
    func noteHold(_ leg: LegIdentifier, of identifier: CallIdentifier) {
        guard let ongoing = calls[identifier], let holds = ongoing[side: leg]?.audio.map({ !$0.direction.sends }) else {
            return
        }
        if leg == ongoing.trunkLeg {
            update(identifier) { $0.farHolds(holds) }
        } else if leg == ongoing.onward?.leg {
            update(identifier) { $0.onwardHolds(holds) }
        }
    }

    /// What the account that a call goes by lets it speak.
    private func trunkCodecs(_ leg: LegIdentifier) -> [AudioCodec] {
        let line = userAgent.trunk(of: leg).flatMap { self.line($0.name) }
        return line?.settings.codecs.compactMap(AudioCodec.init) ?? []
    }

    /// A page holds its call, or takes it up again.
    func hold(
        _ connection: ConnectionIdentifier, _ identifier: CallIdentifier, _ isWanted: Bool
    ) throws(Problem) -> ControlReply {
        guard let ongoing = calls[identifier], ongoing.browserLeg(of: connection) != nil else { throw Self.noSuchCall }
        guard ongoing.call.mayBeHeld else { throw Self.cannotHold }
        guard isWanted || holdsAll(connection, but: identifier) else { throw Self.busyHere }
        update(identifier) { $0.hold(isWanted) }
        return .done
    }

    static let cannotHold = Problem(
        code: "call.cannot-hold", sentence: "This call cannot be held.",
        remedy: "Only a call with somebody who has answered can be.")
}

extension OngoingCall {
    /// Whether whoever talks with this trunk leg holds it: the person here, or the other of two trunk legs.
    fileprivate func holds(_ leg: LegIdentifier) -> Bool {
        leg == trunkLeg && call.isHeldHere || leg == onward?.leg && call.isHeldThere
    }

    /// What a trunk leg is offered, as the call now is.
    fileprivate func direction(towards leg: LegIdentifier) -> MediaDirection {
        guard holds(leg) else { return .sendrecv }
        // Of two trunk legs the one that holds may send nothing either.
        guard let onward else { return .sendonly }
        let holder = leg == onward.leg ? trunkAudio : onward.side.audio
        return holder?.direction.receives == false ? .inactive : .sendonly
    }
}
