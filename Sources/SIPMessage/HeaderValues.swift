/// Content-Type, `application/sdp;charset=utf-8`: RFC 3261 §20.15.
package struct MediaType: Equatable, Sendable {
    /// In lower case.
    package var type: String
    package var subtype: String
    package var parameters: SIPParameters

    package init(_ type: String, _ subtype: String, parameters: SIPParameters = SIPParameters()) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    package static let sdp = MediaType("application", "sdp")

    /// The same type, whatever its parameters.
    package func matches(_ other: MediaType) -> Bool { type == other.type && subtype == other.subtype }

    /// - Throws: `badValue(.mediaType)`.
    package init(_ text: String) throws(SIPParseError) {
        self = try scanOne(text, .mediaType) { (scanner) throws(SIPParseError) in
            guard let type = scanner.token(), scanner.takeSeparator("/"), let subtype = scanner.token() else {
                throw SIPParseError(.badValue(.mediaType), at: scanner.position)
            }
            return MediaType(
                Grammar.lowercased(type), Grammar.lowercased(subtype),
                parameters: try SIPParameters(headerValue: &scanner))
        }
    }

    package var text: String {
        var text = "\(type)/\(subtype)"
        parameters.write(headerValue: &text)
        return text
    }
}

/// Why a call ends, `Q.850;cause=16;text="Normal call clearing"`: RFC 3326.
package struct SIPReason: Equatable, Sendable {
    /// `SIP`, `Q.850`
    package var protocolName: String
    package var cause: Int?
    package var phrase: String?

    package init(protocolName: String, cause: Int?, phrase: String? = nil) {
        self.protocolName = protocolName
        self.cause = cause
        self.phrase = phrase
    }

    init(_ scanner: inout TextScanner) throws(SIPParseError) {
        guard let name = scanner.token() else { throw SIPParseError(.badValue(.reason), at: scanner.position) }
        let parameters = try SIPParameters(headerValue: &scanner)
        protocolName = name
        cause = parameters["cause"].flatMap { Grammar.deltaSeconds($0.utf8) }
        phrase = parameters["text"]
    }

    package var text: String {
        protocolName + (cause.map { ";cause=\($0)" } ?? "") + (phrase.map { ";text=" + $0.quoted } ?? "")
    }
}
