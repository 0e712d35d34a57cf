package import SIPMessage

/// The client's memory of one server's challenge: answers it, and later requests without being asked again, counting
/// how often the nonce was used (RFC 7616 §3.4, `nc`).
package struct DigestAnswerer: Hashable, Sendable, Codable {
    package private(set) var challenge: DigestChallenge?
    private var count: UInt32 = 0

    package init() {}

    /// A new challenge replaces the old one; the count starts again with a new nonce.
    package mutating func received(_ challenge: DigestChallenge) {
        if self.challenge?.nonce != challenge.nonce { count = 0 }
        self.challenge = challenge
    }

    /// Forgets the challenge: the next request goes out without credentials.
    package mutating func forget() {
        self = DigestAnswerer()
    }

    /// - Parameters:
    ///   - user: the name to authenticate as.
    ///   - uri: the Request-URI as written.
    /// - Returns: nil while nothing was asked.
    package mutating func credentials(
        user: String, password: String, method: SIPMethod, uri: String,
        using generator: inout some RandomNumberGenerator
    ) -> DigestCredentials? {
        guard let challenge else { return nil }
        count &+= 1
        return DigestCredentials(
            answering: challenge, user: user, password: password, method: method, uri: uri, count: count,
            using: &generator)
    }
}
