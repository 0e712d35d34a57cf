extension SIPMessage {
    /// The message as it goes on the wire; `parse` reads back the same value.
    package func serialized() -> [UInt8] {
        switch self {
        case .request(let request): request.serialized()
        case .response(let response): response.serialized()
        }
    }
}

extension SIPRequest {
    package func serialized() -> [UInt8] {
        write(startLine: "\(method.rawValue) \(uri.text) SIP/2.0", headers, body)
    }
}

extension SIPResponse {
    package func serialized() -> [UInt8] {
        write(startLine: "SIP/2.0 \(status) \(reason)", headers, body)
    }
}

/// Line ends in the start line become spaces, as in every field. Content-Length is always that of the body.
private func write(startLine: String, _ headers: SIPHeaders, _ body: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(body.count + headers.fields.count * 64 + 128)
    bytes += startLine.utf8.lazy.map { $0 == 0x0d || $0 == 0x0a ? 0x20 : $0 }
    bytes += [0x0d, 0x0a]
    for field in headers.fields where field.name != .contentLength {
        bytes += field.name.text.utf8
        bytes += [0x3a, 0x20]
        bytes += field.value.utf8
        bytes += [0x0d, 0x0a]
    }
    bytes += "Content-Length: \(body.count)\r\n\r\n".utf8
    bytes += body
    return bytes
}
