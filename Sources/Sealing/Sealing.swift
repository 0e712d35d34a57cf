// Sealing: what makes a record unreadable, and who can read it again.
//
// In the room: sealing to the box's public key (HPKE, RFC 9180), period keys (AES-256-GCM, NIST SP 800-38D), the keyring of
// master keys that wraps them, the steps of changing the master key, keyed hashes for search, and the recovery key as words
// (BIP-39) and as an age identity (age-encryption.org/v1).
// Never in the room: files, databases, the clock, what a record means.
//
// One exception to the rule that random bytes come in from outside: keys and nonces are drawn by the crypto library from the
// kernel. A seeded nonce would be a fault that no test shows, and AES-GCM forgives none.
import Crypto
import FoundationEssentials
package import Wire

/// Why something could not be opened. Each says what is untouched: nothing is ever written because of one.
package enum SealingProblem {
    package static let notAuthentic = Problem(
        code: "ledger.not-authentic",
        sentence: "A sealed record was altered, or was sealed with another key; it is left as it is.",
        remedy: "Run sipcall verify; restore the file that it names from a backup.")

    package static let keyUnreadable = Problem(
        code: "ledger.key-unreadable",
        sentence: "A key file of the ledger is damaged or is no key file; it is left as it is.",
        remedy: "Restore the key file from a backup.")

    package static let masterKeyMissing = Problem(
        code: "ledger.master-key-missing",
        sentence: "The master key that opens this part of the ledger is not among the box's master keys.",
        remedy: "Put the master key file from the backup back in its place.")

    package static let masterKeyUnreadable = Problem(
        code: "ledger.master-key-unreadable",
        sentence: "The file with the box's master key is damaged; the ledger stays closed and untouched.",
        remedy: "Restore the master key file from a backup; calls go on meanwhile and their records are kept sealed.")

    package static let recoveryKeyWrong = Problem(
        code: "ledger.recovery-key-wrong",
        sentence: "This is not a recovery key: a word or a sign of it is wrong, or one is missing.",
        remedy: "Compare it with what you wrote down: 24 words, or a line that begins with AGE-SECRET-KEY-1.")
}

extension SymmetricKey {
    /// The key's bytes, for wrapping and for files that only their owner reads.
    var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension Array where Element == UInt8 {
    /// Most significant byte first, `width` of them (1...8).
    mutating func append(bigEndian value: UInt64, width: Int) {
        for index in (0..<width).reversed() { append(UInt8(truncatingIfNeeded: value >> UInt64(index * 8))) }
    }
}
