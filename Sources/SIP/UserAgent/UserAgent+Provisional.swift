import SIPMessage
import Wire

/// Provisional responses of ours that the caller acknowledges (RFC 3262 §3).
extension UserAgent {
    mutating func carryOut(
        _ effects: [ReliableProvisional.Effect], _ leg: LegIdentifier, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        for effect in effects {
            guard let state = legs[leg], case .ringing(let ringing) = state.phase else { return }
            switch effect {
            case .send(let content, let number):
                var response = response(
                    to: ringing.invite, content.status, tag: state.key.localTag, contact: contact(state.trunk),
                    body: content.body)
                response.headers.append(.require, "100rel")
                response.headers.rSeq = number
                apply(layer.respond(response, to: ringing.transaction, now: now), now: now, using: &generator)
            case .resend:
                apply(layer.repeatResponse(of: ringing.transaction), now: now, using: &generator)
            case .giveUp: return refuse(leg, 504, .acknowledgementMissing, now: now, using: &generator)
            }
        }
        if case .ringing(let ringing)? = legs[leg]?.phase {
            deadlines.set(ringing.provisional?.nextDeadline, for: .provisional(leg))
        }
    }

    mutating func provisionalDue(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard case .ringing(var ringing)? = legs[leg]?.phase,
            let effects = ringing.provisional?.timePassed(to: now)
        else { return }
        legs[leg]?.phase = .ringing(ringing)
        carryOut(effects, leg, now: now, using: &generator)
    }

    mutating func receivedPrack(
        _ leg: LegIdentifier, _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg] else { return }
        let tag = state.key.localTag
        let unknown = response(to: request, 481, tag: tag)
        guard let rAck = request.headers.rAck, rAck.cseq.method == .invite, state.isInvite(rAck.cseq.number) else {
            return respond(unknown, to: request, from: source, now: now, using: &generator)
        }
        switch state.phase {
        case .calling: respond(unknown, to: request, from: source, now: now, using: &generator)
        case .connected(var connected):
            // The 200 overtook it.
            guard connected.responseNumber == rAck.rseq else {
                return respond(unknown, to: request, from: source, now: now, using: &generator)
            }
            connected.responseNumber = nil
            legs[leg]?.connected = connected
            respond(response(to: request, 200, tag: tag), to: request, from: source, now: now, using: &generator)
        case .ringing(var ringing):
            guard let (content, effects) = ringing.provisional?.acknowledged(rAck.rseq, now: now) else {
                return respond(unknown, to: request, from: source, now: now, using: &generator)
            }
            let completesOffer = !content.body.isEmpty && !ringing.isAgreed && !ringing.invite.carriesSession
            if !content.body.isEmpty { ringing.isAgreed = true }
            legs[leg]?.phase = .ringing(ringing)
            if request.carriesSession, !completesOffer {
                // Offer and answer are through; this is the next offer.
                offered(leg, request, from: source, now: now, using: &generator)
            } else {
                respond(response(to: request, 200, tag: tag), to: request, from: source, now: now, using: &generator)
                if completesOffer {
                    legs[leg]?.remoteBody = request.session
                    outbox.append(.event(.agreed(leg, answer: request.session)))
                }
            }
            carryOut(effects, leg, now: now, using: &generator)
            guard case .ringing(let next)? = legs[leg]?.phase, let answer = next.acceptance,
                next.provisional?.holdsAnswerBack != true
            else { return }
            accept(leg, next, answer, now: now, using: &generator)
        }
    }
}

extension Leg {
    /// Whether this is the number of the INVITE that made the leg.
    fileprivate func isInvite(_ sequence: UInt32) -> Bool { origin?.sequence == sequence }
}
