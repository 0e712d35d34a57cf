/// A response: status, reason phrase, header fields, body (RFC 3261 §7.2).
package struct SIPResponse: Equatable, Sendable {
    /// 100...699
    package var status: Int
    package var reason: String
    package var headers: SIPHeaders
    package var body: [UInt8]

    package init(status: Int, reason: String? = nil, headers: SIPHeaders = SIPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.reason = reason ?? Self.phrase(status)
        self.headers = headers
        self.body = body
    }

    /// The response to a request: Via, From, To, Call-ID and CSeq as they came (RFC 3261 §8.2.6.2), Record-Route when
    /// it can make a dialog (§12.1.1), Timestamp in a 100 (§8.2.6.1).
    /// - Parameters:
    ///   - reason: the RFC's phrase when nil.
    ///   - toTag: put into To unless it has one already; a 100 gets none.
    package init(to request: SIPRequest, status: Int, reason: String? = nil, toTag: String? = nil) {
        self.init(status: status, reason: reason)
        headers.copy(.via, from: request.headers)
        if (101...299).contains(status) { headers.copy(.recordRoute, from: request.headers) }
        headers.copy(.from, from: request.headers)
        headers.copy(.to, from: request.headers)
        if status > 100, let toTag, var to = headers.to, to.tag == nil {
            to.tag = toTag
            headers.to = to
        }
        headers.copy(.callID, from: request.headers)
        headers.copy(.cseq, from: request.headers)
        if status == 100 { headers.copy(.timestamp, from: request.headers) }
    }

    package var isProvisional: Bool { status < 200 }
    package var isSuccess: Bool { (200...299).contains(status) }

    /// Sets the body together with its Content-Type.
    package mutating func setBody(_ bytes: [UInt8], type: MediaType = .sdp) {
        body = bytes
        headers.contentType = bytes.isEmpty ? nil : type
    }

    /// The customary phrase (RFC 3261 §21 and the IANA registry); for a status without one that of its class.
    package static func phrase(_ status: Int) -> String {
        phrases[status] ?? phrases[status / 100 * 100] ?? "Unknown"
    }

    private static let phrases: [Int: String] = [
        100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress",
        200: "OK", 202: "Accepted", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily",
        305: "Use Proxy", 380: "Alternative Service", 400: "Bad Request", 401: "Unauthorized",
        402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
        407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone", 412: "Conditional Request Failed",
        413: "Request Entity Too Large", 414: "Request-URI Too Long", 415: "Unsupported Media Type",
        416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
        422: "Session Interval Too Small", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
        481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete",
        485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event",
        491: "Request Pending", 493: "Undecipherable", 494: "Security Agreement Required",
        500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
        504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large", 580: "Precondition Failure",
        600: "Busy Everywhere", 603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
    ]
}

extension SIPResponse: CustomStringConvertible, CustomReflectable {
    package var description: String { "\(status) \(headers.cseq?.method.rawValue ?? "?")" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
