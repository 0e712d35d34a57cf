extension SessionDescription {
    package static let longest = 65_536
    private static let longestLine = 4_096
    private static let mostLines = 2_048
    private static let mostMedia = 32

    /// - Throws: see ``SDPError``; reading never fails for what the description means, only for its form.
    package init(_ text: String) throws(SDPError) {
        try self.init(Array(text.utf8))
    }

    /// Reads a description. Lines end in CR LF or LF; empty ones and types of line that RFC 8866 does not know
    /// are skipped, as are missing `s=` and `t=`: equipment in the field leaves them out.
    /// - Parameter bytes: at most 64 KiB; what is not UTF-8 is replaced by U+FFFD.
    /// - Throws: ``SDPError``, with the number of the line that is at fault.
    package init(_ bytes: [UInt8]) throws(SDPError) {
        guard bytes.count <= Self.longest else { throw .tooLong }
        var reader = DescriptionReader()
        var number = 0
        // The piece after the last allowed split holds all the rest and is refused by its number.
        let lines = bytes.split(
            separator: UInt8(ascii: "\n"), maxSplits: Self.mostLines, omittingEmptySubsequences: false)
        for var line in lines {
            number += 1
            guard number <= Self.mostLines else { throw .tooManyLines }
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            guard !line.isEmpty else { continue }
            guard line.count <= Self.longestLine else { throw .line(number, .tooLong) }
            guard !line.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\r") }) else {
                throw .line(number, .forbiddenByte)
            }
            guard let type = line.first, line.dropFirst().first == UInt8(ascii: "=") else {
                throw .line(number, .notALine)
            }
            do throws(SDPError.Fault) {
                try reader.take(type, String(decoding: line.dropFirst(2), as: UTF8.self))
            } catch {
                throw .line(number, error)
            }
            guard reader.media.count <= Self.mostMedia else { throw .tooManyMedia }
        }
        guard let origin = reader.origin else { throw .incomplete }
        self.init(
            origin: origin, name: reader.name, connection: reader.connection, bandwidth: reader.bandwidth,
            timing: reader.timing.isEmpty ? ["0 0"] : reader.timing, attributes: reader.attributes,
            media: reader.media)
    }
}

/// Collects lines into a description.
private struct DescriptionReader {
    var hasVersion = false
    var origin: SessionDescription.Origin?
    var name = "-"
    var connection: SessionDescription.Connection?
    var bandwidth: [String] = []
    var timing: [String] = []
    var attributes: [SessionDescription.Attribute] = []
    var media: [MediaDescription] = []

    mutating func take(_ type: UInt8, _ value: String) throws(SDPError.Fault) {
        guard hasVersion else {
            guard type == UInt8(ascii: "v"), value.fields() == ["0"] else { throw .version }
            hasVersion = true
            return
        }
        switch type {
        case UInt8(ascii: "o") where media.isEmpty:
            origin = try readOrigin(value)
        case UInt8(ascii: "s") where media.isEmpty:
            name = value.isEmpty ? "-" : value
        case UInt8(ascii: "t") where media.isEmpty:
            timing.append(value)
        case UInt8(ascii: "c"):
            let read = try readConnection(value)
            // A media section may say several for layered multicast (RFC 8866 §5.7); the first counts.
            if media.isEmpty {
                connection = connection ?? read
            } else {
                media[media.count - 1].connection = media[media.count - 1].connection ?? read
            }
        case UInt8(ascii: "b"):
            if media.isEmpty { bandwidth.append(value) } else { media[media.count - 1].bandwidth.append(value) }
        case UInt8(ascii: "a"):
            let attribute = readAttribute(value)
            if media.isEmpty {
                attributes.append(attribute)
            } else {
                media[media.count - 1].attributes.append(attribute)
            }
        case UInt8(ascii: "m"):
            media.append(try readMedia(value))
        default:
            break
        }
    }

    /// `o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>`
    private func readOrigin(_ value: String) throws(SDPError.Fault) -> SessionDescription.Origin {
        var parts = value.fields()
        // Some equipment puts spaces into the username.
        if parts.count > 6 { parts = [parts[0]] + parts.suffix(5) }
        guard parts.count == 6, parts[3] == "IN" else { throw .origin }
        return SessionDescription.Origin(
            username: String(parts[0]), sessionID: String(parts[1]), version: String(parts[2]),
            addressType: String(parts[4]), address: String(parts[5]))
    }

    /// `c=IN IP4 192.0.2.1`
    private func readConnection(_ value: String) throws(SDPError.Fault) -> SessionDescription.Connection {
        let parts = value.fields()
        guard parts.count == 3, parts[0] == "IN", parts[1] == "IP4" || parts[1] == "IP6" else { throw .connection }
        return SessionDescription.Connection(addressType: String(parts[1]), address: String(parts[2]))
    }

    /// `a=<attribute>` or `a=<attribute>:<value>`; blanks at the end, which some equipment adds, are cut off.
    private func readAttribute(_ line: String) -> SessionDescription.Attribute {
        let kept = line.utf8.lastIndex { $0 != UInt8(ascii: " ") }.map { line.utf8[...$0] } ?? line.utf8.prefix(0)
        let value = String(Substring(kept))
        guard let colon = value.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            return SessionDescription.Attribute(value)
        }
        return SessionDescription.Attribute(
            String(Substring(value.utf8[..<colon])), String(Substring(value.utf8[colon...].dropFirst())))
    }

    /// `m=audio 49170[/2] RTP/AVP 0 8 101`
    private func readMedia(_ value: String) throws(SDPError.Fault) -> MediaDescription {
        let parts = value.fields()
        guard parts.count >= 4 else { throw .media }
        let ports = parts[1].fields(separatedBy: "/")
        guard (1...2).contains(ports.count), let port = UInt16(ports[0]) else { throw .media }
        return MediaDescription(
            kind: String(parts[0]), port: port, transport: String(parts[2]), formats: parts[3...].map(String.init))
    }
}
