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

    /// Takes the call: 200, repeated until its ACK comes. If this call replaces another, that one ends.
    /// - Parameter answer: a session description; our offer, if the INVITE had none.
    package mutating func accept(
        _ leg: LegIdentifier, answer body: [UInt8], now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard case .ringing(var ringing)? = legs[leg]?.phase else { return [] }
        if ringing.provisional?.holdsAnswerBack == true {
            ringing.acceptance = body
            legs[leg]?.phase = .ringing(ringing)
        } else {
            accept(leg, ringing, body, now: now, using: &generator)
        }
        return drain()
    }

    mutating func accept(
        _ leg: LegIdentifier, _ ringing: Leg.Ringing, _ answer: [UInt8], now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard var state = legs[leg], let target = layer.replyAddress(of: ringing.transaction) else { return }
        for deadline in [Deadline.ringing(leg), .provisional(leg)] { deadlines.set(nil, for: deadline) }
        // Offer and answer went through 183 and PRACK: the 200 must not begin anew.
        let isDone = ringing.isAgreed && !ringing.invite.carriesSession
        let body = isDone ? [] : answer
        var success = response(
            to: ringing.invite, 200, tag: state.key.localTag, contact: contact(state.trunk), body: body)
        var connected = Leg.Connected(dialog: ringing.dialog, responseNumber: ringing.provisional?.number)
        connected.timer = SessionTimer(request: ringing.invite.headers, running: nil, now: now)
        connected.timer?.describe(response: &success.headers)
        deadlines.set(connected.timer?.nextDeadline, for: .session(leg))
        connected.unacknowledged = unacknowledged(
            success, to: ringing.invite, target: target, isInitial: true, isDone: isDone, now: now)
        if !body.isEmpty { state.localBody = body }
        state.phase = .connected(connected)
        legs[leg] = state
        deadlines.set(now + timers.t1, for: .answer(leg))
        apply(layer.respond(success, to: ringing.transaction, now: now), now: now, using: &generator)
        if let replaced = state.replaced {
            terminate(replaced, .replaced, nil, now: now, using: &generator)
        }
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
        guard let state = legs[leg], case .ringing(var ringing) = state.phase else { return }
        if !body.isEmpty { legs[leg]?.localBody = body }
        if var provisional = ringing.provisional {
            // The first reliable answer to an INVITE without an offer has to make it (RFC 3261 §13.2.1).
            guard ringing.invite.carriesSession || !body.isEmpty || ringing.isAgreed else { return }
            let effects = provisional.offered(.init(status: status, body: body), now: now)
            ringing.provisional = provisional
            legs[leg]?.phase = .ringing(ringing)
            return carryOut(effects, leg, now: now, using: &generator)
        }
        let response = response(
            to: ringing.invite, status, tag: state.key.localTag, contact: contact(state.trunk), body: body)
        apply(layer.respond(response, to: ringing.transaction, now: now), now: now, using: &generator)
    }

    func unacknowledged(
        _ response: SIPResponse, to invite: SIPRequest, target: NetworkAddress, isInitial: Bool, isDone: Bool = false,
        now: MonotonicTime
    ) -> Leg.Unacknowledged {
        Leg.Unacknowledged(
            response: Datagram(bytes: response.serialized(), target: target),
            sequence: invite.headers.cseq?.number ?? 0, awaitsAnswer: !invite.carriesSession && !isDone,
            isInitial: isInitial,
            resendAt: now + timers.t1, interval: timers.t1, giveUpAt: now + timers.transactionTimeout)
    }

    /// A new call, from the trunk's target and well-formed as far as `received` looked.
    mutating func incoming(
        _ request: SIPRequest, _ facts: MessageFacts, trunk called: Trunk, from peer: SIPPeer, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        let source = peer.address
        var trunk = called
        if source.family != trunk.target.family { trunk.callFamily = source.family }
        let origin = Origin(callID: facts.callID, fromTag: facts.fromTag, sequence: facts.sequence)
        if origins[origin] != nil { return respondStatelessly(482, to: request, from: source) }
        if !request.body.isEmpty, !request.carriesSession {
            return respondStatelessly(415, to: request, from: source)
        }
        if !request.headers.acceptsSession { return respondStatelessly(406, to: request, from: source) }
        if SessionTimer.isTooShort(request.headers) { return respondStatelessly(422, to: request, from: source) }
        var replaced: LegIdentifier?
        if asksOwner, request.headers.contains(.replaces) {
            switch replacement(by: request) {
            case .success(let leg): replaced = leg
            case .failure(let refusal): return respondStatelessly(refusal.status, to: request, from: source)
            }
        }
        let tag = hexadecimal(bytes: 8, using: &generator)
        guard var dialog = Dialog(invite: request, localTag: tag), let to = request.headers.to,
            let caller = CallerIdentity(request.headers)
        else { return respondStatelessly(400, to: request, from: source) }
        if source.host != trunk.target.host { dialog.caller = peer }
        guard legs.count < Self.legLimit, let transaction = layer.open(request, from: source) else {
            return respondStatelessly(503, to: request, from: source)
        }
        let leg = LegIdentifier(number: nextInboundLeg)
        nextInboundLeg &+= 1
        let key = DialogKey(callID: facts.callID, localTag: tag)
        uses[transaction] = .serving(leg)
        var ringing = Leg.Ringing(transaction: transaction, invite: request, dialog: dialog)
        if isReliable(request, trunk) {
            let number = UInt32.random(in: 0..<1 << 30, using: &generator)
            ringing.provisional = ReliableProvisional(timers: timers, number: number)
        }
        var state = Leg(
            trunk: trunk, key: key, phase: .ringing(ringing), localBody: [], remoteBody: request.session, origin: origin
        )
        state.peerMethods = request.headers.allow.isEmpty ? nil : request.headers.allow
        state.caller = caller
        state.replaced = replaced
        legs[leg] = state
        dialogs[key] = leg
        origins[origin] = leg
        deadlines.set(now + Self.ringingLimit, for: .ringing(leg))
        let trying = SIPResponse(to: request, status: 100)
        apply(layer.respond(trying, to: transaction, now: now), now: now, using: &generator)
        let called = Redacted(to.uri.user ?? "")
        let offer = request.carriesSession ? request.session : nil
        outbox.append(
            .event(
                replaced.map {
                    .incomingReplacement(
                        leg, of: $0, from: caller.number, displayName: caller.displayName, to: called, offer: offer)
                }
                    ?? .incoming(
                        leg, from: caller.number, displayName: caller.displayName, to: called, offer: offer)))
    }

    /// Who calls, as far as the trunk vouches for it; nil for calls that we make, and after the end.
    package func caller(of leg: LegIdentifier) -> CallerIdentity? { legs[leg]?.caller }

    private func isReliable(_ invite: SIPRequest, _ trunk: Trunk) -> Bool {
        invite.headers.require.contains("100rel")
            || trunk.prefersReliableProvisional && invite.headers.supported.contains("100rel")
    }

    /// CANCEL (RFC 3261 §9.2), also of a re-INVITE.
    mutating func cancelled(
        _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let transaction = layer.invite(cancelledBy: request) else {
            return respondStatelessly(481, to: request, from: source)
        }
        var cancelled: LegIdentifier?
        switch uses[transaction] {
        case .serving(let leg), .questioned(let leg): cancelled = leg
        default: break
        }
        let tag = cancelled.flatMap { legs[$0]?.key.localTag } ?? hexadecimal(bytes: 8, using: &generator)
        respond(response(to: request, 200, tag: tag), to: request, from: source, now: now, using: &generator)
        guard let leg = cancelled, let state = legs[leg] else { return }
        if case .ringing = state.phase {
            tellReasons(leg, request.headers)
            refuse(leg, 487, .cancelledByRemote, now: now, using: &generator)
        } else if state.offerQuestion?.transaction == transaction, let question = takeOfferQuestion(leg) {
            refuse(leg, question, 487, now: now, using: &generator)
            exchange(leg, now: now, using: &generator)
        }
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
            return end(leg, .acknowledgementMissing, now: now, using: &generator)
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
            return end(leg, .localHangUp, now: now, using: &generator)
        }
        exchange(leg, now: now, using: &generator)
        guard waiting.awaitsAnswer else { return }
        let answer = request.session
        if !answer.isEmpty { legs[leg]?.remoteBody = answer }
        switch (waiting.isInitial, asksOwner) {
        case (true, _): outbox.append(.event(.answered(leg, body: answer)))
        case (false, true): outbox.append(.event(.agreed(leg, answer: answer)))
        case (false, false): if !answer.isEmpty { outbox.append(.event(.renegotiated(leg, offer: answer))) }
        }
    }
}
