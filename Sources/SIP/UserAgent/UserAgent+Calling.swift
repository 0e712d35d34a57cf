package import SIPMessage
package import Wire

/// Calls that we make (RFC 3261 §13.2).
extension UserAgent {
    /// Calls a number at the trunk's provider.
    /// - Parameters:
    ///   - leg: a number of the caller's own choice below 2^32, not in use.
    ///   - name: of the trunk; nil for the first.
    ///   - peer: where the trunk is spoken to in this call, if not where it is registered.
    ///   - dialled: the user part as dialled; it is escaped here.
    ///   - offer: a session description.
    ///   - caller: what the called person is told about who calls.
    ///   - replaces: the call at the other end that this one takes the place of, from a `TransferRequest`.
    ///   - referredBy: who asked for it, from there too.
    package mutating func invite(
        _ leg: LegIdentifier, to dialled: Redacted<String>, over name: String? = nil, at peer: SIPPeer? = nil,
        offer: [UInt8], caller: CallerID = CallerID(),
        replacing replaces: Replaces? = nil, referredBy: Redacted<String>? = nil, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard legs[leg] == nil else { return [] }
        guard var trunk = trunk(name), legs.count < Self.legLimit else {
            return [.event(.ended(leg, .unreachable))]
        }
        if let peer {
            (trunk.target, trunk.transport) = (peer.address, peer.transport)
            trunk.serverName = peer.name ?? trunk.serverName
        }
        let target = Self.uri(trunk, user: dialled.revealed)
        let tag = hexadecimal(bytes: 8, using: &generator)
        let callID = hexadecimal(bytes: 16, using: &generator)
        var request = SIPRequest(
            .invite, target, via: via(trunk, using: &generator), from: NameAddress(target), to: NameAddress(target),
            callID: callID, cseq: 1)
        trunk.describe(caller, domain: { Self.uri(trunk, user: $0) }, tag: tag, in: &request.headers)
        request.headers.setRoutes(serviceRoute(trunk))
        describe(&request.headers, contact: contact(trunk, isPrivate: caller.isPrivate))
        let minimum = max(SessionTimer.minimum, ways[trunk.name]?.sessionMinimum ?? 0)
        request.headers.sessionExpires = SessionExpires(interval: max(SessionTimer.wanted, minimum))
        request.headers.minSE = minimum
        if let replaces {
            request.headers.replaces = replaces
            request.headers.append(.require, "replaces")
        }
        if let referredBy { request.headers.append(.referredBy, referredBy.revealed) }
        request.setBody(offer)
        guard let identifier = send(request, to: trunk.target, for: .inviting(leg), now: now, using: &generator) else {
            return [.event(.ended(leg, .protocolError))]
        }
        let key = DialogKey(callID: callID, localTag: tag)
        var state = Leg(trunk: trunk, key: key, phase: .calling(Leg.Calling(invite: identifier)), localBody: offer)
        state.isPrivate = caller.isPrivate
        legs[leg] = state
        dialogs[key] = leg
        deadlines.set(now + Self.silenceLimit, for: .silence(leg))
        return drain()
    }

    mutating func inviteAnswered(
        _ leg: LegIdentifier, _ identifier: TransactionIdentifier, _ response: SIPResponse,
        from source: NetworkAddress, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        deadlines.set(nil, for: .silence(leg))
        if let trunk = legs[leg]?.trunk { noteWay(of: trunk.name, response, from: source, now: now) }
        switch legs[leg]?.phase {
        case .calling(let calling) where calling.invite == identifier:
            switch response.status {
            case ..<200: progressed(leg, calling, response, now: now, using: &generator)
            case ..<300: connected(leg, calling, response, now: now, using: &generator)
            case 401, 407: challenged(leg, calling, response, from: source, now: now, using: &generator)
            case 422: intervalTooSmall(leg, calling, response, now: now, using: &generator)
            default:
                tellReasons(leg, response.headers)
                if response.status == 503, let seconds = response.headers.retryAfter {
                    outbox.append(.event(.retryAfter(leg, seconds: seconds)))
                }
                end(
                    leg, .rejected(status: response.status, reason: response.reason), now: now, using: &generator)
            }
        case .connected(var connected) where connected.invite == identifier && response.isSuccess:
            // The ACK was lost, or a fork of the call was answered too.
            guard let state = legs[leg] else { return }
            if response.headers.to?.tag == connected.dialog.remoteTag {
                connected.repeatedAnswer = (connected.repeatedAnswer?.first ?? now, now)
            }
            connected.acknowledgements = acknowledge(
                identifier, response, known: connected.acknowledgements, connected.early, state.authentication,
                state.trunk, now: now, using: &generator)
            legs[leg]?.phase = .connected(connected)
        case .calling, .connected, .ringing, nil: break
        }
    }

    private mutating func connected(
        _ leg: LegIdentifier, _ calling: Leg.Calling, _ response: SIPResponse, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard var state = legs[leg], let invite = layer.request(of: calling.invite) else {
            return end(leg, .protocolError, now: now, using: &generator)
        }
        let readable = Dialog(invite: invite, response: response)
        guard var dialog = readable ?? Dialog(leaving: response, to: invite) else {
            return end(leg, .protocolError, now: now, using: &generator)
        }
        let early = calling.early[dialog.remoteTag]
        if let early { dialog.follow(early.dialog) }
        state.authentication.succeeded()
        state.peerMethods = response.headers.allow.isEmpty ? state.peerMethods : response.headers.allow
        let body = response.carriesSession ? response.session : early.map(\.body) ?? calling.progress
        state.remoteBody = body
        var connected = Leg.Connected(dialog: dialog, invite: calling.invite)
        connected.early = calling.early.mapValues(\.dialog)
        connected.timer = SessionTimer(response: response.headers, now: now)
        deadlines.set(connected.timer?.nextDeadline, for: .session(leg))
        if let ack = acknowledgement(of: invite, in: dialog, trunk: state.trunk, using: &generator) {
            outbox.append(.send(ack.bytes, to: ack.target))
            connected.acknowledgements[dialog.remoteTag] = ack
        }
        state.phase = .connected(connected)
        legs[leg] = state
        guard readable != nil, !connected.acknowledgements.isEmpty else {
            // Answered, and so billed, by somebody to whom nothing can be sent on a known way.
            sayGoodbye(leg, now: now, using: &generator)
            return end(leg, .protocolError, now: now, using: &generator)
        }
        outbox.append(.event(.answered(leg, body: body)))
    }

    private mutating func challenged(
        _ leg: LegIdentifier, _ calling: Leg.Calling, _ response: SIPResponse, from source: NetworkAddress,
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard var state = legs[leg], let invite = layer.request(of: calling.invite) else {
            return end(leg, .authenticationFailed, now: now, using: &generator)
        }
        let challenges = response.headers.challenges(response.status)
        let mayAnswer = mayAnswer(state.trunk, from: source)
        guard state.authentication.receivedChallenge(response.status, challenges, mayAnswer: mayAnswer) else {
            let isServer = isTrunk(state.trunk, source.host)
            let foreign = foreignRealm(challenges, state.trunk, isServer: isServer, mayAnswer: mayAnswer)
            return end(
                leg, foreign.map(LegEnd.realmForeign) ?? .authenticationFailed, now: now, using: &generator)
        }
        let credentials = state.authentication.credentials(
            of: state.trunk, method: .invite, uri: invite.uri.text, using: &generator)
        legs[leg] = state
        inviteAgain(leg, calling, now: now, using: &generator) { $0.setCredentials(credentials) }
    }

    /// 422: somebody on the way wants a longer session interval (RFC 4028 §7.3).
    private mutating func intervalTooSmall(
        _ leg: LegIdentifier, _ old: Leg.Calling, _ response: SIPResponse, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        var calling = old
        calling.raises += 1
        guard let minimum = response.headers.minSE, calling.raises <= 2 else {
            return end(leg, .rejected(status: 422, reason: response.reason), now: now, using: &generator)
        }
        if let name = legs[leg]?.trunk.name { noteSessionMinimum(minimum, of: name) }
        inviteAgain(leg, calling, now: now, using: &generator) { headers in
            let interval = max(minimum, headers.sessionExpires?.interval ?? SessionTimer.wanted)
            headers.sessionExpires = SessionExpires(interval: interval)
            headers.minSE = max(minimum, SessionTimer.minimum)
        }
    }

    /// The same call with a changed INVITE (RFC 3261 §8.1.3.5).
    private mutating func inviteAgain(
        _ leg: LegIdentifier, _ old: Leg.Calling, now: MonotonicTime, using generator: inout some RandomNumberGenerator,
        _ change: (inout SIPHeaders) -> Void
    ) {
        var calling = old
        guard let state = legs[leg], var request = layer.request(of: calling.invite),
            let sequence = request.headers.cseq?.number
        else { return end(leg, .protocolError, now: now, using: &generator) }
        let trunk = state.trunk
        // The answer to the former one may have told where we are to be reached.
        request.headers.contact = contact(trunk, isPrivate: state.isPrivate)
        request.headers.topVia = via(trunk, using: &generator)
        // Past whatever was sent in early dialogs of the former INVITE.
        let highest = calling.early.values.map(\.dialog.localSequence).max() ?? sequence
        request.headers.cseq = CSeq(max(sequence, highest) &+ 1, .invite)
        change(&request.headers)
        uses[calling.invite] = nil
        guard let identifier = send(request, to: trunk.target, for: .inviting(leg), now: now, using: &generator) else {
            return end(leg, .protocolError, now: now, using: &generator)
        }
        calling.invite = identifier
        calling.early = [:]
        legs[leg]?.phase = .calling(calling)
    }
}
