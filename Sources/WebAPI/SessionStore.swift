import Crypto
import Dispatch
import FoundationEssentials
import Logging
import Synchronization
import Wire

/// Who is signed in: only hashes of the cookies' values, for 12 hours, in `web/sessions.json` too, so that a restart of
/// the web process signs nobody out.
///
/// A session holds for the password that it began with: one that was set while this process did not run ends it as well.
final class SessionStore: Sendable {
    /// SHA-256 of a cookie's value: what may be kept and compared.
    typealias Digest = Data

    static let lifetime = Duration.seconds(12 * 3600)
    private static let most = 1000
    private static let largestFile = 1 << 20

    private struct Session {
        var user: String
        var end: MonotonicTime
    }

    /// The file: ends are times of day, since no other clock outlives the machine.
    private struct Kept: Codable {
        struct Session: Codable {
            var digest: Data
            var user: String
            /// Seconds since 1970.
            var end: Double
        }

        var password: String
        var sessions: [Session]
    }

    private struct State {
        var sessions: [Digest: Session] = [:]
        var password: String
    }

    private let state: Mutex<State>
    /// nil: nothing is kept.
    private let path: String?
    private let logger: Logger
    /// One write after the other, away from whoever waits for an answer.
    private let queue = DispatchQueue(label: "sessions")

    /// - Parameter password: see `AdminPassword.fingerprint`.
    init(in stateDirectory: String?, password: String, now: MonotonicTime = .now(), logger: Logger) {
        path = stateDirectory.map { $0 + "/web/sessions.json" }
        self.logger = logger
        var kept: [Digest: Session] = [:]
        if let path, let data = FileManager.default.contents(atPath: path) {
            if data.count <= Self.largestFile, let file = try? JSONDecoder().decode(Kept.self, from: data) {
                let today = Date.now.timeIntervalSince1970
                for session in file.sessions.prefix(Self.most) where file.password == password {
                    let left = min(session.end - today, Double(Self.lifetime.components.seconds))
                    guard session.digest.count == 32, left > 0 else { continue }
                    kept[session.digest] = Session(user: session.user, end: now + .seconds(left))
                }
            } else {
                logger.warning(
                    "The list of sessions is damaged: everybody has to sign in again.",
                    metadata: ["code": "web.sessions-damaged"])
            }
        }
        state = Mutex(State(sessions: kept, password: password))
    }

    /// - Returns: the cookie's value, 32 random bytes as base64url. With too many sessions the oldest one ends.
    func begin(user: String, now: MonotonicTime) -> Redacted<String> {
        var generator = SystemRandomNumberGenerator()
        let bytes = Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
        let token = bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=", with: "")
        state.withLock { state in
            state.sessions = state.sessions.filter { $0.value.end > now }
            if state.sessions.count >= Self.most,
                let oldest = state.sessions.min(by: { $0.value.end < $1.value.end })
            {
                state.sessions[oldest.key] = nil
            }
            state.sessions[Self.digest(token)] = Session(user: user, end: now + Self.lifetime)
        }
        return Redacted(token)
    }

    func end(_ digest: Digest) {
        state.withLock { $0.sessions[digest] = nil }
    }

    /// The password was set anew.
    func endAll(password: String) {
        state.withLock { $0 = State(password: password) }
    }

    /// The fingerprint of the password that the sessions hold for.
    var password: String { state.withLock { $0.password } }

    func user(_ digest: Digest, now: MonotonicTime) -> String? {
        state.withLock { state in
            guard let session = state.sessions[digest], session.end > now else { return nil }
            return session.user
        }
    }

    /// Returns once what is now stands in the file. Without `fsync`: what the power takes with it is signing in again.
    func keep() async {
        guard let path else { return }
        await withCheckedContinuation { continuation in
            queue.async {
                do {
                    // Looked at only now, so that the last write has the last state.
                    try PrivateFile.write(self.file(), to: path, isDurable: false)
                } catch {
                    self.logger.error(
                        "The list of sessions cannot be kept: a restart will sign everybody out.",
                        metadata: ["code": "web.sessions-not-kept"])
                }
                continuation.resume()
            }
        }
    }

    private func file() throws -> Data {
        let now = MonotonicTime.now()
        let today = Date.now.timeIntervalSince1970
        let kept = state.withLock { state in
            Kept(
                password: state.password,
                sessions: state.sessions.map { digest, session in
                    Kept.Session(
                        digest: digest, user: session.user, end: today + (session.end - now) / .seconds(1))
                })
        }
        return try JSONEncoder().encode(kept)
    }

    static func digest(_ token: String) -> Digest {
        Data(SHA256.hash(data: Data(token.utf8)))
    }
}
