package import Wire

/// A request: method, Request-URI, header fields, body (RFC 3261 §7.1).
package struct SIPRequest: Equatable, Sendable {
    package var method: SIPMethod
    package var uri: URI
    package var headers: SIPHeaders
    package var body: [UInt8]

    package init(_ method: SIPMethod, _ uri: URI, headers: SIPHeaders = SIPHeaders(), body: [UInt8] = []) {
        self.method = method
        self.uri = uri
        self.headers = headers
        self.body = body
    }

    /// A request with the fields that every request carries (RFC 3261 §8.1.1), in the customary order.
    package init(
        _ method: SIPMethod, _ uri: SIPURI, via: Via, from: NameAddress, to: NameAddress, callID: String,
        cseq: UInt32, maxForwards: Int = 70
    ) {
        self.init(method, .sip(uri))
        headers.append(.via, via.text)
        headers.append(.maxForwards, String(maxForwards))
        headers.append(.from, from.text)
        headers.append(.to, to.text)
        headers.append(.callID, callID)
        headers.append(.cseq, CSeq(cseq, method).text)
    }

    /// Sets the body together with its Content-Type.
    package mutating func setBody(_ bytes: [UInt8], type: MediaType = .sdp) {
        body = bytes
        headers.contentType = bytes.isEmpty ? nil : type
    }

    /// Writes into the top Via where the request came from (RFC 3261 §18.2.1, RFC 3581 §4), so that the response
    /// finds its way back by `headers.topVia?.responseTarget`.
    package mutating func note(source: NetworkAddress) {
        guard var via = headers.topVia else { return }
        via.note(source: source)
        headers.topVia = via
    }
}

extension SIPRequest: CustomStringConvertible, CustomReflectable {
    package var description: String { "\(method) \(uri)" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
