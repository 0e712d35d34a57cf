package import SIPMessage
package import Wire

/// How calls end (RFC 3261 §15).
extension UserAgent {
    /// Ends a call in the way that its state wants: CANCEL, BYE, or a refusal. `ended` is told at once; what the
    /// protocol still owes runs on.
    /// - Parameter reason: for the other side (RFC 3326).
    package mutating func hangUp(
        _ leg: LegIdentifier, reason: SIPReason? = nil, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        terminate(leg, .localHangUp, reason, now: now, using: &generator)
        return drain()
    }

    mutating func terminate(
        _ leg: LegIdentifier, _ end: LegEnd, _ reason: SIPReason?, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg], !state.isOver else { return }
        switch state.phase {
        case .ringing: refuse(leg, 480, end, now: now, using: &generator)
        case .calling(let calling):
            self.end(leg, end, now: now, using: &generator)
            // Only once something came back; otherwise as soon as it does.
            let cancellation = layer.cancel(calling.invite, reason: reason, now: now)
            if layer.request(of: calling.invite) != nil {
                uses[calling.invite] = .leftover(
                    Leftover(
                        trunk: state.trunk, authentication: state.authentication,
                        isToBeCancelled: cancellation.isEmpty, reason: reason, acknowledgements: [:],
                        early: calling.early.mapValues(\.dialog)))
            }
            apply(cancellation, now: now, using: &generator)
        case .connected(let connected):
            // A callee may not send BYE before the ACK (RFC 3261 §15): the caller might not know the dialog yet.
            if connected.unacknowledged?.isInitial == true {
                legs[leg]?.isOver = true
                overCount += 1
                outbox.append(.event(.ended(leg, end)))
            } else {
                sayGoodbye(leg, reason, now: now, using: &generator)
                self.end(leg, end, now: now, using: &generator)
            }
        }
    }

    /// Sends BYE on a connected leg.
    mutating func sayGoodbye(
        _ leg: LegIdentifier, _ reason: SIPReason? = nil, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg], let connected = state.connected else { return }
        let parting = Parting(
            dialog: connected.dialog, trunk: state.trunk, authentication: state.authentication, reason: reason)
        part(parting, now: now, using: &generator)
    }

    mutating func part(
        _ old: Parting, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        var parting = old
        var fields = [SIPHeaders.Field(.userAgent, product)]
        if let reason = parting.reason { fields.append(SIPHeaders.Field(.reason, reason.text)) }
        let target = nextHop(of: parting.dialog, parting.trunk)
        // Credentials are for the trunk's eyes only.
        if target.host == parting.trunk.target.host {
            fields += parting.authentication.credentials(
                of: parting.trunk, method: .bye, uri: parting.dialog.requestURI, using: &generator)
        }
        guard
            let bye = parting.dialog.request(
                .bye, sequence: parting.dialog.nextSequence(),
                via: via(parting.trunk, in: parting.dialog, using: &generator), fields: fields)
        else { return }
        _ = send(bye, to: target, for: .parting(parting), now: now, using: &generator)
    }

    mutating func byeAnswered(
        _ old: Parting, _ response: SIPResponse, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        var parting = old
        guard response.status == 401 || response.status == 407,
            parting.authentication.receivedChallenge(
                response.status, response.headers.challenges(response.status),
                mayAnswer: mayAnswer(parting.trunk, from: source))
        else { return }
        part(parting, now: now, using: &generator)
    }

    /// Refuses a ringing call.
    mutating func refuse(
        _ leg: LegIdentifier, _ status: Int, _ reason: LegEnd, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg], case .ringing(let ringing) = state.phase else { return }
        end(leg, reason, now: now, using: &generator)
        let response = response(to: ringing.invite, status, tag: state.key.localTag)
        apply(layer.respond(response, to: ringing.transaction, now: now), now: now, using: &generator)
    }

    /// Tells why the other side ends a call, if it says.
    mutating func tellReasons(_ leg: LegIdentifier, _ headers: SIPHeaders) {
        guard legs[leg]?.isOver == false else { return }
        for reason in headers.reasons.prefix(4) { outbox.append(.event(.reason(leg, reason))) }
    }

    /// Forgets a leg and tells why, unless that was told before. What its INVITE may still bring stays with the
    /// transaction.
    mutating func end(
        _ leg: LegIdentifier, _ reason: LegEnd, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        // Whoever still waits for an answer of ours is told that the call is over (RFC 3261 §15.1.2).
        if let question = takeOfferQuestion(leg) { refuse(leg, question, 487, now: now, using: &generator) }
        if let question = takeTransferQuestion(leg) { refuse(leg, question, 487, now: now, using: &generator) }
        guard let state = legs.removeValue(forKey: leg) else { return }
        dialogs[state.key] = nil
        if let origin = state.origin { origins[origin] = nil }
        for deadline in [
            Deadline.silence(leg), .answer(leg), .ringing(leg), .provisional(leg), .question(leg), .exchange(leg),
            .session(leg),
        ] { deadlines.set(nil, for: deadline) }
        switch state.phase {
        case .calling(let calling): uses[calling.invite] = nil
        case .ringing(let ringing): uses[ringing.transaction] = nil
        case .connected(let connected):
            if let invite = connected.invite, uses[invite] != nil {
                uses[invite] = .leftover(
                    Leftover(
                        trunk: state.trunk, authentication: state.authentication, isToBeCancelled: false,
                        acknowledgements: connected.acknowledgements, early: connected.early))
            }
            leave(connected.exchange, of: state, connected.dialog, using: &generator)
        }
        if state.isOver {
            overCount -= 1
        } else {
            outbox.append(.event(.ended(leg, reason)))
        }
    }

    /// A re-INVITE on its way may still be answered with 2xx, which then wants its ACK.
    private mutating func leave(
        _ exchange: OfferExchange, of state: Leg, _ dialog: Dialog, using generator: inout some RandomNumberGenerator
    ) {
        guard let identifier = exchange.pending?.transaction, uses[identifier] != nil,
            let invite = layer.request(of: identifier), invite.method == .invite,
            let ack = acknowledgement(of: invite, in: dialog, trunk: state.trunk, using: &generator)
        else { return }
        uses[identifier] = .leftover(
            Leftover(
                trunk: state.trunk, authentication: state.authentication, isToBeCancelled: false,
                acknowledgements: [dialog.remoteTag: ack]))
    }
}
