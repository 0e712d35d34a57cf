import Accounts
import Wire

/// The cookie that a session goes on with (RFC 6265): not readable by scripts, not sent along by other sites' pages, and sent
/// to one address only.
enum SessionCookie {
    static let name = "sipcall_session"
    private static let path = "/api/v1/session"
    /// What the session itself may live at most; it ends there, whatever the browser keeps.
    private static let life = 90 * 86_400

    /// - Parameter isSecure: the browser then sends it over TLS only.
    static func header(_ value: Redacted<String>, isSecure: Bool) -> String {
        "\(name)=\(value.revealed); Path=\(path); HttpOnly; SameSite=Strict; Max-Age=\(life)"
            + (isSecure ? "; Secure" : "")
    }

    static let erasure = "\(name)=; Path=\(path); HttpOnly; SameSite=Strict; Max-Age=0"

    /// - Parameter cookies: the values of the request's `Cookie` headers.
    static func value(in cookies: [some StringProtocol], named name: String = name) -> Redacted<String>? {
        for cookie in cookies.flatMap({ $0.split(separator: ";") }) {
            let trimmed = cookie.drop { $0 == " " }
            guard trimmed.hasPrefix(name + "=") else { continue }
            let value = trimmed.dropFirst(name.count + 1)
            guard (1...128).contains(value.utf8.count) else { continue }
            return Redacted(String(value))
        }
        return nil
    }
}

/// Marks a browser that an account has signed in with, for a year. It lets nobody in; strangers' wrong passwords just do not slow
/// down whoever has it (owasp.org, Slow Down Online Guessing Attacks with Device Cookies).
enum DeviceCookie {
    static let name = "sipcall_device"
    private static let path = "/api/v1/session"
    private static let life = 365 * 86_400

    static func header(_ value: Redacted<String>, isSecure: Bool) -> String {
        "\(name)=\(value.revealed); Path=\(path); HttpOnly; SameSite=Strict; Max-Age=\(life)"
            + (isSecure ? "; Secure" : "")
    }

    static func value(in cookies: [some StringProtocol]) -> Redacted<String>? {
        SessionCookie.value(in: cookies, named: name)
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
