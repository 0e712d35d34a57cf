import Call
import Control
import Logging
import Media
import SDP
import SIP
import Settings
import Wire

// The trunk side of calls: what the user agent tells of them, and how their sound is agreed on.
extension Switchboard {
    func take(_ event: UserAgentEvent) {
        switch event {
        case .registration(let state): take(state)
        case .incoming(let leg, let from, let name, _, let offer): ring(leg, from: from, name: name, offer: offer)
        case .ringing(let leg): update(leg) { $0.farRinging() }
        case .noReplyYet(let leg): update(leg) { $0.farSilent() }
        case .progress(let leg, let body):
            guard agree(leg, on: body) else { return }
            update(leg) { $0.farProgressed() }
        case .answered(let leg, let body):
            guard agree(leg, on: body) else {
                update(leg) { $0.terminate(.noCommonCodec) }
                return
            }
            update(leg) { $0.farAnswered(now: .now()) }
        case .ended(let leg, let end):
            let reason = EndReason(end)
            update(leg) { $0.farEnded(reason) }
        case .asked(let number, let outcome): answered(number, outcome)
        // The user agent is not told to ask: it answers offers and declines transfers by itself.
        case .renegotiated, .offered, .agreed, .offerRefused, .digit, .digitsRefused, .transferRequested,
            .transferProgress, .incomingReplacement, .reason:
            break
        }
    }

    private func update(_ leg: LegIdentifier, _ body: (inout Call) -> [Call.Effect]) {
        guard let identifier = callOfLeg[leg] else { return }
        update(identifier, body)
    }

    /// Reads the far side's answer; an empty one means that an earlier one still holds.
    /// - Returns: whether there is something both sides can hear.
    private func agree(_ leg: LegIdentifier, on body: [UInt8]) -> Bool {
        guard let identifier = callOfLeg[leg], let ongoing = calls[identifier] else { return false }
        if body.isEmpty { return ongoing.trunkAudio != nil }
        do {
            guard let offer = ongoing.trunkDescription else { return false }
            let audio = try TrunkOffer.agreed(offer: offer, answer: SessionDescription(body))
            guard audio != ongoing.trunkAudio else { return true }
            calls[identifier]?.trunkAudio = audio
            media.setTrunkAudio(leg, audio)
            announceCodec(identifier)
            return true
        } catch {
            log.warning(
                "The provider's SDP cannot be used.", metadata: ["call": "\(identifier)", "error": "\(error)"])
            return false
        }
    }

    /// - Returns: our offer.
    func openTrunkLeg(_ leg: LegIdentifier) throws(Problem) -> SessionDescription {
        guard let trunk = settings.trunk else { throw EndReason.noTrunk.problem }
        guard let route = trunkRoute else { throw trunkStatus.problem ?? EndReason.providerUnreachable.problem }
        let port = try media.openTrunkLeg(leg)
        return TrunkOffer.make(
            local: NetworkAddress(host: Self.contactHost(settings, local: route.local), port: port),
            sessionID: UInt64.random(in: 1...UInt64(Int64.max), using: &generator), version: 1,
            codecs: trunk.codecs.compactMap(AudioCodec.init))
    }

    /// Calls that may ring at a time: invitations can be forged, and each holds ports and disturbs people.
    static let ringingLimit = 16

    private func ring(
        _ leg: LegIdentifier, from: Redacted<String>, name: Redacted<String>?, offer: [UInt8]?
    ) {
        let idle = freePages
        guard ringingHere < Self.ringingLimit else {
            recordRefusal(from: from, Self.tooManyRing)
            perform(userAgent.reject(leg, status: 503, now: .now(), using: &generator))
            return
        }
        guard !draining else {
            recordRefusal(from: from, Self.isDrained)
            perform(userAgent.reject(leg, status: 480, now: .now(), using: &generator))
            return
        }
        guard !stopping, !idle.isEmpty else {
            recordRefusal(
                from: from,
                stopping ? EndReason.boxStopping.problem : pageCount == 0 ? Self.noPageOpen : Self.pagesBusy)
            perform(
                userAgent.reject(
                    leg, status: phones.values.allSatisfy(\.isLost) || stopping ? 480 : 486, now: .now(),
                    using: &generator))
            return
        }
        let identifier = CallIdentifier(using: &generator)
        do {
            let (description, audio) = try answer(offer, on: leg)
            let (call, effects) = Call.inbound(identifier, far: leg, now: .now())
            callOfLeg[leg] = identifier
            calls[identifier] = OngoingCall(
                call: call, ringing: idle, from: from, name: name, trunkDescription: description, trunkAudio: audio)
            traceLeg(leg, of: identifier)
            media.setTrunkAudio(leg, audio)
            record(.callCreated, identifier) { $0.pages = idle.count }
            for connection in idle.sorted(by: { $0.description < $1.description }) {
                publish(.incoming(connection: connection, call: identifier, from: from, name: name))
            }
            carryOut(effects, of: identifier)
        } catch {
            media.close(leg)
            log.debug("A call's sound offer cannot be used.", metadata: ["error": "\(error)"])
            recordRefusal(from: from, (error as? Problem) ?? EndReason.noCommonCodec.problem)
            perform(userAgent.reject(leg, status: 488, now: .now(), using: &generator))
        }
    }

    private func answer(_ offer: [UInt8]?, on leg: LegIdentifier) throws -> (SessionDescription, TrunkAudio) {
        guard let trunk = settings.trunk, let route = trunkRoute, let offer else {
            throw EndReason.noCommonCodec.problem
        }
        let port = try media.openTrunkLeg(leg)
        let (answer, audio) = try TrunkAnswer.make(
            to: SessionDescription(offer),
            local: NetworkAddress(host: Self.contactHost(settings, local: route.local), port: port),
            sessionID: UInt64.random(in: 1...UInt64(Int64.max), using: &generator),
            codecs: trunk.codecs.compactMap(AudioCodec.init))
        return (answer, audio)
    }
}
