import SDP
import SIPMessage

// What a message's body says.
extension TraceWords {
    private static let mostMedia = 4
    private static let mostCodecs = 12
    private static let mostLines = 120

    /// - Returns: the description in one line, or what else the body is; and its own lines if they are wanted.
    func session(of message: SIPMessage, withLines: Bool) -> (String?, [String]?) {
        guard !message.body.isEmpty else { return (nil, nil) }
        guard let bytes = message.sessionDescription else {
            // Digits come in bodies too, so that the kind and the size must do.
            let type = message.headers.contentType.map { "\($0.type)/\($0.subtype)" } ?? "body"
            return ("\(plain(type, most: 40)), \(message.body.count) bytes", nil)
        }
        let lines = withLines ? self.lines(of: bytes) : nil
        guard let session = try? SessionDescription(bytes) else {
            return ("a session description that cannot be read, \(bytes.count) bytes", lines)
        }
        let media = session.media.prefix(Self.mostMedia).map { summary(of: $0, in: session) }
        let more = session.media.count > Self.mostMedia ? [" and \(session.media.count - Self.mostMedia) more"] : []
        return ((media + more).joined(separator: "; "), lines)
    }

    private func summary(of media: MediaDescription, in session: SessionDescription) -> String {
        let kind = plain(media.kind, most: 20)
        guard media.port != 0 else { return "\(kind) off" }
        var parts = [kind]
        let codecs = media.maps.prefix(Self.mostCodecs).map { plain($0.encodingName, most: 20) }
        parts += codecs.isEmpty ? [plain(media.transport, most: 24)] : codecs
        let address = (media.connection ?? session.connection)?.address
        let isHeld = address == "0.0.0.0"
        let direction = (media.direction ?? session.direction ?? .sendrecv).rawValue
        let place = address.map { $0.contains(":") ? "[\($0)]" : $0 }.map { plain($0, most: 64) } ?? "nowhere"
        return parts.joined(separator: " ") + ", \(direction), \(place):\(media.port)" + (isHeld ? " (held)" : "")
    }

    private func lines(of bytes: [UInt8]) -> [String] {
        let lines = bytes.split(separator: 0x0a, maxSplits: Self.mostLines, omittingEmptySubsequences: true)
        return lines.prefix(Self.mostLines).map { line in
            let text = String(decoding: line.last == 0x0d ? line.dropLast() : line, as: UTF8.self)
            return plain(hidden(text), most: 200)
        }
    }

    /// Keys never, people only when numbers are asked for.
    private func hidden(_ line: String) -> String {
        let lower = line.prefix(16).lowercased()
        for secret in ["k=", "a=crypto:", "a=ice-pwd:", "a=ice-ufrag:", "a=key-mgmt:"] where lower.hasPrefix(secret) {
            return line.prefix(secret.count) + "‹masked›"
        }
        guard !showsNumbers else { return line }
        switch lower.prefix(2) {
        case "e=", "p=", "u=": return line.prefix(2) + "‹masked›"
        case "s=", "i=": return line.prefix(2) + phrase(String(line.dropFirst(2)), most: 200)
        case "o=":
            let words = line.dropFirst(2).split(separator: " ", maxSplits: 1)
            guard let name = words.first, name != "-" else { return line }
            return "o=\(user(String(name)))" + (words.count > 1 ? " \(words[1])" : "")
        default: return line
        }
    }
}
