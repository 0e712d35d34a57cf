import SIP
import SIPMessage
import Testing
import Wire

/// A provider that has called or is called already.
extension ScriptedProvider {
    /// Its trunk wants no REGISTER.
    static func ready(asksOwner: Bool = false, _ change: (inout Trunk) -> Void = { _ in }) throws -> ScriptedProvider {
        var provider = ScriptedProvider(asksOwner: asksOwner)
        var trunk = trunk
        trunk.expires = 0
        change(&trunk)
        try provider.act { $0.setTrunk(trunk, now: $1, using: &$2) }
        return provider
    }

    static func calling(
        _ leg: LegIdentifier, asksOwner: Bool = false, caller: CallerID = CallerID(),
        _ change: (inout Trunk) -> Void = { _ in }
    ) throws -> (ScriptedProvider, SIPRequest) {
        var provider = try ready(asksOwner: asksOwner, change)
        try provider.act {
            $0.invite(leg, to: Redacted("4930"), offer: offer, caller: caller, now: $1, using: &$2)
        }
        let invite = try provider.takeRequest(.invite)
        return (provider, invite)
    }

    /// A call of ours that was answered.
    static func called(
        _ leg: LegIdentifier, asksOwner: Bool = true, _ change: (inout SIPHeaders) -> Void = { _ in }
    ) throws -> (ScriptedProvider, SIPRequest) {
        var (provider, invite) = try calling(leg, asksOwner: asksOwner)
        try provider.answer(invite, 200, body: offer) { headers in
            headers.contact = NameAddress(SIPURI(user: "gw", address: target))
            change(&headers)
        }
        _ = try provider.takeRequest(.ack)
        provider.events = []
        return (provider, invite)
    }

    /// A call of the provider's that was answered.
    /// - Returns: our tag.
    static func answered(
        asksOwner: Bool = true, _ change: (inout SIPRequest) -> Void = { _ in }
    ) throws -> (ScriptedProvider, String, SIPResponse) {
        var provider = try ready(asksOwner: asksOwner)
        try provider.deliver(.request(try provider.request(.invite, branch: "1", body: offer, change)))
        provider.sent = []
        try provider.act { $0.accept(inbound, answer: offer, now: $1, using: &$2) }
        let success = try provider.takeResponse()
        let tag = try #require(success.headers.to?.tag)
        try provider.deliver(.request(try provider.request(.ack, branch: "ack", toTag: tag)))
        provider.events = []
        return (provider, tag, success)
    }

    static let inbound = LegIdentifier(number: 1 << 32)

    mutating func hangUp(_ leg: LegIdentifier) throws {
        try act { $0.hangUp(leg, now: $1, using: &$2) }
    }

    /// A request of the called side's in a call of ours.
    mutating func request(
        _ method: SIPMethod, inside invite: SIPRequest, sequence: UInt32, tag: String = "peer", body: [UInt8] = [],
        _ change: (inout SIPRequest) -> Void = { _ in }
    ) throws -> SIPRequest {
        let ours = try #require(invite.headers.from?.tag)
        return try request(
            method, branch: "in\(sequence)\(method)", sequence: sequence, toTag: ours, body: body,
            callID: try #require(invite.headers.callID)
        ) { request in
            request.headers.from = NameAddress(SIPURI(user: "4930", address: Self.target), tag: tag)
            change(&request)
        }
    }
}
