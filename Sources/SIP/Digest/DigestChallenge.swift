package import SIPMessage

/// A challenge that can be answered here: digest with a known hash (RFC 7616 §3.3).
package struct DigestChallenge: Hashable, Sendable, Codable {
    package var realm: String
    package var nonce: String
    package var opaque: String?
    package var algorithm: DigestAlgorithm
    /// `qop` holds `auth`; without it the older form of RFC 2617 is used.
    package var offersAuth: Bool
    /// The credentials were right, only their nonce was too old.
    package var isStale: Bool

    package init(
        realm: String, nonce: String, opaque: String? = nil, algorithm: DigestAlgorithm = .md5,
        offersAuth: Bool = true, isStale: Bool = false
    ) {
        self.realm = realm
        self.nonce = nonce
        self.opaque = opaque
        self.algorithm = algorithm
        self.offersAuth = offersAuth
        self.isStale = isStale
    }

    /// - Returns: nil for what cannot be answered: another scheme or hash, `qop` without `auth`, no realm or nonce,
    ///   a session hash without `qop`.
    package init?(_ challenge: Challenge) {
        guard challenge.isDigest, let realm = challenge.realm, let nonce = challenge.nonce,
            let algorithm = DigestAlgorithm(token: challenge.algorithm ?? "MD5")
        else { return nil }
        let qualities = challenge.qualityOfProtection
        guard qualities.isEmpty ? !algorithm.isSession : qualities.contains("auth") else { return nil }
        self.init(
            realm: realm, nonce: nonce, opaque: challenge.opaque, algorithm: algorithm,
            offersAuth: !qualities.isEmpty, isStale: challenge.isStale)
    }

    /// The one to answer among all that a response carries: the strongest hash, of equals the first (RFC 8760 §2.4).
    package static func strongest(of challenges: [Challenge]) -> DigestChallenge? {
        var best: DigestChallenge?
        for challenge in challenges.compactMap(DigestChallenge.init) {
            if best.map({ $0.algorithm.strength < challenge.algorithm.strength }) ?? true { best = challenge }
        }
        return best
    }

    /// For WWW-Authenticate or Proxy-Authenticate.
    package var challenge: Challenge {
        var parameters = SIPParameters(["realm": realm, "nonce": nonce])
        parameters["opaque"] = opaque
        if isStale { parameters["stale"] = "true" }
        parameters["algorithm"] = algorithm.rawValue
        if offersAuth { parameters["qop"] = "auth" }
        return Challenge(parameters: parameters)
    }
}
