/// What a server asks for in WWW-Authenticate or Proxy-Authenticate (RFC 7616 §3.3).
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

    /// - Parameter header: one header's value.
    /// - Returns: nil for what cannot be answered here: another scheme or hash, `qop` without `auth`, no realm or nonce.
    package init?(_ header: String) {
        guard let parameters = DigestParameters(header), let realm = parameters["realm"],
            let nonce = parameters["nonce"], let algorithm = DigestAlgorithm(token: parameters["algorithm"] ?? "MD5")
        else { return nil }
        let qualities = parameters["qop"].map { list in
            list.split(separator: ",").map { $0.filter { !$0.isWhitespace }.lowercased() }
        }
        if let qualities, !qualities.contains("auth") { return nil }
        self.init(
            realm: realm, nonce: nonce, opaque: parameters["opaque"], algorithm: algorithm,
            offersAuth: qualities != nil, isStale: parameters["stale"]?.lowercased() == "true")
    }

    /// The one to answer among all that a response carries: the strongest hash, of equals the first (RFC 8760 §2.4).
    package static func strongest(of headers: [String]) -> DigestChallenge? {
        var best: DigestChallenge?
        for challenge in headers.compactMap(DigestChallenge.init) {
            if best.map({ $0.algorithm.strength < challenge.algorithm.strength }) ?? true { best = challenge }
        }
        return best
    }

    package var headerValue: String {
        var text = "Digest realm=\(DigestParameters.quoted(realm)), nonce=\(DigestParameters.quoted(nonce))"
        if let opaque { text += ", opaque=\(DigestParameters.quoted(opaque))" }
        if isStale { text += ", stale=true" }
        text += ", algorithm=\(algorithm.rawValue)"
        if offersAuth { text += ", qop=\"auth\"" }
        return text
    }
}
