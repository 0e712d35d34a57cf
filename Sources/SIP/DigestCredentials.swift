import Wire

/// The answer to a challenge, in Authorization or Proxy-Authorization (RFC 7616 §3.4).
package struct DigestCredentials: Hashable, Sendable, Codable {
    package var user: String
    package var realm: String
    package var nonce: String
    package var uri: String
    package var response: String
    package var algorithm: DigestAlgorithm
    package var opaque: String?
    /// Present exactly when `qop=auth` is.
    package var session: Session?

    package struct Session: Hashable, Sendable, Codable {
        package var cnonce: String
        /// Eight hexadecimal digits.
        package var nonceCount: String
    }

    /// - Parameter header: one header's value.
    /// - Returns: nil for another scheme or hash, `qop` other than `auth`, or a parameter missing.
    package init?(_ header: String) {
        guard let parameters = DigestParameters(header), let user = parameters["username"],
            let realm = parameters["realm"], let nonce = parameters["nonce"], let uri = parameters["uri"],
            let response = parameters["response"],
            let algorithm = DigestAlgorithm(token: parameters["algorithm"] ?? "MD5")
        else { return nil }
        (self.user, self.realm, self.nonce, self.uri) = (user, realm, nonce, uri)
        (self.response, self.algorithm, opaque) = (response, algorithm, parameters["opaque"])
        if let quality = parameters["qop"] {
            guard quality.lowercased() == "auth", let cnonce = parameters["cnonce"], let count = parameters["nc"],
                count.utf8.count == 8, UInt32(count, radix: 16) != nil
            else { return nil }
            session = Session(cnonce: cnonce, nonceCount: count)
        }
    }

    /// Answers `challenge`.
    /// - Parameters:
    ///   - uri: the request's Request-URI as it is written on its first line.
    ///   - count: how often this nonce was used, this time included; from 1.
    package init(
        answering challenge: DigestChallenge, user: String, password: String, method: String, uri: String,
        count: UInt32, using generator: inout some RandomNumberGenerator
    ) {
        self.user = user
        self.uri = uri
        (realm, nonce) = (challenge.realm, challenge.nonce)
        (algorithm, opaque) = (challenge.algorithm, challenge.opaque)
        if challenge.offersAuth || challenge.algorithm.isSession {
            let digits = String(count, radix: 16)
            session = Session(
                cnonce: hexadecimal(bytes: 8, using: &generator),
                nonceCount: String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits)
        }
        response = challenge.algorithm.response(
            user: user, realm: challenge.realm, password: password, method: method, uri: uri, nonce: challenge.nonce,
            nonceCount: session?.nonceCount, cnonce: session?.cnonce)
    }

    /// Whether the response is the one that this password gives. The caller checks nonce, realm and uri.
    package func isRight(password: String, method: String) -> Bool {
        let expected = algorithm.response(
            user: user, realm: realm, password: password, method: method, uri: uri, nonce: nonce,
            nonceCount: session?.nonceCount, cnonce: session?.cnonce)
        // Compared in constant time: the sum tells nothing about where the difference lies.
        guard expected.utf8.count == response.utf8.count else { return false }
        return zip(expected.utf8, response.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    package var headerValue: String {
        let quoted = DigestParameters.quoted
        var text = "Digest username=\(quoted(user)), realm=\(quoted(realm)), nonce=\(quoted(nonce))"
        text += ", uri=\(quoted(uri)), response=\"\(response)\", algorithm=\(algorithm.rawValue)"
        if let session {
            text += ", cnonce=\(quoted(session.cnonce)), qop=auth, nc=\(session.nonceCount)"
        }
        if let opaque { text += ", opaque=\(quoted(opaque))" }
        return text
    }
}
