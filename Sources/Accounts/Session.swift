package import FoundationEssentials
import Wire

/// One browser that is signed in: what its cookie may be, and until when.
///
/// The cookie's value is changed at each use. A thief's copy therefore comes a second time, sooner or later, from the
/// thief or from the owner, and that ends the session (draft-ietf-oauth-v2-1, §4.3.1). A value is only given up once
/// its successor has been seen: an answer that is lost on the way signs nobody out.
///
///     present current ──▶ successor handed out (the same one again, if it is asked for again)
///     present successor ─▶ it is the current one now; the former is good for 10 s more, for pages that ask together
///     present another ───▶ handed out by this box once: used twice, the session ends
///                      └─▶ never handed out: refused, and nothing else, or knowing its id would be enough to end it
package struct Session: Sendable {
    /// 32 hexadecimal digits; says nothing.
    package typealias ID = String

    /// Without use it ends after this time.
    static let idle = 14 * 86_400.0
    /// And it ends after this time in any case.
    static let longest = 90 * 86_400.0
    static let overlap = 10.0
    /// So long the password needs not be given once more.
    package static let freshness = 600.0

    package let id: ID
    package let account: AccountName
    /// As the browser calls itself, at most 200 bytes.
    package let device: String
    /// Where it was last seen.
    package internal(set) var source: String
    package let began: Date
    package internal(set) var seen: Date
    /// When the password was last given, for what asks for it again.
    package internal(set) var proved: Date

    var current: Data
    var successor: Data?
    /// Known to this process alone; with a new process a new successor is made.
    var handedOut: SecretText?
    var former: (digest: Data, until: Date)?

    /// How a cookie's value was taken.
    enum Use {
        /// This value from now on.
        case goOn(SecretText)
        case usedTwice
        case forged
    }

    static func newID() -> ID {
        var generator = SystemRandomNumberGenerator()
        return hexadecimal((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    init(id: ID = newID(), account: AccountName, device: String, source: String, secret: SecretText, now: Date) {
        self.id = id
        self.account = account
        self.device = device
        self.source = source
        began = now
        seen = now
        proved = now
        current = secret.digest
    }

    init(
        id: ID, account: AccountName, device: String, source: String, began: Date, seen: Date, proved: Date,
        current: Data, successor: Data?
    ) {
        self.id = id
        self.account = account
        self.device = device
        self.source = source
        self.began = began
        self.seen = seen
        self.proved = proved
        self.current = current
        self.successor = successor
    }

    /// How long it is still fresh; 0 when it is not. A clock that was set back makes nobody fresh for longer.
    package func secondsFresh(now: Date) -> Int {
        let age = now.timeIntervalSince(proved)
        return (0..<Self.freshness).contains(age) ? Int((Self.freshness - age).rounded(.up)) : 0
    }

    func isOver(_ now: Date) -> Bool {
        now.timeIntervalSince(seen) > Self.idle || now.timeIntervalSince(began) > Self.longest
    }

    mutating func use(_ value: SessionCookieValue, _ key: CookieKey, now: Date) -> Use {
        let digest = value.digest
        if digest == successor {
            former = (current, now.addingTimeInterval(Self.overlap))
            current = digest
            successor = nil
            handedOut = nil
        } else if digest != current {
            guard let former, former.digest == digest, now <= former.until else {
                return key.made(value.secret, for: id) ? .usedTwice : .forged
            }
        }
        seen = max(seen, now)
        if let handedOut { return .goOn(handedOut) }
        let next = key.make(for: id)
        handedOut = next
        successor = next.digest
        return .goOn(next)
    }
}

/// The cookie's value: which session, and its secret.
struct SessionCookieValue {
    let session: Session.ID
    let secret: Substring
    var digest: Data { SecretText.digest(secret) }

    /// - Returns: nil when the text is none.
    init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 32, parts[1].utf8.count == 43 else { return nil }
        session = String(parts[0])
        secret = parts[1]
    }

    static func text(_ session: Session.ID, _ secret: SecretText) -> Redacted<String> {
        Redacted("\(session).\(secret.text.revealed)")
    }
}
