import SIPMessage
package import Wire

/// Transfers: REFER in both directions, and the calls that replace others (RFC 3515, 3891, 3892, 5589).
///
/// Nothing is done on the word of the other side: whether a REFER or a Replaces is obeyed is for the owner of the call
/// to say.
extension UserAgent {
    /// Asks the other side to call somebody else in our place.
    /// - Parameters:
    ///   - number: whom, at the trunk (blind transfer).
    ///   - referrer: who asks, for Referred-By.
    package mutating func transfer(
        _ leg: LegIdentifier, to number: Redacted<String>, referrer: Redacted<String>? = nil, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let trunk = legs[leg]?.trunk else { return [] }
        refer(leg, to: Self.uri(trunk, user: number.revealed), referrer, now: now, using: &generator)
        return drain()
    }

    /// Asks the other side to take our place in another call of ours (attended transfer). Both calls must be answered.
    package mutating func transfer(
        _ leg: LegIdentifier, into other: LegIdentifier, referrer: Redacted<String>? = nil, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let dialog = legs[other]?.connected?.dialog, var target = (try? URI(dialog.remoteTarget))?.sip else {
            return [.event(.transferProgress(leg, status: 481))]
        }
        target.setHeader(.replaces, dialog.replaces.text)
        refer(leg, to: target, referrer, now: now, using: &generator)
        return drain()
    }

    private mutating func refer(
        _ leg: LegIdentifier, to target: SIPURI, _ referrer: Redacted<String>?, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg], !state.isOver else { return }
        guard state.isEstablished, state.transfers.ours == nil, let tag = state.connected?.dialog.remoteTag else {
            return outbox.append(.event(.transferProgress(leg, status: 491)))
        }
        legs[leg]?.transfers.ours = 100
        let by = NameAddress(Self.uri(state.trunk, user: referrer?.revealed ?? state.trunk.user))
        let fields = [
            SIPHeaders.Field(.contact, contact(state.trunk, isPrivate: state.isPrivate).text),
            SIPHeaders.Field(.referTo, NameAddress(target).text), SIPHeaders.Field(.referredBy, by.text),
        ]
        run(Errand(leg, tag, .refer, .referring, fields: fields), now: now, using: &generator)
    }

    mutating func referAnswered(_ leg: LegIdentifier, _ status: Int) {
        guard status >= 300, legs[leg]?.transfers.ours != nil else { return }
        legs[leg]?.transfers.ours = nil
        outbox.append(.event(.transferProgress(leg, status: status)))
    }

    /// News about a transfer that we asked for (RFC 3515 §2.4.5).
    /// - Returns: the status to answer with, and what is told then.
    mutating func receivedNotify(_ leg: LegIdentifier, _ request: SIPRequest) -> (Int, UserAgentEvent?) {
        guard request.headers.event?.name == "refer" else { return (489, nil) }
        guard let last = legs[leg]?.transfers.ours else { return (481, nil) }
        let isLast = request.headers.subscriptionState?.isTerminated == true
        var status = (try? SIPFragment(request.body))?.status ?? last
        // The subscription ended without saying how the call did.
        if isLast, status < 200 { status = 408 }
        legs[leg]?.transfers.ours = isLast || status >= 200 ? nil : status
        return (200, status == last ? nil : .transferProgress(leg, status: status))
    }

    // MARK: They ask us

    mutating func receivedRefer(
        _ leg: LegIdentifier, _ request: SIPRequest, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let state = legs[leg] else { return }
        let refusal: Int?
        let wish = TransferRequest(request.headers)
        switch true {
        case wish == nil: refusal = 400
        case !asksOwner: refusal = 603
        case !state.isEstablished || state.transferQuestion != nil || state.transfers.theirs != nil: refusal = 491
        default: refusal = nil
        }
        if refusal != nil || wish == nil {
            let response = response(to: request, refusal ?? 400, tag: state.key.localTag)
            return respond(response, to: request, from: source, now: now, using: &generator)
        }
        guard let wish, let transaction = layer.open(request, from: source) else {
            return respondStatelessly(503, to: request, from: source)
        }
        legs[leg]?.transferQuestion = Leg.Question(transaction: transaction, request: request)
        uses[transaction] = .questioned(leg)
        deadlines.set(now + Self.questionLimit, for: .question(leg))
        outbox.append(.event(.transferRequested(leg, wish)))
    }

    mutating func takeTransferQuestion(_ leg: LegIdentifier) -> Leg.Question? {
        guard let question = legs[leg]?.transferQuestion else { return nil }
        legs[leg]?.transferQuestion = nil
        if legs[leg]?.offerQuestion == nil { deadlines.set(nil, for: .question(leg)) }
        uses[question.transaction] = nil
        return question
    }

    /// The transfer will be made: 202, then news of it by `reportTransfer`.
    package mutating func acceptTransfer(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let question = takeTransferQuestion(leg), let state = legs[leg] else { return [] }
        let accepted = response(
            to: question.request, 202, tag: state.key.localTag,
            contact: contact(state.trunk, isPrivate: state.isPrivate))
        apply(layer.respond(accepted, to: question.transaction, now: now), now: now, using: &generator)
        legs[leg]?.transfers.theirs = TransferUsages.Theirs(
            tag: question.request.headers.from?.tag ?? "", identifier: question.request.headers.cseq?.number ?? 0)
        report(leg, 100, now: now, using: &generator)
        return drain()
    }

    /// - Parameter status: 300...699; anything else becomes 603.
    package mutating func refuseTransfer(
        _ leg: LegIdentifier, status: Int = 603, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let question = takeTransferQuestion(leg) else { return [] }
        refuse(leg, question, (300...699).contains(status) ? status : 603, now: now, using: &generator)
        return drain()
    }

    /// Tells whoever asked for a transfer how the new call goes. The first status of 200 or more is the last.
    package mutating func reportTransfer(
        _ leg: LegIdentifier, status: Int, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        report(leg, status, now: now, using: &generator)
        return drain()
    }

    private mutating func report(
        _ leg: LegIdentifier, _ status: Int, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard (100...699).contains(status), let state = legs[leg], let usage = state.transfers.theirs else { return }
        let isLast = status >= 200
        if isLast { legs[leg]?.transfers.theirs = nil }
        let subscription =
            isLast
            ? SubscriptionState("terminated", reason: "noresource") : SubscriptionState("active", expires: 180)
        let fields = [
            SIPHeaders.Field(.contact, contact(state.trunk, isPrivate: state.isPrivate).text),
            SIPHeaders.Field(.event, EventPackage("refer", id: String(usage.identifier)).text),
            SIPHeaders.Field(.subscriptionState, subscription.text),
        ]
        let errand = Errand(
            leg, usage.tag, .notify, .reporting, fields: fields,
            body: SIPFragment(status: status, reason: SIPResponse.phrase(status)).body,
            type: MediaType("message", "sipfrag", parameters: SIPParameters(["version": "2.0"])))
        run(errand, now: now, using: &generator)
    }

    // MARK: Calls that take another's place

    struct ReplacementRefusal: Error {
        let status: Int
    }

    /// Which call an INVITE with Replaces means (RFC 3891 §3).
    func replacement(by request: SIPRequest) -> Result<LegIdentifier, ReplacementRefusal> {
        guard let replaces = request.headers.replaces else {
            return .failure(ReplacementRefusal(status: 400))
        }
        let key = DialogKey(callID: replaces.callID, localTag: replaces.toTag)
        guard let leg = dialogs[key], let state = legs[leg], state[dialog: replaces.fromTag] != nil else {
            return .failure(ReplacementRefusal(status: 481))
        }
        if state.isOver { return .failure(ReplacementRefusal(status: 603)) }
        switch state.phase {
        case .calling: return .success(leg)
        case .connected: return replaces.earlyOnly ? .failure(ReplacementRefusal(status: 486)) : .success(leg)
        // Only whoever made an early call can be taken out of it.
        case .ringing: return .failure(ReplacementRefusal(status: 481))
        }
    }
}
