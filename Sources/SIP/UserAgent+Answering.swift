import SIPMessage
package import Wire

/// Calls that come in (RFC 3261 §13.3).
extension UserAgent {
    /// Tells the caller that it rings: 180.
    package mutating func ring(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        answer(leg, 180, body: [], now: now, using: &generator)
        return drain()
    }

    /// Opens the audio before the answer: 183 with a session description.
    package mutating func progress(
        _ leg: LegIdentifier, body: [UInt8], now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        answer(leg, 183, body: body, now: now, using: &generator)
        return drain()
    }

    /// Takes the call: 200, repeated until its ACK comes.
    /// - Parameter answer: a session description; our offer, if the INVITE had none.
    package mutating func accept(
        _ leg: LegIdentifier, answer body: [UInt8], now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let state = legs[leg], case .ringing(let ringing) = state.phase,
            let target = layer.replyAddress(of: ringing.transaction)
        else { return [] }
        deadlines.set(nil, for: .ringing(leg))
        let response = response(
            to: ringing.invite, 200, tag: state.key.localTag, trunk: state.trunk, body: body)
        let waiting = unacknowledged(response, to: ringing.invite, target: target, isInitial: true, now: now)
        legs[leg]?.localBody = body
        legs[leg]?.phase = .connected(
            Leg.Connected(dialog: ringing.dialog, authentication: Authentication(), unacknowledged: waiting))
        deadlines.set(now + timers.t1, for: .answer(leg))
        apply(layer.respond(response, to: ringing.transaction, now: now), now: now, using: &generator)
        return drain()
    }

    /// Refuses the call.
    /// - Parameter status: 300...699; anything else becomes 480.
    package mutating func reject(
        _ leg: LegIdentifier, status: Int, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        refuse(leg, (300...699).contains(status) ? status : 480, .localHangUp, now: now, using: &generator)
        return drain()
    }

    private mutating func answer(
        _ leg: LegIdentifier, _ status: Int, body: [UInt8], now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg], case .ringing(let ringing) = state.phase else { return }
        if !body.isEmpty { legs[leg]?.localBody = body }
        let response = response(
            to: ringing.invite, status, tag: state.key.localTag, trunk: state.trunk, body: body)
        apply(layer.respond(response, to: ringing.transaction, now: now), now: now, using: &generator)
    }

    func unacknowledged(
        _ response: SIPResponse, to invite: SIPRequest, target: NetworkAddress, isInitial: Bool, now: MonotonicTime
    ) -> Leg.Unacknowledged {
        Leg.Unacknowledged(
            response: Datagram(bytes: response.serialized(), target: target),
            sequence: invite.headers.cseq?.number ?? 0, awaitsAnswer: !invite.carriesSession, isInitial: isInitial,
            resendAt: now + timers.t1, interval: timers.t1, giveUpAt: now + timers.transactionTimeout)
    }

    /// A new call, from the trunk's target and well-formed as far as `received` looked.
    mutating func incoming(
        _ request: SIPRequest, _ facts: MessageFacts, trunk: Trunk, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        let origin = Origin(callID: facts.callID, fromTag: facts.fromTag, sequence: facts.sequence)
        if origins[origin] != nil { return respondStatelessly(482, to: request, from: source) }
        if !request.body.isEmpty, !request.carriesSession {
            return respondStatelessly(415, to: request, from: source)
        }
        let tag = hexadecimal(bytes: 8, using: &generator)
        guard let dialog = Dialog(invite: request, localTag: tag), let from = request.headers.from,
            let to = request.headers.to
        else { return respondStatelessly(400, to: request, from: source) }
        guard legs.count < Self.legLimit, let transaction = layer.open(request, from: source) else {
            return respondStatelessly(503, to: request, from: source)
        }
        let leg = LegIdentifier(number: nextInboundLeg)
        nextInboundLeg &+= 1
        let key = DialogKey(callID: facts.callID, localTag: tag)
        uses[transaction] = .serving(leg)
        legs[leg] = Leg(
            trunk: trunk, key: key,
            phase: .ringing(Leg.Ringing(transaction: transaction, invite: request, dialog: dialog)), localBody: [],
            origin: origin)
        dialogs[key] = leg
        origins[origin] = leg
        deadlines.set(now + Self.ringingLimit, for: .ringing(leg))
        let trying = SIPResponse(to: request, status: 100)
        apply(layer.respond(trying, to: transaction, now: now), now: now, using: &generator)
        outbox.append(
            .event(
                .incoming(
                    leg, from: Redacted(from.uri.user ?? ""), displayName: from.displayName.map { Redacted($0) },
                    to: Redacted(to.uri.user ?? ""), offer: request.carriesSession ? request.body : nil)))
    }

    /// CANCEL (RFC 3261 §9.2).
    mutating func cancelled(
        _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let transaction = layer.invite(cancelledBy: request) else {
            return respondStatelessly(481, to: request, from: source)
        }
        var tag = ""
        var ringing: LegIdentifier?
        if case .serving(let leg)? = uses[transaction], let state = legs[leg] {
            tag = state.key.localTag
            if case .ringing = state.phase { ringing = leg }
        } else {
            tag = hexadecimal(bytes: 8, using: &generator)
        }
        respond(
            response(to: request, 200, tag: tag), to: request, from: source, now: now, using: &generator)
        if let ringing { refuse(ringing, 487, .cancelledByRemote, now: now, using: &generator) }
    }

    mutating func ringingDue(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        refuse(leg, 480, .noReply, now: now, using: &generator)
    }

    /// Repeats a 2xx, or gives its ACK up.
    mutating func answerDue(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg], case .connected(var connected) = state.phase,
            var waiting = connected.unacknowledged
        else { return }
        guard waiting.giveUpAt > now else {
            sayGoodbye(leg, now: now, using: &generator)
            return end(leg, .acknowledgementMissing)
        }
        outbox.append(.send(waiting.response.bytes, to: waiting.response.target))
        waiting.interval = timers.doubled(waiting.interval)
        waiting.resendAt = min(now + waiting.interval, waiting.giveUpAt)
        connected.unacknowledged = waiting
        legs[leg]?.phase = .connected(connected)
        deadlines.set(waiting.resendAt, for: .answer(leg))
    }

    /// An ACK that belongs to a 2xx.
    mutating func acknowledged(
        _ request: SIPRequest, _ facts: MessageFacts, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let leg = dialogs[DialogKey(callID: facts.callID, localTag: facts.toTag ?? "")], let state = legs[leg],
            case .connected(var connected) = state.phase, let waiting = connected.unacknowledged,
            waiting.sequence == facts.sequence, connected.dialog.remoteTag == facts.fromTag
        else { return }
        connected.unacknowledged = nil
        legs[leg]?.phase = .connected(connected)
        deadlines.set(nil, for: .answer(leg))
        if state.isOver {
            sayGoodbye(leg, now: now, using: &generator)
            return end(leg, .localHangUp)
        }
        guard waiting.awaitsAnswer, request.carriesSession else { return }
        outbox.append(
            .event(
                waiting.isInitial
                    ? .answered(leg, body: request.body) : .renegotiated(leg, offer: request.body)))
    }
}
