import SIPMessage
package import Wire

/// Our changes of a session that stands, and its refreshes (RFC 3261 §14.1, RFC 3311, RFC 4028 §7.4, §10).
extension UserAgent {
    /// Asks the other side for another session: hold, resume, another address. What cannot be sent now, because an
    /// exchange is going on, is sent after it; of several the newest. `agreed` or `offerRefused` follows.
    /// - Parameter offer: a session description, its version one above the last that was sent.
    package mutating func renegotiate(
        _ leg: LegIdentifier, offer: [UInt8], now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let state = legs[leg], !state.isOver else { return [] }
        guard state.connected != nil else { return [.event(.offerRefused(leg, status: 491))] }
        legs[leg]?.connected?.exchange.want(offer)
        exchange(leg, now: now, using: &generator)
        return drain()
    }

    /// Sends what is wanted, if the dialog is free.
    mutating func exchange(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg], !state.isOver, state.offerQuestion == nil, var connected = state.connected,
            connected.unacknowledged == nil, let proposal = connected.exchange.begin()
        else { return }
        var fields = targetFields(state)
        connected.timer?.describe(request: &fields)
        legs[leg]?.connected = connected
        // A refresh needs no offer where the other side knows UPDATE; otherwise the session is offered as it is.
        let isUpdate = proposal.offer == nil && state.peerMethods?.contains(.update) == true
        let body = proposal.offer ?? (isUpdate ? [] : state.localBody)
        let errand = Errand(
            leg, connected.dialog.remoteTag, isUpdate ? .update : .invite, .changing, fields: fields, body: body)
        guard let transaction = run(errand, now: now, using: &generator) else {
            sayGoodbye(leg, now: now, using: &generator)
            return end(leg, .protocolError, now: now, using: &generator)
        }
        legs[leg]?.connected?.exchange.sent(as: transaction)
    }

    /// What a request says that may move the other side's target.
    private func targetFields(_ state: Leg) -> [SIPHeaders.Field] {
        var headers = SIPHeaders()
        describe(&headers, contact: contact(state.trunk, isPrivate: state.isPrivate))
        return headers.fields.filter { $0.name != .userAgent }
    }

    mutating func exchangeAnswered(
        _ errand: Errand, _ identifier: TransactionIdentifier, _ response: SIPResponse, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        let leg = errand.leg
        guard var state = legs[leg], var connected = state.connected else { return }
        if errand.method == .invite, response.isSuccess, let invite = layer.request(of: identifier) {
            connected.dialog.refreshTarget(response.headers, method: .invite)
            let ack = acknowledgement(of: invite, in: connected.dialog, trunk: state.trunk, using: &generator)
            if let ack { outbox.append(.send(ack.bytes, to: ack.target)) }
        }
        // A 2xx that comes again wants nothing but its ACK.
        guard let pending = connected.exchange.pending, pending.transaction == identifier else { return }
        let offer = pending.proposal.offer
        switch response.status {
        case ..<300:
            if errand.method == .update { connected.dialog.refreshTarget(response.headers, method: .update) }
            connected.exchange.finished()
            connected.timer = SessionTimer(response: response.headers, now: now)
            deadlines.set(connected.timer?.nextDeadline, for: .session(leg))
            let answer = response.session
            let isNews = offer != nil || (!answer.isEmpty && answer != state.remoteBody)
            if !errand.body.isEmpty { state.localBody = errand.body }
            if !answer.isEmpty { state.remoteBody = answer }
            if isNews { outbox.append(.event(.agreed(leg, answer: answer))) }
        case 422 where response.headers.minSE != nil && pending.proposal.delays == 0:
            let minimum = response.headers.minSE ?? SessionTimer.wanted
            noteSessionMinimum(minimum, of: state.trunk.name)
            connected.timer = SessionTimer(
                interval: minimum, isRefresher: connected.timer?.isRefresher ?? true, now: now)
            _ = connected.exchange.putOff(until: now)
        case _ where response.status == 491 || (response.status == 500 && response.headers.retryAfter != nil):
            let wait =
                response.status == 491
                ? OfferExchange.backOff(isCaller: state.isCaller, using: &generator)
                : .seconds(min(max(response.headers.retryAfter ?? 1, 1), 10))
            if !connected.exchange.putOff(until: now + wait) { refused(leg, offer, response, &connected, now: now) }
        case _ where errand.method == .update && response.status != 408:
            // It says that it knows UPDATE, but not so.
            state.peerMethods = state.peerMethods?.filter { $0 != .update }
            _ = connected.exchange.putOff(until: now)
        default: refused(leg, offer, response, &connected, now: now)
        }
        state.connected = connected
        legs[leg] = state
        deadlines.set(connected.exchange.retryAt, for: .exchange(leg))
        exchange(leg, now: now, using: &generator)
    }

    private mutating func refused(
        _ leg: LegIdentifier, _ offer: [UInt8]?, _ response: SIPResponse, _ connected: inout Leg.Connected,
        now: MonotonicTime
    ) {
        connected.exchange.finished()
        connected.timer?.refreshFailed(retryAfter: response.headers.retryAfter, now: now)
        deadlines.set(connected.timer?.nextDeadline, for: .session(leg))
        if offer != nil { outbox.append(.event(.offerRefused(leg, status: response.status))) }
    }

    mutating func exchangeDue(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        legs[leg]?.connected?.exchange.timePassed(to: now)
        exchange(leg, now: now, using: &generator)
    }

    mutating func sessionDue(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard var connected = legs[leg]?.connected, let event = connected.timer?.timePassed(to: now) else { return }
        switch event {
        case .refreshDue:
            connected.exchange.want(nil)
            legs[leg]?.connected = connected
            deadlines.set(connected.timer?.nextDeadline, for: .session(leg))
            exchange(leg, now: now, using: &generator)
        case .expired:
            let reason = SIPReason(protocolName: "SIP", cause: 408, phrase: "Session expired")
            sayGoodbye(leg, reason, now: now, using: &generator)
            end(leg, .sessionExpired, now: now, using: &generator)
        }
    }
}
