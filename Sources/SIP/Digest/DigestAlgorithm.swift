import Crypto
import Wire

/// A hash of digest authentication (RFC 7616 §3.2, RFC 8760 §2.1). SHA-512-256 is not spoken here.
package enum DigestAlgorithm: String, Sendable, Codable, CaseIterable {
    case md5 = "MD5"
    case md5Session = "MD5-sess"
    case sha256 = "SHA-256"
    case sha256Session = "SHA-256-sess"

    /// - Parameter token: as in the header, in any case; nil for what is unknown.
    package init?(token: String) {
        guard let match = Self.allCases.first(where: { $0.rawValue.lowercased() == token.lowercased() }) else {
            return nil
        }
        self = match
    }

    /// A1 is hashed again with the nonces.
    package var isSession: Bool { self == .md5Session || self == .sha256Session }

    /// The greater, the better: among several challenges the strongest is answered.
    package var strength: Int {
        switch self {
        case .md5: 0
        case .md5Session: 1
        case .sha256: 2
        case .sha256Session: 3
        }
    }

    /// Lower-case hexadecimal digits of the hash of the UTF-8 bytes.
    package func hash(_ text: String) -> String {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBytes { buffer in
            switch self {
            case .md5, .md5Session:
                var function = Insecure.MD5()
                function.update(bufferPointer: buffer)
                return hexadecimal(function.finalize())
            case .sha256, .sha256Session:
                var function = SHA256()
                function.update(bufferPointer: buffer)
                return hexadecimal(function.finalize())
            }
        }
    }

    /// The `response` parameter (RFC 7616 §3.4.1), or RFC 2617's older form without `qop`.
    /// - Parameters:
    ///   - session: how often the nonce was used, and the client's nonce; nil when the challenge had no `qop`.
    package func response(
        user: String, realm: String, password: String, method: String, uri: String, nonce: String,
        session: (count: UInt32, cnonce: String)?
    ) -> String {
        var secret = hash("\(user):\(realm):\(password)")
        if isSession { secret = hash("\(secret):\(nonce):\(session?.cnonce ?? "")") }
        let request = hash("\(method):\(uri)")
        guard let session else { return hash("\(secret):\(nonce):\(request)") }
        let digits = String(session.count, radix: 16)
        let count = String(repeating: "0", count: 8 - digits.utf8.count) + digits
        return hash("\(secret):\(nonce):\(count):\(session.cnonce):auth:\(request)")
    }
}
