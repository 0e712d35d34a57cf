import Crypto
import FoundationEssentials
import Synchronization
import Wire

/// Who is signed in: only hashes of the cookies' values, only in memory, for 12 hours.
final class SessionStore: Sendable {
    /// SHA-256 of a cookie's value: what may be kept and compared.
    typealias Digest = Data

    static let lifetime = Duration.seconds(12 * 3600)
    private static let most = 1000

    private struct Session {
        var user: String
        var end: MonotonicTime
    }

    private let sessions = Mutex<[Digest: Session]>([:])

    /// - Returns: the cookie's value, 32 random bytes as base64url. With too many sessions the oldest one ends.
    func begin(user: String, now: MonotonicTime) -> Redacted<String> {
        var generator = SystemRandomNumberGenerator()
        let bytes = Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
        let token = bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
        sessions.withLock { sessions in
            sessions = sessions.filter { $0.value.end > now }
            if sessions.count >= Self.most, let oldest = sessions.min(by: { $0.value.end < $1.value.end }) {
                sessions[oldest.key] = nil
            }
            sessions[Self.digest(token)] = Session(user: user, end: now + Self.lifetime)
        }
        return Redacted(token)
    }

    func end(_ digest: Digest) {
        sessions.withLock { $0[digest] = nil }
    }

    func user(_ digest: Digest, now: MonotonicTime) -> String? {
        sessions.withLock { sessions in
            guard let session = sessions[digest], session.end > now else { return nil }
            return session.user
        }
    }

    static func digest(_ token: String) -> Digest {
        Data(SHA256.hash(data: Data(token.utf8)))
    }
}

/// The cookie that carries a session (RFC 6265): not readable by scripts, not sent along by other sites' pages.
enum SessionCookie {
    static let name = "sipcall_session"

    /// - Parameter isSecure: the browser then sends it over TLS only.
    static func header(_ token: Redacted<String>, isSecure: Bool) -> String {
        let life = SessionStore.lifetime.components.seconds
        return "\(name)=\(token.revealed); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(life)"
            + (isSecure ? "; Secure" : "")
    }

    static let erasure = "\(name)=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"

    /// - Parameter cookies: the values of the request's `Cookie` headers.
    static func digest(in cookies: [some StringProtocol]) -> SessionStore.Digest? {
        for cookie in cookies.flatMap({ $0.split(separator: ";") }) {
            let trimmed = cookie.drop { $0 == " " }
            guard trimmed.hasPrefix(name + "=") else { continue }
            let token = trimmed.dropFirst(name.count + 1)
            guard (40...64).contains(token.utf8.count) else { continue }
            return SessionStore.digest(String(token))
        }
        return nil
    }
}

/// Whether a request was made by one of the box's own pages (RFC 6454).
enum SameOrigin {
    /// Compares host and port only: a proxy in front may speak TLS while the box does not.
    static func holds(origin: String, host: String?) -> Bool {
        guard let host, !host.isEmpty else { return false }
        let lower = origin.lowercased()
        for scheme in ["http://", "https://"] where lower.hasPrefix(scheme) {
            return lower.dropFirst(scheme.count) == host.lowercased()[...]
        }
        return false
    }
}
