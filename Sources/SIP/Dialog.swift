package import SIPMessage
package import Wire

/// A lasting relation between two user agents (RFC 3261 §12): who they are, in which order they spoke, which way
/// their requests go.
package struct Dialog: Hashable, Sendable, Codable {
    package let callID: String
    package let localTag: String
    /// Empty for a peer older than tags.
    package private(set) var remoteTag: String
    /// The From (or To) value that stands for us, tag included.
    private let local: String
    /// The To (or From) value that stands for the other, tag included.
    private let remote: String
    /// The URI that the other wants to be reached at; changed by a Contact in later requests (target refresh).
    package private(set) var remoteTarget: String
    /// Route values, in the order in which they are to be visited.
    private let routes: [String]
    package private(set) var localSequence: UInt32
    package private(set) var remoteSequence: UInt32?

    /// The caller's view, made by a response to its INVITE (§12.1.2).
    /// - Returns: nil unless both messages have what a dialog needs.
    package init?(invite: SIPRequest, response: SIPResponse) {
        guard let facts = MessageFacts(response), let from = response.value(of: "From"),
            let to = response.value(of: "To")
        else { return nil }
        (callID, localTag, remoteTag) = (facts.callID, facts.fromTag, facts.toTag ?? "")
        (local, remote) = (from, to)
        remoteTarget = response.contactURI ?? invite.uriText
        routes = response.recordRoutes.reversed()
        localSequence = facts.sequence
    }

    /// The callee's view, made by an INVITE (§12.1.1).
    /// - Parameter localTag: the tag that all our responses bear in To.
    package init?(invite: SIPRequest, localTag: String) {
        guard let facts = MessageFacts(invite), let from = invite.value(of: "From"), let to = invite.value(of: "To"),
            let contact = invite.contactURI
        else { return nil }
        (callID, remoteTag) = (facts.callID, facts.fromTag)
        self.localTag = localTag
        (local, remote) = ("\(to);tag=\(localTag)", from)
        remoteTarget = contact
        routes = invite.recordRoutes
        localSequence = 0
        remoteSequence = facts.sequence
    }

    /// Takes note of a request inside the dialog (§12.2.2).
    /// - Returns: false if it is older than one that came before: answer 500.
    package mutating func received(_ request: SIPRequest) -> Bool {
        guard let facts = MessageFacts(request) else { return false }
        if let remoteSequence, facts.sequence < remoteSequence { return false }
        remoteSequence = facts.sequence
        if ["INVITE", "UPDATE"].contains(facts.method), let contact = request.contactURI { remoteTarget = contact }
        return true
    }

    /// The number for the next request but ACK and CANCEL.
    package mutating func nextSequence() -> UInt32 {
        localSequence &+= 1
        return localSequence
    }

    /// A request inside the dialog (§12.2.1.1), loose or strict routing as the first route wants.
    /// - Parameters:
    ///   - sequence: from `nextSequence`; for ACK that of the INVITE.
    ///   - via: the topmost Via's value.
    ///   - fields: what else it says: Contact, credentials, Content-Type.
    package func request(
        _ method: String, sequence: UInt32, via: String, fields: [HeaderField], body: [UInt8] = []
    ) -> SIPRequest {
        var uri = remoteTarget
        var visited = routes
        if let first = routes.first, !RouteValue.isLoose(first) {
            uri = RouteValue.uri(of: first)
            visited = Array(routes.dropFirst()) + ["<\(remoteTarget)>"]
        }
        return SIPRequest.composed(
            method: method, uri: uri,
            fields: [
                HeaderField("Via", via), HeaderField("Max-Forwards", "70"),
            ] + visited.map { HeaderField("Route", $0) } + [
                HeaderField("From", local), HeaderField("To", remote), HeaderField("Call-ID", callID),
                HeaderField("CSeq", "\(sequence) \(method)"),
            ] + fields, body: body)
    }

    /// The Request-URI that `request` would bear: what credentials are computed over.
    package var requestURI: String {
        if let first = routes.first, !RouteValue.isLoose(first) { return RouteValue.uri(of: first) }
        return remoteTarget
    }

    /// Where requests go: the first route or else the remote target, if it is a numeric address that can be reached
    /// from where `fallback` is; otherwise `fallback`, the address that the dialog's first request went to or came
    /// from. No name is looked up here.
    package func nextHop(fallback: NetworkAddress) -> NetworkAddress {
        let uri = routes.first.map(RouteValue.uri) ?? remoteTarget
        guard let address = RouteValue.address(ofURI: uri), !address.host.isUnspecified,
            !address.host.isPrivate || fallback.host.isPrivate
        else { return fallback }
        return address
    }
}
