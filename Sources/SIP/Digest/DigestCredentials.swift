package import SIPMessage
import Wire

/// The answer to a challenge (RFC 7616 §3.4).
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
        /// How often the nonce was used, from 1.
        package var nonceCount: UInt32
    }

    /// - Returns: nil for another scheme or hash, `qop` other than `auth`, or a parameter missing.
    package init?(_ credentials: Credentials) {
        guard credentials.isDigest, let user = credentials.username, let realm = credentials.realm,
            let nonce = credentials.nonce, let uri = credentials.uri, let response = credentials.response,
            let algorithm = DigestAlgorithm(token: credentials.algorithm ?? "MD5")
        else { return nil }
        (self.user, self.realm, self.nonce, self.uri) = (user, realm, nonce, uri)
        (self.response, self.algorithm, opaque) = (response, algorithm, credentials.opaque)
        if let quality = credentials.qualityOfProtection {
            guard quality.lowercased() == "auth", let cnonce = credentials.clientNonce,
                let count = credentials.nonceCount
            else { return nil }
            session = Session(cnonce: cnonce, nonceCount: count)
        }
    }

    /// Answers `challenge`.
    /// - Parameters:
    ///   - uri: the request's Request-URI as it is written on its first line.
    ///   - count: how often this nonce was used, this time included; from 1.
    package init(
        answering challenge: DigestChallenge, user: String, password: String, method: SIPMethod, uri: String,
        count: UInt32, using generator: inout some RandomNumberGenerator
    ) {
        self.user = user
        self.uri = uri
        (realm, nonce) = (challenge.realm, challenge.nonce)
        (algorithm, opaque) = (challenge.algorithm, challenge.opaque)
        session =
            challenge.offersAuth
            ? Session(cnonce: hexadecimal(bytes: 8, using: &generator), nonceCount: count) : nil
        response = ""
        response = expectedResponse(password: password, method: method)
    }

    private func expectedResponse(password: String, method: SIPMethod) -> String {
        algorithm.response(
            user: user, realm: realm, password: password, method: method.rawValue, uri: uri, nonce: nonce,
            session: session.map { ($0.nonceCount, $0.cnonce) })
    }

    /// Whether the response is the one that this password gives. The caller checks nonce, realm and uri.
    package func isRight(password: String, method: SIPMethod) -> Bool {
        let expected = expectedResponse(password: password, method: method)
        // Compared in constant time: the sum tells nothing about where the difference lies.
        guard expected.utf8.count == response.utf8.count else { return false }
        return zip(expected.utf8, response.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// For Authorization or Proxy-Authorization.
    package var credentials: Credentials {
        .digest(
            username: user, realm: realm, nonce: nonce, uri: uri, response: response, algorithm: algorithm.rawValue,
            opaque: opaque, qualityOfProtection: session == nil ? nil : "auth", clientNonce: session?.cnonce,
            nonceCount: session?.nonceCount)
    }
}
