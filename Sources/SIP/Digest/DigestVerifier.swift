package import SIPMessage
package import Wire

/// The server's side of digest authentication: issues nonces and checks what comes back (RFC 7616 §3.3, §5.4).
///
/// It keeps each nonce that is still valid and the highest count seen for it, so that a captured request cannot be
/// played again. The number of nonces is bounded; the oldest goes first, and its owner is told `stale`.
package struct DigestVerifier: Sendable, Codable {
    package enum Verdict: Equatable, Sendable {
        case accepted
        /// Right password, nonce too old or unknown: challenge again with `stale=true`.
        case stale
        /// Wrong password, wrong realm, or a replay.
        case refused
    }

    package let realm: String
    package let algorithm: DigestAlgorithm
    private let nonceLifetime: Duration
    private let limit: Int
    private var nonces: [String: Nonce] = [:]
    /// Nonces by age, the oldest first; those before `head` are gone.
    private var order: [String] = []
    private var head = 0

    private struct Nonce: Sendable, Codable {
        var validUntil: MonotonicTime
        var highestCount: UInt32
    }

    /// - Parameter limit: how many nonces are remembered, from 1.
    package init(
        realm: String, algorithm: DigestAlgorithm = .sha256, nonceLifetime: Duration = .seconds(300),
        limit: Int = 4_096
    ) {
        self.realm = realm
        self.algorithm = algorithm
        self.nonceLifetime = nonceLifetime
        self.limit = max(1, limit)
    }

    /// Issues a challenge with a new nonce.
    package mutating func challenge(
        isStale: Bool = false, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> DigestChallenge {
        let nonce = hexadecimal(bytes: 16, using: &generator)
        nonces[nonce] = Nonce(validUntil: now + nonceLifetime, highestCount: 0)
        order.append(nonce)
        while head < order.count, nonces.count > limit || (nonces[order[head]]?.validUntil ?? .zero) <= now {
            nonces[order[head]] = nil
            head += 1
        }
        if head > 64, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
        return DigestChallenge(realm: realm, nonce: nonce, algorithm: algorithm, isStale: isStale)
    }

    /// - Parameters:
    ///   - password: that of `credentials.user`, looked up by the caller.
    ///   - method: the request's method.
    package mutating func verify(
        _ credentials: DigestCredentials, password: String, method: SIPMethod, now: MonotonicTime
    ) -> Verdict {
        guard credentials.realm == realm, credentials.algorithm == algorithm,
            credentials.isRight(password: password, method: method)
        else { return .refused }
        guard var nonce = nonces[credentials.nonce], nonce.validUntil > now else { return .stale }
        if let session = credentials.session {
            guard session.nonceCount > nonce.highestCount else {
                return .refused
            }
            nonce.highestCount = session.nonceCount
            nonces[credentials.nonce] = nonce
        } else {
            // Without a count each nonce serves once.
            nonces[credentials.nonce] = nil
        }
        return .accepted
    }
}
