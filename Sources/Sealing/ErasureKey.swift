import Crypto
import FoundationEssentials
package import Wire

/// The key of the list of what was erased: the list names numbers and people by keyed hashes only.
///
/// It must outlive every backup from before an erasure, so it is kept apart from the periods' keys. Telephone numbers are few:
/// whoever has this key can try them all, so it is wrapped like every other.
package struct ErasureKey: Sendable {
    private let key: SymmetricKey

    package init() {
        key = SymmetricKey(size: .bits256)
    }

    /// - Throws: ``SealingProblem/keyUnreadable`` unless there are 32 bytes.
    package init(_ secret: Redacted<[UInt8]>) throws(Problem) {
        guard secret.revealed.count == 32 else { throw SealingProblem.keyUnreadable }
        key = SymmetricKey(data: secret.revealed)
    }

    package var secret: Redacted<[UInt8]> { Redacted(key.bytes) }

    /// HMAC-SHA256, 32 bytes.
    package func hash(of text: Redacted<String>, as meaning: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Data("\(meaning)\n\(text.revealed)".utf8), using: key))
    }

    /// Authenticates the list as a whole, so that nobody can take an entry out: HMAC-SHA256, 32 bytes.
    package func mark(_ list: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Data("list\n".utf8) + list, using: key))
    }
}
