import SIPMessage
import Wire

/// Requests of others (RFC 3261 §8.2).
extension UserAgent {
    mutating func received(
        _ unnoted: SIPRequest, from peer: SIPPeer, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        let source = peer.address
        var request = unnoted
        request.note(source: source)
        guard let facts = MessageFacts(request) else { return }
        if case .absorbed(let effects) = layer.received(request, now: now) {
            return apply(effects, now: now, using: &generator)
        }
        switch (request.method, facts.toTag) {
        case (.ack, _): acknowledged(request, facts, now: now, using: &generator)
        case (.cancel, _): cancelled(request, from: source, now: now, using: &generator)
        case (_, let tag?):
            let key = DialogKey(callID: facts.callID, localTag: tag)
            if let leg = dialogs[key] {
                receivedInside(leg, request, facts, from: source, now: now, using: &generator)
            } else if request.method == .options {
                respondStatelessly(200, to: request, from: source)
            } else {
                respondStatelessly(481, to: request, from: source)
            }
        case (_, nil): receivedOutside(request, facts, from: peer, now: now, using: &generator)
        }
    }

    /// A request that belongs to no dialog: a new call, or something that needs no memory to be answered.
    private mutating func receivedOutside(
        _ request: SIPRequest, _ facts: MessageFacts, from peer: SIPPeer, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        let status: Int
        switch request.method {
        // Whoever is meant answers (RFC 4475 §3.3.11); a call may go on from here, as it does through a proxy (RFC 7332).
        case .invite where request.headers.maxForwards == 0: status = 483
        case .options where request.uri.sip == nil: status = 416
        case .options: status = unsupported(request).isEmpty ? 200 : 420
        case .invite:
            guard let trunk = trunk(of: request, from: peer) else {
                status = inUse.isEmpty ? 480 : 403
                break
            }
            guard request.uri.sip != nil else {
                status = 416
                break
            }
            guard unsupported(request).isEmpty else {
                status = 420
                break
            }
            return incoming(request, facts, trunk: trunk, from: peer, now: now, using: &generator)
        case .bye, .update, .info, .prack, .notify: status = 481
        // Whoever is not in a call has nobody to send anywhere.
        case .refer: status = 403
        default: status = SIPMethod.registered.contains(request.method) ? 405 : 501
        }
        respondStatelessly(status, to: request, from: peer.address)
    }

    /// A request within a call.
    private mutating func receivedInside(
        _ leg: LegIdentifier, _ request: SIPRequest, _ facts: MessageFacts, from source: NetworkAddress,
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard var state = legs[leg], var dialog = state[dialog: facts.fromTag] else {
            return respondStatelessly(481, to: request, from: source)
        }
        guard dialog.received(request) else { return respondStatelessly(500, to: request, from: source) }
        state[dialog: facts.fromTag] = dialog
        if !request.headers.allow.isEmpty { state.peerMethods = request.headers.allow }
        legs[leg] = state
        let status: Int
        var news: UserAgentEvent?
        switch request.method {
        case .bye: return receivedBye(leg, state, request, from: source, now: now, using: &generator)
        case _ where !unsupported(request).isEmpty: status = 420
        case .invite, .update: return offered(leg, request, from: source, now: now, using: &generator)
        case .prack: return receivedPrack(leg, request, from: source, now: now, using: &generator)
        case .refer: return receivedRefer(leg, request, from: source, now: now, using: &generator)
        case .info: (status, news) = receivedInfo(leg, request)
        case .notify: (status, news) = receivedNotify(leg, request)
        case .options: status = 200
        default: status = SIPMethod.registered.contains(request.method) ? 405 : 501
        }
        let response = response(to: request, status, tag: state.key.localTag)
        respond(response, to: request, from: source, now: now, using: &generator)
        // Last: whoever is told may end the call at once, and its BYE is not to overtake the answer.
        if let news { outbox.append(.event(news)) }
    }

    /// RFC 3261 §15.1.2.
    private mutating func receivedBye(
        _ leg: LegIdentifier, _ state: Leg, _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        // A callee may not end what it has not answered.
        if case .calling = state.phase {
            let refusal = response(to: request, 481, tag: state.key.localTag)
            return respond(refusal, to: request, from: source, now: now, using: &generator)
        }
        let success = response(to: request, 200, tag: state.key.localTag)
        respond(success, to: request, from: source, now: now, using: &generator)
        tellReasons(leg, request.headers)
        if case .ringing = state.phase {
            refuse(leg, 487, .cancelledByRemote, now: now, using: &generator)
        } else {
            let wasUnheard = state.connected?.wasUnheard(at: now) ?? false
            end(leg, wasUnheard ? .acknowledgementUnheard : .remoteHangUp, now: now, using: &generator)
        }
    }
}
