import SIPMessage
import Wire

/// Requests of others (RFC 3261 §8.2).
extension UserAgent {
    mutating func received(
        _ unnoted: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
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
        case (_, nil): receivedOutside(request, facts, from: source, now: now, using: &generator)
        }
    }

    /// A request that belongs to no dialog: a new call, or something that needs no memory to be answered.
    private mutating func receivedOutside(
        _ request: SIPRequest, _ facts: MessageFacts, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        let trunk = current.flatMap { accounts[$0]?.trunk }
        let status: Int
        switch request.method {
        case _ where request.headers.maxForwards == 0: status = 483
        case .options: status = request.headers.require.isEmpty ? 200 : 420
        case .invite:
            guard let trunk else {
                status = 480
                break
            }
            guard source.host == trunk.target.host else {
                status = 403
                break
            }
            guard request.uri.sip != nil else {
                status = 416
                break
            }
            guard request.headers.require.isEmpty else {
                status = 420
                break
            }
            return incoming(request, facts, trunk: trunk, from: source, now: now, using: &generator)
        case .bye, .update, .info, .prack: status = 481
        default: status = SIPMethod.registered.contains(request.method) ? 405 : 501
        }
        respondStatelessly(status, to: request, from: source)
    }

    /// A request within a call.
    private mutating func receivedInside(
        _ leg: LegIdentifier, _ request: SIPRequest, _ facts: MessageFacts, from source: NetworkAddress,
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard var state = legs[leg] else { return respondStatelessly(481, to: request, from: source) }
        let tag = state.key.localTag
        switch state.phase {
        case .calling: break
        case .ringing(var ringing):
            guard ringing.dialog.remoteTag == facts.fromTag else {
                return respondStatelessly(481, to: request, from: source)
            }
            guard ringing.dialog.received(request) else {
                return respondStatelessly(500, to: request, from: source)
            }
            state.phase = .ringing(ringing)
        case .connected(var connected):
            guard connected.dialog.remoteTag == facts.fromTag else {
                return respondStatelessly(481, to: request, from: source)
            }
            guard connected.dialog.received(request) else {
                return respondStatelessly(500, to: request, from: source)
            }
            state.phase = .connected(connected)
        }
        legs[leg] = state
        guard request.headers.require.isEmpty || request.method == .bye else {
            return respond(
                response(to: request, 420, tag: tag), to: request, from: source, now: now, using: &generator)
        }
        switch request.method {
        case .bye: receivedBye(leg, state, request, from: source, now: now, using: &generator)
        case .invite, .update: renegotiate(leg, state, request, from: source, now: now, using: &generator)
        case .info, .options:
            respond(response(to: request, 200, tag: tag), to: request, from: source, now: now, using: &generator)
        case .prack:
            respond(response(to: request, 481, tag: tag), to: request, from: source, now: now, using: &generator)
        default:
            let status = SIPMethod.registered.contains(request.method) ? 405 : 501
            respond(response(to: request, status, tag: tag), to: request, from: source, now: now, using: &generator)
        }
    }

    /// RFC 3261 §15.1.2.
    private mutating func receivedBye(
        _ leg: LegIdentifier, _ state: Leg, _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        let tag = state.key.localTag
        switch state.phase {
        case .calling:
            // A callee may not end what it has not answered.
            respond(response(to: request, 481, tag: tag), to: request, from: source, now: now, using: &generator)
        case .ringing:
            respond(response(to: request, 200, tag: tag), to: request, from: source, now: now, using: &generator)
            refuse(leg, 487, .cancelledByRemote, now: now, using: &generator)
        case .connected:
            respond(response(to: request, 200, tag: tag), to: request, from: source, now: now, using: &generator)
            end(leg, .remoteHangUp)
        }
    }

    /// Re-INVITE and UPDATE (RFC 3261 §14.2, RFC 3311 §5.2): answered at once with what we said last.
    private mutating func renegotiate(
        _ leg: LegIdentifier, _ state: Leg, _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        let tag = state.key.localTag
        let isInvite = request.method == .invite
        guard case .connected(var connected) = state.phase, connected.unacknowledged == nil else {
            // The last exchange of offers is not over: try again later.
            respond(
                response(to: request, isInvite ? 500 : 491, tag: tag), to: request, from: source, now: now,
                using: &generator)
            return
        }
        var body: [UInt8] = []
        if request.carriesSession {
            guard let answer = SessionRenewal.answer(to: request.body, last: state.localBody) else {
                respond(
                    response(to: request, 488, tag: tag), to: request, from: source, now: now, using: &generator)
                return
            }
            body = answer
        } else if isInvite {
            body = SessionRenewal.offer(last: state.localBody)
        }
        let success = response(to: request, 200, tag: tag, trunk: state.trunk, body: body)
        guard let transaction = layer.open(request, from: source) else {
            return respondStatelessly(503, to: request, from: source)
        }
        if !body.isEmpty { legs[leg]?.localBody = body }
        if isInvite, let target = layer.replyAddress(of: transaction) {
            connected.unacknowledged = unacknowledged(
                success, to: request, target: target, isInitial: false, now: now)
            legs[leg]?.phase = .connected(connected)
            deadlines.set(now + timers.t1, for: .answer(leg))
        }
        apply(layer.respond(success, to: transaction, now: now), now: now, using: &generator)
        if request.carriesSession { outbox.append(.event(.renegotiated(leg, offer: request.body))) }
    }
}
