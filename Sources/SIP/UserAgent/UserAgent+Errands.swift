import SIPMessage
import Wire

/// A request of ours inside a call, and what it is for; BYE has a life of its own.
struct Errand: Sendable {
    enum Purpose: Hashable, Sendable {
        /// PRACK
        case acknowledging
        /// Re-INVITE or UPDATE: another session, or the same one refreshed.
        case changing
        /// INFO
        case sendingDigit
        /// REFER
        case referring
        /// NOTIFY
        case reporting
        /// OPTIONS: whether anybody is there
        case checking
    }

    let leg: LegIdentifier
    /// Who is spoken to: one of several early dialogs perhaps.
    let tag: String
    let method: SIPMethod
    let purpose: Purpose
    var fields: [SIPHeaders.Field]
    var body: [UInt8]
    var type: MediaType
    /// How often it was challenged.
    var challenges = 0

    init(
        _ leg: LegIdentifier, _ tag: String, _ method: SIPMethod, _ purpose: Purpose,
        fields: [SIPHeaders.Field] = [], body: [UInt8] = [], type: MediaType = .sdp
    ) {
        self.leg = leg
        self.tag = tag
        self.method = method
        self.purpose = purpose
        self.fields = fields
        self.body = body
        self.type = type
    }
}

/// Requests inside a dialog (RFC 3261 §12.2.1).
extension UserAgent {
    /// - Returns: nil if the other side's addresses make no request.
    @discardableResult
    mutating func run(
        _ errand: Errand, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> TransactionIdentifier? {
        guard var state = legs[errand.leg], var dialog = state[dialog: errand.tag] else { return nil }
        let target = nextHop(of: dialog, state.trunk)
        var fields = errand.fields + [SIPHeaders.Field(.userAgent, product)]
        // Credentials are for the trunk's eyes only.
        if isTrunk(state.trunk, target.host) {
            fields += state.authentication.credentials(
                of: state.trunk, method: errand.method, uri: dialog.requestURI, using: &generator)
        }
        let sequence = dialog.nextSequence()
        state[dialog: errand.tag] = dialog
        legs[errand.leg] = state
        guard
            var request = dialog.request(
                errand.method, sequence: sequence, via: via(state.trunk, in: dialog, using: &generator),
                fields: fields)
        else { return nil }
        if !errand.body.isEmpty { request.setBody(errand.body, type: errand.type) }
        return send(request, to: target, for: .errand(errand), now: now, using: &generator)
    }

    mutating func errandAnswered(
        _ old: Errand, _ identifier: TransactionIdentifier, _ response: SIPResponse, from source: NetworkAddress,
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard !response.isProvisional, var state = legs[old.leg] else { return }
        if response.status == 401 || response.status == 407 {
            var errand = old
            // What was asked in another request before does not count against this one.
            if errand.challenges == 0 { state.authentication.succeeded() }
            errand.challenges += 1
            if state.authentication.receivedChallenge(
                response.status, response.headers.challenges(response.status),
                mayAnswer: mayAnswer(state.trunk, from: source))
            {
                legs[old.leg] = state
                let again = run(errand, now: now, using: &generator)
                if errand.purpose == .changing, let again { legs[old.leg]?.connected?.exchange.sent(as: again) }
                if again != nil { return }
            }
        } else if response.isSuccess {
            legs[old.leg]?.authentication.succeeded()
        }
        // RFC 5057 §5.1: these say that the dialog itself is gone.
        if [408, 481].contains(response.status), old.endsDialog {
            sayGoodbye(old.leg, now: now, using: &generator)
            return end(old.leg, response.status == 481 ? .dialogLost : .vanished, now: now, using: &generator)
        }
        switch old.purpose {
        case .acknowledging: break
        case .changing: exchangeAnswered(old, identifier, response, now: now, using: &generator)
        case .sendingDigit: digitAnswered(old.leg, response.status, now: now, using: &generator)
        case .referring: referAnswered(old.leg, response.status)
        case .reporting: if !response.isSuccess { legs[old.leg]?.transfers.theirs = nil }
        case .checking: legs[old.leg]?.lifeCheck = LifeCheck()
        }
    }

    /// No final response will come: what is asked for in vain ends the call, unless it is of no weight for it.
    mutating func errandFailed(
        _ errand: Errand, _ identifier: TransactionIdentifier, _ failure: TransactionLayer.Failure, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard legs[errand.leg] != nil else { return }
        if failure == .timeout, errand.endsDialog {
            sayGoodbye(errand.leg, now: now, using: &generator)
            return end(errand.leg, .vanished, now: now, using: &generator)
        }
        let status = failure == .timeout ? 408 : 503
        switch errand.purpose {
        case .acknowledging: break
        case .changing:
            let response = SIPResponse(status: status)
            exchangeAnswered(errand, identifier, response, now: now, using: &generator)
        case .sendingDigit: digitAnswered(errand.leg, status, now: now, using: &generator)
        case .referring: referAnswered(errand.leg, status)
        case .reporting: legs[errand.leg]?.transfers.theirs = nil
        case .checking: lifeCheckRefused(errand.leg, now: now, using: &generator)
        }
    }
}

extension Errand {
    /// Without an answer to it there is no call any more. A PRACK's INVITE ends by itself; a REFER may be forgotten by a
    /// peer that still has the call.
    fileprivate var endsDialog: Bool { [.changing, .sendingDigit, .checking].contains(purpose) }
}
