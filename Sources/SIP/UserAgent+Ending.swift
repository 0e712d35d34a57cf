import SIPMessage
package import Wire

/// How calls end (RFC 3261 §15).
extension UserAgent {
    /// Ends a call in the way that its state wants: CANCEL, BYE, or a refusal. `ended` is told at once; what the
    /// protocol still owes runs on.
    package mutating func hangUp(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let state = legs[leg], !state.isOver else { return [] }
        switch state.phase {
        case .ringing: refuse(leg, 480, .localHangUp, now: now, using: &generator)
        case .calling(let calling):
            end(leg, .localHangUp)
            // Only once something came back; otherwise as soon as it does.
            let cancellation = layer.cancel(calling.invite, now: now)
            if layer.request(of: calling.invite) != nil {
                uses[calling.invite] = .leftover(
                    Leftover(
                        trunk: state.trunk, authentication: calling.authentication,
                        isToBeCancelled: cancellation.isEmpty, acknowledgements: [:]))
            }
            apply(cancellation, now: now, using: &generator)
        case .connected(let connected):
            // A callee may not send BYE before the ACK (RFC 3261 §15): the caller might not know the dialog yet.
            if connected.unacknowledged != nil {
                legs[leg]?.isOver = true
                overCount += 1
                outbox.append(.event(.ended(leg, .localHangUp)))
            } else {
                sayGoodbye(leg, now: now, using: &generator)
                end(leg, .localHangUp)
            }
        }
        return drain()
    }

    /// Sends BYE on a connected leg.
    mutating func sayGoodbye(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg], case .connected(let connected) = state.phase else { return }
        part(
            Parting(dialog: connected.dialog, trunk: state.trunk, authentication: connected.authentication), now: now,
            using: &generator)
    }

    mutating func part(
        _ old: Parting, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        var parting = old
        var fields = [SIPHeaders.Field(.userAgent, product)]
        let target = nextHop(of: parting.dialog, parting.trunk)
        // Credentials are for the trunk's eyes only.
        if target.host == parting.trunk.target.host {
            fields += parting.authentication.credentials(
                of: parting.trunk, method: .bye, uri: parting.dialog.requestURI, using: &generator)
        }
        guard
            let bye = parting.dialog.request(
                .bye, sequence: parting.dialog.nextSequence(), via: via(using: &generator), fields: fields)
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
        end(leg, reason)
        let response = response(to: ringing.invite, status, tag: state.key.localTag)
        apply(layer.respond(response, to: ringing.transaction, now: now), now: now, using: &generator)
    }

    /// Forgets a leg and tells why, unless that was told before. What its INVITE may still bring stays with the
    /// transaction.
    mutating func end(_ leg: LegIdentifier, _ reason: LegEnd) {
        guard let state = legs.removeValue(forKey: leg) else { return }
        dialogs[state.key] = nil
        if let origin = state.origin { origins[origin] = nil }
        for deadline in [Deadline.silence(leg), .answer(leg), .ringing(leg)] { deadlines.set(nil, for: deadline) }
        switch state.phase {
        case .calling(let calling): uses[calling.invite] = nil
        case .ringing(let ringing): uses[ringing.transaction] = nil
        case .connected(let connected):
            if let invite = connected.invite, uses[invite] != nil {
                uses[invite] = .leftover(
                    Leftover(
                        trunk: state.trunk, authentication: connected.authentication, isToBeCancelled: false,
                        acknowledgements: connected.acknowledgements))
            }
        }
        if state.isOver {
            overCount -= 1
        } else {
            outbox.append(.event(.ended(leg, reason)))
        }
    }
}
