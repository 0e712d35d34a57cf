import SIPMessage
package import Wire

/// Sessions that the other side changes: re-INVITE, UPDATE, PRACK with an offer (RFC 3261 §14.2, RFC 3311 §5.2).
extension UserAgent {
    /// The owner has this long; non-INVITE transactions of the other side give up after 32 s.
    static let questionLimit = Duration.seconds(10)

    /// Answers `offered`.
    /// - Parameter body: the answer; an offer, where there was none to answer.
    package mutating func answer(
        _ leg: LegIdentifier, body: [UInt8], now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let question = takeOfferQuestion(leg) else { return [] }
        agree(leg, question, body: body, now: now, using: &generator)
        return drain()
    }

    /// Leaves the session as it is; the call goes on.
    /// - Parameter status: 300...699; anything else becomes 488.
    package mutating func refuseOffer(
        _ leg: LegIdentifier, status: Int = 488, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let question = takeOfferQuestion(leg) else { return [] }
        refuse(leg, question, (300...699).contains(status) ? status : 488, now: now, using: &generator)
        exchange(leg, now: now, using: &generator)
        return drain()
    }

    mutating func takeOfferQuestion(_ leg: LegIdentifier) -> Leg.Question? {
        guard let question = legs[leg]?.offerQuestion else { return nil }
        legs[leg]?.offerQuestion = nil
        if legs[leg]?.transferQuestion == nil { deadlines.set(nil, for: .question(leg)) }
        uses[question.transaction] = nil
        return question
    }

    mutating func refuse(
        _ leg: LegIdentifier, _ question: Leg.Question, _ status: Int, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let tag = legs[leg]?.key.localTag else { return }
        let response = response(to: question.request, status, tag: tag)
        apply(layer.respond(response, to: question.transaction, now: now), now: now, using: &generator)
    }

    mutating func questionDue(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        if let question = takeOfferQuestion(leg) { refuse(leg, question, 488, now: now, using: &generator) }
        if let question = takeTransferQuestion(leg) { refuse(leg, question, 603, now: now, using: &generator) }
        exchange(leg, now: now, using: &generator)
    }

    /// Re-INVITE, UPDATE, or a PRACK that carries an offer.
    mutating func offered(
        _ leg: LegIdentifier, _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg] else { return }
        let isOffer = request.carriesSession || request.method == .invite
        if let status = refusal(of: request, in: state, isOffer: isOffer) {
            let response = response(to: request, status, tag: state.key.localTag)
            return respond(response, to: request, from: source, now: now, using: &generator)
        }
        guard let transaction = layer.open(request, from: source) else {
            return respondStatelessly(503, to: request, from: source)
        }
        let question = Leg.Question(transaction: transaction, request: request)
        guard isOffer else { return agree(leg, question, body: [], now: now, using: &generator) }
        if asksOwner {
            legs[leg]?.offerQuestion = question
            uses[transaction] = .questioned(leg)
            deadlines.set(now + Self.questionLimit, for: .question(leg))
            outbox.append(.event(.offered(leg, offer: request.carriesSession ? request.session : nil)))
        } else if request.carriesSession {
            guard let answer = SessionRenewal.answer(to: request.session, last: state.localBody) else {
                return refuse(leg, question, 488, now: now, using: &generator)
            }
            agree(leg, question, body: answer, now: now, using: &generator)
            outbox.append(.event(.renegotiated(leg, offer: request.session)))
        } else {
            let offer = SessionRenewal.offer(last: state.localBody)
            agree(leg, question, body: offer, now: now, using: &generator)
        }
    }

    /// What stands against a change of the session now; nil if nothing does.
    private func refusal(of request: SIPRequest, in state: Leg, isOffer: Bool) -> Int? {
        if request.method == .update || request.method == .invite, SessionTimer.isTooShort(request.headers) {
            return 422
        }
        if !request.body.isEmpty, !request.carriesSession { return 415 }
        guard isOffer else { return nil }
        // An offer of theirs is unanswered: they were to wait for it.
        if state.offerQuestion != nil { return 500 }
        switch state.phase {
        case .calling(let calling):
            guard request.method == .update else { return 481 }
            let from = request.headers.from?.tag ?? ""
            return calling.early[from]?.isAgreed == true ? nil : 491
        case .ringing(let ringing):
            return request.method != .invite && ringing.isAgreed ? nil : 500
        case .connected(let connected):
            // Ours is on its way: glare.
            if connected.exchange.pending != nil { return 491 }
            if connected.unacknowledged != nil { return request.method == .invite ? 500 : 491 }
            return nil
        }
    }

    /// 200 to a request that may change the session.
    private mutating func agree(
        _ leg: LegIdentifier, _ question: Leg.Question, body: [UInt8], now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard var state = legs[leg] else { return }
        let request = question.request
        var success = response(
            to: request, 200, tag: state.key.localTag, contact: contact(state.trunk, isPrivate: state.isPrivate),
            body: body)
        if !body.isEmpty { state.localBody = body }
        if request.carriesSession { state.remoteBody = request.session }
        if var connected = state.connected, request.method != .prack {
            connected.timer = SessionTimer(request: request.headers, running: connected.timer, now: now)
            connected.timer?.describe(response: &success.headers)
            deadlines.set(connected.timer?.nextDeadline, for: .session(leg))
            if request.method == .invite, let target = layer.replyAddress(of: question.transaction) {
                connected.unacknowledged = unacknowledged(
                    success, to: request, target: target, isInitial: false, now: now)
                deadlines.set(now + timers.t1, for: .answer(leg))
            }
            state.connected = connected
        }
        legs[leg] = state
        apply(layer.respond(success, to: question.transaction, now: now), now: now, using: &generator)
        exchange(leg, now: now, using: &generator)
    }
}
