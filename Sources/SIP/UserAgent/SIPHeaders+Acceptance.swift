import SIPMessage

extension SIPHeaders {
    /// An answer may carry a session description: Accept is absent, or names it (RFC 3261 §20.1). An empty one takes nothing.
    var acceptsSession: Bool {
        guard contains(.accept) else { return true }
        return values(.accept).contains { value in
            value.utf8.split(separator: UInt8(ascii: ",")).contains { range in
                let kind = range.prefix { $0 != UInt8(ascii: ";") }.filter { $0 > 0x20 }
                return ["application/sdp", "application/*", "*/*"].contains(
                    String(decoding: kind, as: UTF8.self).lowercased())
            }
        }
    }
}
