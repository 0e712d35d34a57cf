extension SessionDescription {
    /// The description as it goes on the wire, lines ended by CR LF, in the order of RFC 8866 §5.
    package var text: String {
        var lines = ["v=0", "o=\(origin.line)", "s=\(name)"]
        if let connection { lines.append("c=\(connection.line)") }
        lines += bandwidth.map { "b=\($0)" }
        lines += timing.map { "t=\($0)" }
        lines += attributes.map { "a=\($0.line)" }
        for section in media {
            let formats = section.formats.joined(separator: " ")
            lines.append("m=\(section.kind) \(section.port) \(section.transport) \(formats)")
            if let connection = section.connection { lines.append("c=\(connection.line)") }
            lines += section.bandwidth.map { "b=\($0)" }
            lines += section.attributes.map { "a=\($0.line)" }
        }
        return lines.map { $0 + "\r\n" }.joined()
    }

    package var bytes: [UInt8] { Array(text.utf8) }
}

extension SessionDescription.Origin {
    fileprivate var line: String { "\(username) \(sessionID) \(version) IN \(addressType) \(address)" }
}

extension SessionDescription.Connection {
    fileprivate var line: String { "IN \(addressType) \(address)" }
}

extension SessionDescription.Attribute {
    fileprivate var line: String {
        if let value { "\(name):\(value)" } else { name }
    }
}
