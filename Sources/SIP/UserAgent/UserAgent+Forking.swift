import SIPMessage
import Wire

/// What one INVITE may lead to: several early dialogs, one call, and answers too many (RFC 3261 §13.2.2.4).
extension UserAgent {
    /// More phones than this are not followed; nor are more answers ended one by one.
    static let forkLimit = 16

    mutating func progressed(
        _ leg: LegIdentifier, _ old: Leg.Calling, _ response: SIPResponse, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        var calling = old
        var early = response.status > 100 ? earlyDialog(calling, response) : nil
        var acknowledged: RAck?
        if response.headers.require.contains("100rel"), let number = response.headers.rSeq {
            // A repetition, or one whose forerunner is missing, counts for nothing (RFC 3262 §4).
            guard var reliable = early, let cseq = response.headers.cseq,
                reliable.responseNumber.map({ $0 &+ 1 == number }) ?? true
            else { return }
            reliable.responseNumber = number
            if response.carriesSession { reliable.isAgreed = true }
            early = reliable
            acknowledged = RAck(rseq: number, cseq: cseq)
        }
        let session = response.session
        var isNews = !session.isEmpty
        if var known = early {
            isNews = isNews && known.body != session
            if isNews { known.body = session }
            calling.early[known.dialog.remoteTag] = known
        } else {
            isNews = isNews && calling.progress != session
        }
        if isNews { calling.progress = session }
        let isFirstRing = response.status == 180 && !calling.hasRung
        if isFirstRing { calling.hasRung = true }
        legs[leg]?.phase = .calling(calling)
        if !response.headers.allow.isEmpty { legs[leg]?.peerMethods = response.headers.allow }
        if let acknowledged, let tag = early?.dialog.remoteTag {
            run(
                Errand(leg, tag, .prack, .acknowledging, fields: [.init(.rAck, acknowledged.text)]), now: now,
                using: &generator)
        }
        if isFirstRing { outbox.append(.event(.ringing(leg))) }
        if isNews { outbox.append(.event(.progress(leg, body: session))) }
    }

    private func earlyDialog(_ calling: Leg.Calling, _ response: SIPResponse) -> Leg.EarlyDialog? {
        guard let tag = response.headers.to?.tag else { return nil }
        if let known = calling.early[tag] { return known }
        guard calling.early.count < Self.forkLimit, let invite = layer.request(of: calling.invite) else { return nil }
        return Dialog(invite: invite, response: response).map { Leg.EarlyDialog(dialog: $0) }
    }

    /// The ACK to a 2xx: a request of the dialog, with the INVITE's number and credentials (RFC 3261 §13.2.2.4).
    func acknowledgement(
        of invite: SIPRequest, in dialog: Dialog, trunk: Trunk, using generator: inout some RandomNumberGenerator
    ) -> Datagram? {
        let target = nextHop(of: dialog, trunk)
        var fields = invite.headers.fields.filter { $0.name == .contact }
        // Credentials are for the trunk's eyes only.
        if isTrunk(trunk, target.host) {
            fields += invite.headers.fields.filter { $0.name == .authorization || $0.name == .proxyAuthorization }
        }
        let ack = dialog.request(
            .ack, sequence: invite.headers.cseq?.number ?? 1, via: via(trunk, in: dialog, using: &generator),
            fields: fields)
        return ack.map { Datagram(bytes: $0.serialized(), target: target) }
    }

    /// One more 2xx to an INVITE that is settled: its ACK again, or, from another callee, ACK and BYE (§13.2.2.4).
    mutating func acknowledge(
        _ identifier: TransactionIdentifier, _ response: SIPResponse, known: [String: Datagram],
        _ early: [String: Dialog], _ authentication: Authentication, _ trunk: Trunk, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [String: Datagram] {
        var known = known
        if let ack = known[response.headers.to?.tag ?? ""] {
            outbox.append(.send(ack.bytes, to: ack.target))
            return known
        }
        guard known.count < Self.forkLimit, let invite = layer.request(of: identifier),
            var dialog = Dialog(invite: invite, response: response) ?? Dialog(leaving: response, to: invite),
            let ack = acknowledgement(of: invite, in: dialog, trunk: trunk, using: &generator)
        else { return known }
        if let former = early[dialog.remoteTag] { dialog.follow(former) }
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
                identifier, response, known: leftover.acknowledgements, leftover.early, leftover.authentication,
                leftover.trunk, now: now, using: &generator)
            uses[identifier] = .leftover(leftover)
        } else if leftover.isToBeCancelled {
            leftover.isToBeCancelled = false
            uses[identifier] = .leftover(leftover)
            apply(layer.cancel(identifier, reason: leftover.reason, now: now), now: now, using: &generator)
        }
    }
}
