/// One challenge of WWW-Authenticate or Proxy-Authenticate: RFC 3261 §20.44, RFC 7616 §3.3, RFC 8760.
package struct Challenge: Equatable, Sendable {
    /// As it came; `Digest` as a rule.
    package var scheme: String
    /// Names in lower case, values without quotes.
    package var parameters: SIPParameters

    package init(scheme: String = "Digest", parameters: SIPParameters) {
        self.scheme = scheme
        self.parameters = parameters
    }

    package var isDigest: Bool { Grammar.lowercased(scheme) == "digest" }
    package var realm: String? { parameters["realm"] }
    package var nonce: String? { parameters["nonce"] }
    package var opaque: String? { parameters["opaque"] }
    /// As written; absent means MD5.
    package var algorithm: String? { parameters["algorithm"] }
    /// In lower case: `auth`, `auth-int`. Empty when the server speaks RFC 2069.
    package var qualityOfProtection: [String] {
        (parameters["qop"] ?? "").utf8.split { $0 == UInt8(ascii: ",") || Grammar.isWhitespace($0) }
            .map { Grammar.lowercased(String(Substring($0))) }
    }
    /// The nonce was too old, the password right.
    package var isStale: Bool { parameters["stale"].map(Grammar.lowercased) == "true" }

    /// As on the wire.
    package var text: String { writeAuthentication(scheme, parameters, bare: ["algorithm", "stale"]) }
}

/// What answers a challenge: Authorization or Proxy-Authorization, RFC 3261 §20.7, RFC 7616 §3.4.
package struct Credentials: Equatable, Sendable {
    package var scheme: String
    package var parameters: SIPParameters

    package init(scheme: String = "Digest", parameters: SIPParameters) {
        self.scheme = scheme
        self.parameters = parameters
    }

    package var isDigest: Bool { Grammar.lowercased(scheme) == "digest" }
    package var username: String? { parameters["username"] }
    package var realm: String? { parameters["realm"] }
    package var nonce: String? { parameters["nonce"] }
    package var uri: String? { parameters["uri"] }
    package var response: String? { parameters["response"] }
    package var algorithm: String? { parameters["algorithm"] }
    package var clientNonce: String? { parameters["cnonce"] }
    package var opaque: String? { parameters["opaque"] }
    package var qualityOfProtection: String? { parameters["qop"] }
    /// Eight hexadecimal digits on the wire.
    package var nonceCount: UInt32? {
        parameters["nc"].flatMap { $0.utf8.count <= 8 ? UInt32($0, radix: 16) : nil }
    }

    /// Digest credentials in the customary order.
    /// - Parameters:
    ///   - uri: the Request-URI as it is sent.
    ///   - nonceCount: written only together with `qualityOfProtection`.
    package static func digest(
        username: String, realm: String, nonce: String, uri: String, response: String, algorithm: String? = nil,
        opaque: String? = nil, qualityOfProtection: String? = nil, clientNonce: String? = nil,
        nonceCount: UInt32? = nil
    ) -> Credentials {
        var parameters = SIPParameters([
            "username": username, "realm": realm, "nonce": nonce, "uri": uri, "response": response,
        ])
        parameters["algorithm"] = algorithm
        parameters["opaque"] = opaque
        if let qualityOfProtection {
            parameters["qop"] = qualityOfProtection
            parameters["cnonce"] = clientNonce
            parameters["nc"] = nonceCount.map { count in
                let digits = String(count, radix: 16)
                return String(repeating: "0", count: 8 - digits.utf8.count) + digits
            }
        }
        return Credentials(parameters: parameters)
    }

    /// As on the wire.
    package var text: String { writeAuthentication(scheme, parameters, bare: ["algorithm", "qop", "nc"]) }
}

/// - Parameter bare: names whose values RFC 7616 wants without quotes.
private func writeAuthentication(_ scheme: String, _ parameters: SIPParameters, bare: Set<String>) -> String {
    let list = parameters.all.map { parameter in
        let value = parameter.value ?? ""
        return parameter.name + "=" + (bare.contains(parameter.name) && Grammar.isToken(value) ? value : value.quoted)
    }
    return list.isEmpty ? scheme : scheme + " " + list.joined(separator: ", ")
}

extension Challenge {
    /// - Parameter text: one header value; may hold several challenges with commas between them.
    /// - Throws: `badValue(.challenge)`.
    package static func list(_ text: String) throws(SIPParseError) -> [Challenge] {
        try scanAuthentication(text).map { Challenge(scheme: $0, parameters: $1) }
    }
}

extension Credentials {
    /// - Throws: `badValue(.challenge)`.
    package init(_ text: String) throws(SIPParseError) {
        guard let first = try scanAuthentication(text).first else { throw SIPParseError(.badValue(.challenge)) }
        self.init(scheme: first.scheme, parameters: first.parameters)
    }
}

/// `scheme name=value, name="value", scheme …`. A scheme with a blob instead of parameters (Basic, Bearer) ends the
/// reading there: nothing here answers it.
private func scanAuthentication(
    _ text: String
) throws(SIPParseError) -> [(scheme: String, parameters: SIPParameters)] {
    var found: [(scheme: String, parameters: SIPParameters)] = []
    var scanner = TextScanner(text)
    scanner.skipWhitespace()
    guard let first = scanner.token() else { throw SIPParseError(.badValue(.challenge)) }
    found.append((first, SIPParameters()))
    scanner.skipWhitespace()
    while !scanner.isAtEnd {
        guard !scanner.takeSeparator(",") else { continue }
        let at = scanner.position
        guard let name = scanner.token() else { throw SIPParseError(.badValue(.challenge), at: at) }
        if scanner.takeSeparator("=") {
            let blob = scanner.peek == nil || scanner.peek == UInt8(ascii: "=")
            if blob, found[found.count - 1].parameters.isEmpty { return found }
            let value = try SIPParameters.value(&scanner)
            try found[found.count - 1].parameters.append(name, value, at: scanner.position)
        } else {
            let blank = scanner.peek.map(Grammar.isWhitespace) == true
            scanner.skipWhitespace()
            if !blank, found[found.count - 1].parameters.isEmpty { return found }
            found.append((name, SIPParameters()))
            continue
        }
        scanner.skipWhitespace()
        guard !scanner.isAtEnd else { break }
        guard scanner.takeSeparator(",") else { throw SIPParseError(.badValue(.challenge), at: scanner.position) }
    }
    return found
}
