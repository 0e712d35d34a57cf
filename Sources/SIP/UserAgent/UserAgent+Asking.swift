import SIPMessage
package import Wire

/// What became of a question to the provider.
package enum AskingOutcome: Hashable, Sendable {
    /// 200...699: any of them shows that SIP goes both ways.
    /// - `retryAfter`: seconds for which whoever answers 503 wants to be left alone (RFC 3261 §21.5.4).
    case answered(status: Int, retryAfter: Int? = nil)
    /// 64·T1 without a response (timer F).
    case noReply
    case unreachable
}

/// OPTIONS outside of a dialog (RFC 3261 §11): whether the provider is there.
extension UserAgent {
    /// Asks the provider, which ends with `UserAgentEvent.asked` of the same number.
    /// - Parameter name: of the trunk; nil for the first.
    /// - Returns: nil without a trunk, or when there are too many transactions.
    package mutating func ask(
        _ number: UInt64, trunk name: String? = nil, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect]? {
        guard let trunk = trunk(name) else { return nil }
        var from = NameAddress(Self.uri(trunk, user: trunk.user))
        from.tag = hexadecimal(bytes: 8, using: &generator)
        let target = Self.uri(trunk, user: nil)
        var request = SIPRequest(
            .options, target, via: via(trunk, using: &generator), from: from, to: NameAddress(target),
            callID: hexadecimal(bytes: 16, using: &generator), cseq: 1)
        request.headers.setRoutes(serviceRoute(trunk))
        describe(&request.headers, contact: contact(trunk))
        request.headers.append(.accept, "application/sdp")
        guard
            send(request, to: trunk.target, for: .asking(number, trunk: trunk.name), now: now, using: &generator) != nil
        else {
            return nil
        }
        return drain()
    }

    mutating func askingAnswered(_ number: UInt64, _ response: SIPResponse) {
        guard response.status >= 200 else { return }
        let retryAfter = response.status == 503 ? response.headers.retryAfter : nil
        outbox.append(.event(.asked(number, .answered(status: response.status, retryAfter: retryAfter))))
    }
}
