import Crypto
import FoundationEssentials
package import Wire

/// The owner's key, which opens every backup on any machine: made in the wizard, shown once, kept nowhere on the box.
///
/// It is an X25519 secret of 256 bits in two spellings that mean the same:
/// - 24 words (BIP-39): 256 bits and the first 8 bits of their SHA-256, eleven bits a word. For paper.
/// - an age identity, `AGE-SECRET-KEY-1…` (age-encryption.org/v1 §X25519): `age -d -i FILE` opens a backup without SIPCall.
///
/// The words *are* the secret: BIP-39's derivation of a seed from words and passphrase has no part in it.
package struct RecoveryKey: Sendable {
    private let key: Curve25519.KeyAgreement.PrivateKey

    /// A new one.
    package init() {
        key = Curve25519.KeyAgreement.PrivateKey()
    }

    /// - Throws: ``SealingProblem/recoveryKeyWrong`` unless there are 32 bytes.
    init(secret: [UInt8]) throws(Problem) {
        guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: secret) else {
            throw SealingProblem.recoveryKeyWrong
        }
        self.key = key
    }

    /// - Parameter text: either spelling; case and extra blanks do not matter, and four letters of a word are enough.
    /// - Throws: ``SealingProblem/recoveryKeyWrong`` when a word is unknown or the checksum does not fit.
    package init(_ text: Redacted<String>) throws(Problem) {
        let trimmed = text.revealed.split(whereSeparator: \.isWhitespace)
        if trimmed.count == 1, let secret = Bech32.decode(String(trimmed[0]), prefix: "age-secret-key-") {
            try self.init(secret: secret)
        } else if let secret = Self.secret(words: trimmed) {
            try self.init(secret: secret)
        } else {
            throw SealingProblem.recoveryKeyWrong
        }
    }

    private var secret: [UInt8] { Array(key.rawRepresentation) }

    /// For `age -i`.
    package var ageIdentity: Redacted<String> {
        Redacted(Bech32.encode(secret, prefix: "age-secret-key-").uppercased())
    }

    /// For `age -r`: the box keeps this one, and can therefore make backups that it cannot read.
    package var ageRecipient: String { Bech32.encode(Array(key.publicKey.rawRepresentation), prefix: "age") }

    /// 24 of them.
    package var words: Redacted<[String]> {
        let bits = secret + [Self.checksum(secret)]
        return Redacted(
            (0..<24).map { index in
                let value = (0..<11).reduce(0) { value, offset in
                    let bit = index * 11 + offset
                    return value << 1 | Int(bits[bit / 8] >> UInt8(7 - bit % 8) & 1)
                }
                return String(RecoveryWordList.words[value])
            })
    }

    private static func checksum(_ secret: [UInt8]) -> UInt8 {
        Array(SHA256.hash(data: secret))[0]
    }

    private static func secret(words: [Substring]) -> [UInt8]? {
        guard words.count == 24 else { return nil }
        var bits = [UInt8](repeating: 0, count: 33)
        for (index, word) in words.enumerated() {
            guard let value = RecoveryWordList.index(of: word.lowercased()) else { return nil }
            for offset in 0..<11 where value >> (10 - offset) & 1 == 1 {
                let bit = index * 11 + offset
                bits[bit / 8] |= 1 << UInt8(7 - bit % 8)
            }
        }
        let secret = Array(bits[..<32])
        return checksum(secret) == bits[32] ? secret : nil
    }
}
