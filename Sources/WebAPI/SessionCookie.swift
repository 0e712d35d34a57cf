import Wire

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
