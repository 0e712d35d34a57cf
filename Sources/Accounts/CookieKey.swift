import Crypto
import FoundationEssentials
import GRDB
import Wire

/// Marks the values that this box hands out to browsers, so that one which comes a second time is told from one that was never
/// handed out: whoever knows a session's id alone must not be able to end it.
///
///     value = base64url( 16 random bytes ‖ HMAC-SHA-256(key, purpose ‖ random)[0..<16] )      43 characters
struct CookieKey: Sendable {
    private static let randomBytes = 16
    private let key: SymmetricKey

    /// The key of this box; made when it has none. One that cannot be kept is good until the process ends.
    init(keptIn file: AccountFile) {
        let fresh = SymmetricKey(size: .bits256)
        let kept: Data? = try? file.transact { database in
            if let kept = try Data.fetchOne(database, sql: "SELECT key FROM cookie_key"), kept.count == 32 {
                return kept
            }
            let bytes = fresh.withUnsafeBytes { Data($0) }
            try database.execute(
                sql: "INSERT OR REPLACE INTO cookie_key (only, key) VALUES (1, ?)", arguments: [bytes])
            return bytes
        }
        key = kept.map { SymmetricKey(data: $0) } ?? fresh
    }

    /// - Parameter purpose: what the value is for; it is good for nothing else.
    func make(for purpose: String) -> SecretText {
        var generator = SystemRandomNumberGenerator()
        let random = (0..<Self.randomBytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return SecretText(bytes: random + mark(random, purpose))
    }

    /// Whether this box handed the value out, for this purpose, at any time.
    func made(_ text: some StringProtocol, for purpose: String) -> Bool {
        guard let bytes = bytesOfBase64URL(text), bytes.count == 2 * Self.randomBytes else { return false }
        let right = mark(Array(bytes.prefix(Self.randomBytes)), purpose)
        return zip(right, bytes.dropFirst(Self.randomBytes)).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private func mark(_ random: [UInt8], _ purpose: String) -> [UInt8] {
        let code = HMAC<SHA256>.authenticationCode(for: Array(purpose.utf8) + [0] + random, using: key)
        return Array(code.prefix(Self.randomBytes))
    }
}
