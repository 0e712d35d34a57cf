/// Why a message, or a value in it, could not be understood, and where.
package struct SIPParseError: Error, Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        /// Nothing but line ends: a keep-alive (RFC 5626 §3.5.1), no message.
        case empty
        /// More than `SIPMessage.Limit` allows.
        case headersTooLarge, tooManyHeaders, bodyTooLarge
        /// Not `Method SP Request-URI SP SIP-Version`, nor `SIP-Version SP Status-Code SP Reason-Phrase`.
        case badStartLine
        /// `SIP/7.0`: the answer is 505.
        case unsupportedVersion
        /// Not three digits, or outside 100...699.
        case badStatusCode
        case badRequestURI
        /// No colon, a name that is no token, or a line end that is none.
        case badHeaderLine
        case missingHeader(SIPHeaderName)
        /// More than one of a field that may occur once.
        case repeatedHeader(SIPHeaderName)
        case badHeader(SIPHeaderName)
        /// CSeq names another method than the request line (RFC 3261 §8.1.1.5).
        case methodMismatch
        /// Content-Length promises more than the datagram holds (RFC 3261 §18.3).
        case truncatedBody
        /// A value read on its own, outside a message.
        case badValue(Element)
    }

    package enum Element: String, Sendable {
        case uri, host, nameAddress, via, cseq, parameters, challenge, mediaType, reason, number, list
    }

    package let reason: Reason
    /// Bytes from the start of the message (of the value for `badValue`) to what is wrong.
    package let offset: Int

    package init(_ reason: Reason, at offset: Int = 0) {
        self.reason = reason
        self.offset = offset
    }

    /// The status that a request with this fault is answered with; a response with a fault is dropped
    /// (RFC 3261 §8.1.3.1, §18.1.2). Nil: there is nobody to answer.
    package var status: Int? {
        switch reason {
        case .empty, .badStatusCode, .badValue: nil
        case .unsupportedVersion: 505
        case .headersTooLarge, .tooManyHeaders, .bodyTooLarge: 513
        case .badStartLine, .badRequestURI, .badHeaderLine, .missingHeader, .repeatedHeader, .badHeader,
            .methodMismatch, .truncatedBody:
            400
        }
    }
}
