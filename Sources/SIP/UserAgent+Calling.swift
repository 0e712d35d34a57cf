import SIPMessage
package import Wire

/// Calls that we make (RFC 3261 §13.2, §9.1).
extension UserAgent {
    /// Calls a number at the trunk's provider.
    /// - Parameters:
    ///   - leg: a number of the caller's own choice below 2^32, not in use.
    ///   - dialled: the user part as dialled; it is escaped here.
    ///   - offer: a session description.
    package mutating func invite(
        _ leg: LegIdentifier, to dialled: Redacted<String>, offer: [UInt8], now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard legs[leg] == nil else { return [] }
        guard let trunk = current.flatMap({ accounts[$0]?.trunk }), legs.count < Self.legLimit else {
            return [.event(.ended(leg, .unreachable))]
        }
        let target = Self.uri(trunk, user: dialled.revealed)
        let tag = hexadecimal(bytes: 8, using: &generator)
        let callID = hexadecimal(bytes: 16, using: &generator)
        var request = SIPRequest(
            .invite, target, via: via(using: &generator),
            from: NameAddress(Self.uri(trunk, user: trunk.displayNumber ?? trunk.user), tag: tag),
            to: NameAddress(target), callID: callID, cseq: 1)
        describe(&request.headers, trunk: trunk)
        request.setBody(offer)
        guard let identifier = send(request, to: trunk.target, for: .inviting(leg), now: now, using: &generator) else {
            return [.event(.ended(leg, .protocolError))]
        }
        let key = DialogKey(callID: callID, localTag: tag)
        legs[leg] = Leg(
            trunk: trunk, key: key, phase: .calling(Leg.Calling(invite: identifier)), localBody: offer)
        dialogs[key] = leg
        deadlines.set(now + Self.silenceLimit, for: .silence(leg))
        return drain()
    }

    mutating func inviteAnswered(
        _ leg: LegIdentifier, _ identifier: TransactionIdentifier, _ response: SIPResponse,
        from source: NetworkAddress, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        deadlines.set(nil, for: .silence(leg))
        switch legs[leg]?.phase {
        case .calling(let calling) where calling.invite == identifier:
            switch response.status {
            case ..<200: progressed(leg, calling, response)
            case ..<300: connected(leg, calling, response, now: now, using: &generator)
            case 401, 407: challenged(leg, calling, response, from: source, now: now, using: &generator)
            default: end(leg, .rejected(status: response.status, reason: response.reason))
            }
        case .connected(var connected) where connected.invite == identifier && response.isSuccess:
            // The ACK was lost, or a fork of the call was answered too.
            connected.acknowledgements = acknowledge(
                identifier, response, known: connected.acknowledgements, trunk: connected.authentication,
                legs[leg]?.trunk, now: now, using: &generator)
            legs[leg]?.phase = .connected(connected)
        case .calling, .connected, .ringing, nil: break
        }
    }

    private mutating func progressed(_ leg: LegIdentifier, _ old: Leg.Calling, _ response: SIPResponse) {
        var calling = old
        if response.status == 180, !calling.hasRung {
            calling.hasRung = true
            outbox.append(.event(.ringing(leg)))
        }
        if response.carriesSession, calling.progress != response.body {
            calling.progress = response.body
            outbox.append(.event(.progress(leg, body: response.body)))
        }
        legs[leg]?.phase = .calling(calling)
    }

    private mutating func connected(
        _ leg: LegIdentifier, _ calling: Leg.Calling, _ response: SIPResponse, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let trunk = legs[leg]?.trunk, let invite = layer.request(of: calling.invite),
            let dialog = Dialog(invite: invite, response: response)
        else { return end(leg, .protocolError) }
        var connected = Leg.Connected(
            dialog: dialog, authentication: calling.authentication, invite: calling.invite)
        connected.authentication.succeeded()
        guard let ack = acknowledgement(of: invite, in: dialog, trunk: trunk, using: &generator) else {
            return end(leg, .protocolError)
        }
        outbox.append(.send(ack.bytes, to: ack.target))
        connected.acknowledgements[dialog.remoteTag] = ack
        legs[leg]?.phase = .connected(connected)
        let body = response.carriesSession ? response.body : calling.progress
        outbox.append(.event(.answered(leg, body: body)))
    }

    private mutating func challenged(
        _ leg: LegIdentifier, _ old: Leg.Calling, _ response: SIPResponse, from source: NetworkAddress,
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        var calling = old
        guard let trunk = legs[leg]?.trunk, var request = layer.request(of: calling.invite),
            let sequence = request.headers.cseq?.number,
            calling.authentication.receivedChallenge(
                response.status, response.headers.challenges(response.status), mayAnswer: mayAnswer(trunk, from: source)
            )
        else { return end(leg, .authenticationFailed) }
        request.headers.topVia = via(using: &generator)
        request.headers.cseq = CSeq(sequence &+ 1, .invite)
        request.headers.setCredentials(
            calling.authentication.credentials(of: trunk, method: .invite, uri: request.uri.text, using: &generator))
        uses[calling.invite] = nil
        guard let identifier = send(request, to: trunk.target, for: .inviting(leg), now: now, using: &generator) else {
            return end(leg, .protocolError)
        }
        calling.invite = identifier
        legs[leg]?.phase = .calling(calling)
    }

    /// The ACK to a 2xx: a request of the dialog, with the INVITE's number and credentials (RFC 3261 §13.2.2.4).
    private func acknowledgement(
        of invite: SIPRequest, in dialog: Dialog, trunk: Trunk, using generator: inout some RandomNumberGenerator
    ) -> Datagram? {
        var fields = [SIPHeaders.Field(.contact, contact(trunk).text)]
        fields += invite.headers.fields.filter { $0.name == .authorization || $0.name == .proxyAuthorization }
        let ack = dialog.request(
            .ack, sequence: invite.headers.cseq?.number ?? 1, via: via(using: &generator), fields: fields)
        return ack.map { Datagram(bytes: $0.serialized(), target: nextHop(of: dialog, trunk)) }
    }

    /// One more 2xx to an INVITE that is settled: its ACK again, or, from another callee, ACK and BYE (§13.2.2.4).
    private mutating func acknowledge(
        _ identifier: TransactionIdentifier, _ response: SIPResponse, known: [String: Datagram],
        trunk authentication: Authentication, _ trunk: Trunk?, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [String: Datagram] {
        var known = known
        if let ack = known[response.headers.to?.tag ?? ""] {
            outbox.append(.send(ack.bytes, to: ack.target))
            return known
        }
        guard known.count < 16, let trunk, let invite = layer.request(of: identifier),
            let dialog = Dialog(invite: invite, response: response),
            let ack = acknowledgement(of: invite, in: dialog, trunk: trunk, using: &generator)
        else { return known }
        outbox.append(.send(ack.bytes, to: ack.target))
        known[dialog.remoteTag] = ack
        part(Parting(dialog: dialog, trunk: trunk, authentication: authentication), now: now, using: &generator)
        return known
    }

    /// Something more about the INVITE of a leg that is over.
    mutating func leftoverAnswered(
        _ identifier: TransactionIdentifier, _ response: SIPResponse, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard case .leftover(var leftover)? = uses[identifier] else { return }
        if !response.isProvisional, !response.isSuccess { return }
        if response.isSuccess {
            leftover.acknowledgements = acknowledge(
                identifier, response, known: leftover.acknowledgements, trunk: leftover.authentication, leftover.trunk,
                now: now, using: &generator)
            uses[identifier] = .leftover(leftover)
        } else if leftover.isToBeCancelled {
            leftover.isToBeCancelled = false
            uses[identifier] = .leftover(leftover)
            apply(layer.cancel(identifier, now: now), now: now, using: &generator)
        }
    }
}

extension SIPResponse {
    /// The body is a session description.
    var carriesSession: Bool { !body.isEmpty && headers.contentType.map { $0.matches(.sdp) } ?? true }
}

extension SIPRequest {
    /// The body is a session description.
    var carriesSession: Bool { !body.isEmpty && headers.contentType.map { $0.matches(.sdp) } ?? true }
}
