package import SIPMessage
package import Wire

/// What matching needs of a message, read once (RFC 3261 §8.1.1, §17.1.3, §17.2.3).
package struct MessageFacts: Sendable {
    /// The method of CSeq, which a response has too.
    package let method: SIPMethod
    package let sequence: UInt32
    package let callID: String
    /// Empty for a peer older than tags.
    package let fromTag: String
    package let toTag: String?
    /// What stands for the branch; made of other fields for a peer of RFC 2543.
    package let branch: String
    package let via: Via

    package init?(_ request: SIPRequest) {
        self.init(request.headers)
        guard method == request.method else { return nil }
    }

    package init?(_ response: SIPResponse) {
        self.init(response.headers)
    }

    private init?(_ headers: SIPHeaders) {
        guard let cseq = headers.cseq, let callID = headers.callID, let from = headers.from, let to = headers.to,
            let via = headers.topVia
        else { return nil }
        method = cseq.method
        sequence = cseq.number
        self.callID = callID
        fromTag = from.tag ?? ""
        toTag = to.tag
        self.via = via
        branch = via.transactionBranch ?? "\(callID) \(from.tag ?? "") \(cseq.number)"
    }

    /// - Parameter method: INVITE for an ACK or a CANCEL that looks for what it belongs to.
    func serverTransaction(method: SIPMethod) -> TransactionIdentifier {
        .server(branch: branch, sentBy: "\(via.host.text):\(via.port ?? 5060)", method: method)
    }

    /// The message says that it travels over TCP or TLS, where nothing needs to be repeated.
    package var isReliable: Bool { via.transport != TransportProtocol.udp.viaName }

    /// Where the response goes (RFC 3261 §18.2.2, RFC 3581 §4): always to the host that the request came from, so that no
    /// stranger can aim our answers at a third party by `maddr` or `received`.
    ///
    /// For a request that says it came over a connection, it is that connection.
    package func replyAddress(source: NetworkAddress) -> NetworkAddress {
        if isReliable { return source }
        return NetworkAddress(host: source.host, port: via.wantsSourcePort ? source.port : via.port ?? 5060)
    }
}

extension SIPRequest {
    /// The ACK to a final response that is no 2xx: the INVITE's own branch and route (RFC 3261 §17.1.1.3).
    func acknowledgement(to response: SIPResponse) -> SIPRequest {
        var ack = companion(.ack)
        ack.headers.copy(.to, from: response.headers)
        return ack
    }

    /// The CANCEL for this INVITE (RFC 3261 §9.1).
    var cancellation: SIPRequest {
        var cancel = companion(.cancel)
        cancel.headers.copy(.to, from: headers)
        return cancel
    }

    private func companion(_ method: SIPMethod) -> SIPRequest {
        var request = SIPRequest(method, uri)
        if let via = headers.topVia { request.headers.append(.via, via.text) }
        request.headers.append(.maxForwards, "70")
        for name in [SIPHeaderName.route, .from, .callID] { request.headers.copy(name, from: headers) }
        request.headers.append(.cseq, CSeq(headers.cseq?.number ?? 0, method).text)
        return request
    }
}
