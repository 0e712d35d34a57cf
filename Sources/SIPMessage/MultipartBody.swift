/// A body of several parts, `multipart/mixed;boundary=x`: RFC 2046 §5.1, RFC 5621. Only read: the box sends one part.
package struct MultipartBody: Equatable, Sendable {
    package struct Part: Equatable, Sendable {
        /// Content-Type, Content-Disposition, Content-ID and what else stands there.
        package let headers: SIPHeaders
        package let body: [UInt8]
    }

    /// More parts than any message has.
    package static let limit = 16

    package let parts: [Part]

    /// - Parameter type: of the whole body.
    /// - Returns: nil when the type names no usable boundary, when no part begins, or when there are too many.
    package init?(_ body: [UInt8], type: MediaType) {
        guard type.type == "multipart", let boundary = type.parameters["boundary"],
            (1...70).contains(boundary.utf8.count)
        else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        var found: [Part] = []
        var partStart: Int?
        var lineStart = 0
        while lineStart <= body.count {
            let lineEnd = body[lineStart...].firstIndex(of: 0x0a) ?? body.count
            let line = body[lineStart..<lineEnd]
            if line.starts(with: delimiter) {
                let tail = line.dropFirst(delimiter.count)
                let isLast = tail.starts(with: "--".utf8)
                let padding = isLast ? tail.dropFirst(2) : tail
                if padding.allSatisfy({ Grammar.isWhitespace($0) || $0 == 0x0d }) {
                    if let partStart {
                        guard found.count < Self.limit, let part = Self.part(body, partStart, before: lineStart) else {
                            return nil
                        }
                        found.append(part)
                    }
                    partStart = isLast ? nil : min(lineEnd + 1, body.count)
                    if isLast { break }
                }
            }
            lineStart = lineEnd + 1
        }
        // A body that was cut off lacks its last delimiter; what is there is read.
        if let partStart {
            guard found.count < Self.limit, let part = Self.part(body, partStart, before: body.count) else {
                return nil
            }
            found.append(part)
        }
        guard !found.isEmpty else { return nil }
        parts = found
    }

    /// The line end before a delimiter belongs to the delimiter.
    private static func part(_ body: [UInt8], _ start: Int, before end: Int) -> Part? {
        var end = end
        if end > start, end < body.count || body[end - 1] == 0x0a, body[end - 1] == 0x0a {
            end -= 1
            if end > start, body[end - 1] == 0x0d { end -= 1 }
        }
        guard start <= end else { return nil }
        // `MessageLines` wants a start line; a part has none.
        guard let lines = try? MessageLines(Array("part\r\n".utf8) + body[start..<end]) else { return nil }
        let bodyStart = min(start + lines.bodyStart - 6, end)
        return Part(headers: SIPHeaders(lines.fields), body: Array(body[bodyStart..<end]))
    }

    /// The first part of a type, also inside a part that is multipart itself.
    package func part(_ type: MediaType, depth: Int = 2) -> Part? {
        for part in parts {
            guard let own = part.headers.contentType else { continue }
            if own.matches(type) { return part }
            if depth > 1, let inner = MultipartBody(part.body, type: own)?.part(type, depth: depth - 1) { return inner }
        }
        return nil
    }
}

extension SIPMessage {
    /// The session description, alone or as one part of several; nil when there is none.
    package var sessionDescription: [UInt8]? {
        guard !body.isEmpty, let type = headers.contentType else { return nil }
        if type.matches(.sdp) { return body }
        return MultipartBody(body, type: type)?.part(.sdp)?.body
    }
}
