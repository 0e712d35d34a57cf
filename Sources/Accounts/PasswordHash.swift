import Crypto
import CryptoExtras
package import FoundationEssentials
package import Wire

/// A password as it is kept: scrypt (RFC 7914) with a salt of its own.
package struct PasswordHash: Sendable, Equatable, Codable {
    /// How long one computation takes: N, r and p of RFC 7914 §2.
    package struct Cost: Sendable, Equatable, Codable {
        package var cost = 1 << 15
        package var blockSize = 8
        package var parallelism = 3

        /// 32 MiB, and about 0.3 s of one core.
        package init() {}

        package init(cost: Int, parallelism: Int) {
            self.cost = cost
            self.parallelism = parallelism
        }

        fileprivate var isSound: Bool {
            (1 << 10...1 << 20).contains(cost) && cost.nonzeroBitCount == 1 && (1...32).contains(blockSize)
                && (1...16).contains(parallelism)
        }
    }

    private static let hashBytes = 32
    /// Bytes of UTF-8.
    package static let acceptedLengths = 8...1024

    private let algorithm: String
    private let cost: Cost
    private let salt: [UInt8]
    private let hash: [UInt8]

    /// Takes about as long as ``matches(_:)``.
    ///
    /// - Throws: `account.password-too-short`.
    package init(_ password: Redacted<String>, cost: Cost = Cost()) throws(Problem) {
        guard Self.acceptedLengths.contains(password.revealed.utf8.count) else {
            throw AccountProblem.passwordTooShort
        }
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        guard let hash = Self.derive(password.revealed, cost, salt) else { throw AccountProblem.noMemory }
        algorithm = "scrypt"
        self.cost = cost
        self.salt = salt
        self.hash = hash
    }

    /// - Returns: nil for what ``encoded`` did not write.
    init?(encoded: String) {
        guard let kept = try? JSONDecoder().decode(Self.self, from: Data(encoded.utf8)), kept.algorithm == "scrypt",
            kept.cost.isSound, kept.salt.count >= 16, kept.hash.count == Self.hashBytes
        else { return nil }
        self = kept
    }

    /// The one password of a box that had no accounts yet, as `web/admin.json` keeps it.
    ///
    /// - Returns: nil for what no such box wrote.
    package init?(ofBoxWithoutAccounts file: Data) {
        struct Former: Decodable {
            var algorithm: String
            var cost: Int
            var blockSize: Int
            var parallelism: Int
            var salt: Data
            var hash: Data
        }
        guard let former = try? JSONDecoder().decode(Former.self, from: file), former.algorithm == "scrypt" else {
            return nil
        }
        var cost = Cost(cost: former.cost, parallelism: former.parallelism)
        cost.blockSize = former.blockSize
        guard cost.isSound, former.salt.count >= 16, former.hash.count == Self.hashBytes else { return nil }
        algorithm = former.algorithm
        self.cost = cost
        salt = Array(former.salt)
        hash = Array(former.hash)
    }

    var encoded: String {
        (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// A hash that no password matches, and that takes as long to find out: for names that do not exist.
    package static let nobody = PasswordHash(nobodyAt: Cost())

    private init(nobodyAt cost: Cost) {
        algorithm = "scrypt"
        self.cost = cost
        salt = [UInt8](repeating: 0, count: 16)
        hash = []
    }

    /// About 0.3 s of computing: not for an event loop.
    package func matches(_ password: Redacted<String>) -> Bool {
        guard let derived = Self.derive(password.revealed, cost, salt) else { return false }
        return derived.count == hash.count && zip(derived, hash).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func derive(_ password: String, _ cost: Cost, _ salt: [UInt8]) -> [UInt8]? {
        let key = try? KDF.Scrypt.deriveKey(
            from: Data(password.utf8), salt: salt, outputByteCount: hashBytes, rounds: cost.cost,
            blockSize: cost.blockSize, parallelism: cost.parallelism)
        return key?.withUnsafeBytes { Array($0) }
    }
}
