import SIPMessage

/// The session description that a message carries: its body, or one part of several (RFC 5621 §3.1). Who does not say
/// what the body is means a session (RFC 3261 §7.4.1 asks for the header, but old equipment leaves it out).
extension SIPRequest {
    /// Empty when there is none.
    var session: [UInt8] {
        body.isEmpty || headers.contentType == nil ? body : SIPMessage.request(self).sessionDescription ?? []
    }

    var carriesSession: Bool { !session.isEmpty }
}

extension SIPResponse {
    /// Empty when there is none.
    var session: [UInt8] {
        body.isEmpty || headers.contentType == nil ? body : SIPMessage.response(self).sessionDescription ?? []
    }

    var carriesSession: Bool { !session.isEmpty }
}
