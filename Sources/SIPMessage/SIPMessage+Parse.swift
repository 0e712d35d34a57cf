package import Wire

extension SIPMessage {
    /// What a stranger may make us hold. A datagram cannot be larger than 65,507 bytes; streams can.
    package enum Limit {
        /// Bytes of start line and header fields.
        package static let headerBytes = 65_536
        package static let bodyBytes = 65_536
        package static let headers = 256
    }

    /// Reads one datagram.
    ///
    /// What is checked, because an answer depends on it: start line, one each of From, To, Call-ID and CSeq, the
    /// topmost Via, Max-Forwards and Contact of a request, Content-Length. All else is read when it is asked for, so a
    /// mistake in a field that nobody needs costs no call. Line ends may be LF alone, and the end of the datagram may
    /// stand for the empty line. Bytes after Content-Length are dropped (RFC 3261 §18.3).
    /// - Throws: `SIPParseError`; its `status` tells how a request is answered.
    package static func parse(_ bytes: UnsafeRawBufferPointer) throws(SIPParseError) -> SIPMessage {
        guard bytes.count <= Limit.headerBytes + Limit.bodyBytes else { throw SIPParseError(.bodyTooLarge) }
        return try parse([UInt8](bytes))
    }

    /// Reads one datagram; see `parse(_: UnsafeRawBufferPointer)`.
    package static func parse(_ bytes: [UInt8]) throws(SIPParseError) -> SIPMessage {
        let frame = try MessageFrame(bytes)
        try frame.validate()
        let body = try frame.body(of: bytes)
        let headers = frame.headers
        switch frame.startLine {
        case .request(let method, let uri):
            return .request(SIPRequest(method, uri, headers: headers, body: body))
        case .response(let status, let reason):
            return .response(SIPResponse(status: status, reason: reason, headers: headers, body: body))
        }
    }
}

extension SIPResponse {
    /// The refusal of a request that `parse` could not read: 400, 505 or 513, with whatever of Via, From, To, Call-ID
    /// and CSeq can be found. To be sent once, without a transaction, back to `source`.
    /// - Parameter toTag: put into To if it can be read and has none.
    /// - Returns: nil when there is nobody to answer: a response, an ACK, bytes that are no SIP, no Via.
    package static func refusal(
        of bytes: [UInt8], because error: SIPParseError, from source: NetworkAddress, toTag: String? = nil
    ) -> SIPResponse? {
        guard let status = error.status, bytes.count <= SIPMessage.Limit.headerBytes + SIPMessage.Limit.bodyBytes,
            let lines = try? MessageLines(bytes), let method = StartLine.method(of: bytes[lines.startLine]),
            method != .ack
        else { return nil }
        var salvaged = SIPHeaders()
        for field in lines.fields where SIPHeaders.answered.contains(field.name) {
            if field.name == .via || !salvaged.contains(field.name) { salvaged.append(field) }
        }
        guard salvaged.contains(.via) else { return nil }
        if var via = salvaged.topVia {
            via.note(source: source)
            salvaged.topVia = via
        }
        if let toTag, var to = salvaged.to, to.tag == nil {
            to.tag = toTag
            salvaged.to = to
        }
        var response = SIPResponse(status: status)
        for name in SIPHeaders.answered { response.headers.copy(name, from: salvaged) }
        return response
    }
}

extension SIPHeaders {
    /// What a response repeats of its request, in the customary order.
    fileprivate static let answered: [SIPHeaderName] = [.via, .from, .to, .callID, .cseq]
}
