package import SIPMessage
package import Wire

/// A lasting relation between two user agents (RFC 3261 §12): who they are, in which order they spoke, which way
/// their requests go.
///
/// Addresses are kept as their text, so that a dialog can be stored and sends back what it was given.
package struct Dialog: Hashable, Sendable, Codable {
    package let callID: String
    package let localTag: String
    /// Empty for a peer older than tags.
    package let remoteTag: String
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
    /// Who called, where that was another server than the one that the trunk is spoken with at: what is said in this
    /// dialog goes back there.
    package var caller: SIPPeer?

    /// The caller's view, made by a response to its INVITE (§12.1.2).
    /// - Returns: nil unless both messages have what a dialog needs, and it can be read.
    package init?(invite: SIPRequest, response: SIPResponse) {
        guard (try? response.headers.contacts()) != nil, let recorded = try? response.headers.recordRoutes() else {
            return nil
        }
        self.init(invite: invite, response: response, routes: recorded.reversed().map(\.text))
    }

    /// The way out of a dialog whose Contact or Record-Route cannot be read: good for an ACK and a BYE, so that a call
    /// which was answered does not go on being billed.
    package init?(leaving response: SIPResponse, to invite: SIPRequest) {
        self.init(invite: invite, response: response, routes: [])
    }

    private init?(invite: SIPRequest, response: SIPResponse, routes: [String]) {
        guard let facts = MessageFacts(response), let from = response.headers.from, let to = response.headers.to else {
            return nil
        }
        (callID, localTag, remoteTag) = (facts.callID, facts.fromTag, facts.toTag ?? "")
        (local, remote) = (from.text, to.text)
        remoteTarget = response.headers.contact?.uri.requestText ?? invite.uri.text
        self.routes = routes
        localSequence = facts.sequence
    }

    /// The callee's view, made by an INVITE (§12.1.1).
    /// - Parameter localTag: the tag that all our responses bear in To.
    package init?(invite: SIPRequest, localTag: String) {
        guard let facts = MessageFacts(invite), let from = invite.headers.from, var to = invite.headers.to,
            let contact = invite.headers.contact ?? Self.formerContact(invite, facts),
            let recorded = try? invite.headers.recordRoutes()
        else { return nil }
        to.tag = localTag
        (callID, remoteTag) = (facts.callID, facts.fromTag)
        self.localTag = localTag
        (local, remote) = (to.text, from.text)
        remoteTarget = contact.uri.requestText
        routes = recorded.map(\.text)
        localSequence = 0
        remoteSequence = facts.sequence
    }

    /// A caller of RFC 2543, which its Via tells, may leave Contact out and is then reached at its From (RFC 4475 §3.4.1).
    private static func formerContact(_ invite: SIPRequest, _ facts: MessageFacts) -> NameAddress? {
        facts.via.transactionBranch == nil && !invite.headers.contains(.contact) ? invite.headers.from : nil
    }

    /// The dialog was early before: the numbers go on, while the route is that of the 2xx (§13.2.2.4).
    package mutating func follow(_ early: Dialog) {
        localSequence = max(localSequence, early.localSequence)
        remoteSequence = early.remoteSequence
    }

    /// What names this dialog to the other side (RFC 3891 §3).
    package var replaces: Replaces { Replaces(callID: callID, toTag: remoteTag, fromTag: localTag) }

    /// Takes note of a request inside the dialog (§12.2.2).
    /// - Returns: false if it is older than one that came before: answer 500.
    package mutating func received(_ request: SIPRequest) -> Bool {
        guard let facts = MessageFacts(request) else { return false }
        if let remoteSequence, facts.sequence < remoteSequence { return false }
        remoteSequence = facts.sequence
        refreshTarget(request.headers, method: request.method)
        return true
    }

    /// A new Contact of the other side moves where our requests go.
    package mutating func refreshTarget(_ headers: SIPHeaders, method: SIPMethod) {
        guard method == .invite || method == .update, let contact = headers.contact else { return }
        remoteTarget = contact.uri.requestText
    }

    /// The number for the next request but ACK and CANCEL.
    package mutating func nextSequence() -> UInt32 {
        localSequence &+= 1
        return localSequence
    }

    /// Strict routing: the first route takes the Request-URI's place (§12.2.1.1).
    private var strictRoute: URI? {
        guard let first = routes.first, let route = try? NameAddress(first) else { return nil }
        return route.uri.sip?.isLooseRouter == true ? nil : route.uri
    }

    /// The Request-URI of the dialog's requests: what credentials are computed over.
    package var requestURI: String { strictRoute?.requestText ?? remoteTarget }

    /// A request inside the dialog (§12.2.1.1).
    /// - Parameters:
    ///   - sequence: from `nextSequence`; for ACK that of the INVITE.
    ///   - fields: what else it says: Contact, credentials.
    /// - Returns: nil if the other side's addresses cannot be written into a request.
    package func request(
        _ method: SIPMethod, sequence: UInt32, via: Via, fields: [SIPHeaders.Field] = []
    ) -> SIPRequest? {
        guard let uri = try? URI(requestURI) else { return nil }
        var request = SIPRequest(method, uri)
        request.headers.append(.via, via.text)
        request.headers.append(.maxForwards, "70")
        let visited = strictRoute == nil ? routes : Array(routes.dropFirst()) + ["<\(remoteTarget)>"]
        for route in visited { request.headers.append(.route, route) }
        request.headers.append(.from, local)
        request.headers.append(.to, remote)
        request.headers.append(.callID, callID)
        request.headers.append(.cseq, CSeq(sequence, method).text)
        for field in fields { request.headers.append(field) }
        return request
    }

    /// Where requests go: the first route or else the remote target, if it is a numeric address for UDP that can be
    /// reached from where `fallback` is; otherwise `fallback`, the address that the dialog's first request went to or
    /// came from. No name is looked up here.
    package func nextHop(fallback: NetworkAddress) -> NetworkAddress {
        let uri = routes.first.map { try? NameAddress($0).uri } ?? (try? URI(remoteTarget))
        guard let uri = uri?.sip, !uri.isSecure, uri.parameters["transport"].map({ $0.lowercased() == "udp" }) ?? true,
            let address = uri.numericAddress, address.port != 0, !address.host.isUnspecified,
            address.isIPv6 == fallback.isIPv6, !address.host.isPrivate || fallback.host.isPrivate
        else { return fallback }
        return address
    }
}

extension URI {
    /// As it may stand on the first line of a request (RFC 3261 §19.1.1).
    fileprivate var requestText: String { sip?.asRequestURI.text ?? text }
}
