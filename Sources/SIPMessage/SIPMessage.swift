// SIPMessage: what a SIP message says, as values, and how it looks on the wire.
//
// In the room: requests, responses, URIs, header fields, their parser and their serializer.
// Never in the room: transactions, dialogs, timers, sockets, digest computation, anything that answers.
// It answers to RFC 3261 §7, §18.3, §19.1, §20 and §25, RFC 3581 (rport), RFC 3326 (Reason), RFC 4475 and
// RFC 5118 (torture messages), RFC 5954 (IPv6 in URIs), RFC 7616 (challenges).

/// One SIP message, RFC 3261 §7.
package enum SIPMessage: Equatable, Sendable {
    case request(SIPRequest)
    case response(SIPResponse)
}

extension SIPMessage {
    package var headers: SIPHeaders {
        get {
            switch self {
            case .request(let request): request.headers
            case .response(let response): response.headers
            }
        }
        set {
            switch self {
            case .request(var request):
                request.headers = newValue
                self = .request(request)
            case .response(var response):
                response.headers = newValue
                self = .response(response)
            }
        }
    }

    package var body: [UInt8] {
        switch self {
        case .request(let request): request.body
        case .response(let response): response.body
        }
    }

    package var request: SIPRequest? {
        if case .request(let request) = self { request } else { nil }
    }

    package var response: SIPResponse? {
        if case .response(let response) = self { response } else { nil }
    }
}

extension SIPMessage: CustomStringConvertible, CustomReflectable {
    /// The start line without its addresses: a message is full of telephone numbers, which may not reach a log.
    package var description: String {
        switch self {
        case .request(let request): request.description
        case .response(let response): response.description
        }
    }

    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
