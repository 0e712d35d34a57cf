package import Crypto
import FoundationEssentials
package import Wire

/// The box's public key: whoever has it can seal a record and cannot read one, not even the one just sealed.
///
/// HPKE in base mode (RFC 9180 §5.1.1) with X25519, HKDF-SHA256 and ChaCha20-Poly1305, one fresh key agreement for each record:
/// ```
///   1 byte      32 bytes             n + 16 bytes
/// ┌─────────┬──────────────────┬────────────────────────┐
/// │ form: 1 │ encapsulated key │ ciphertext and its tag │
/// └─────────┴──────────────────┴────────────────────────┘
/// ```
/// The header is the associated data, so a record cannot pass for another. Base mode says nothing about the sender:
/// that a record comes from the core is what the control socket's permissions say.
package struct SealingKey: Sendable {
    package static let suite = HPKE.Ciphersuite.Curve25519_SHA256_ChachaPoly
    /// HPKE's `info`: binds the key schedule to this use.
    static let information = Data("sipcall record 1".utf8)
    static let label = "sipcall sealed record 1"
    static let form: UInt8 = 1

    private let key: Curve25519.KeyAgreement.PublicKey

    init(_ key: Curve25519.KeyAgreement.PublicKey) {
        self.key = key
    }

    /// - Parameter bytes: 32, the u-coordinate (RFC 7748 §5).
    /// - Throws: ``SealingProblem/keyUnreadable`` for another length, and for a point of low order, with which anybody could open
    ///   what is sealed (RFC 9180 §7.1.4; the crypto library does not look).
    package init(_ bytes: [UInt8]) throws(Problem) {
        guard let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes),
            let shared = try? Curve25519.KeyAgreement.PrivateKey().sharedSecretFromKeyAgreement(with: key),
            shared.withUnsafeBytes({ $0.contains { $0 != 0 } })
        else { throw SealingProblem.keyUnreadable }
        self.key = key
    }

    package var bytes: [UInt8] { Array(key.rawRepresentation) }

    /// - Throws: ``SealingProblem/keyUnreadable`` when the crypto library refuses the key.
    package func seal(_ record: [UInt8], as header: RecordHeader) throws(Problem) -> SealedRecord {
        do {
            var sender = try HPKE.Sender(recipientKey: key, ciphersuite: Self.suite, info: Self.information)
            let ciphertext = try sender.seal(record, authenticating: header.associatedData(Self.label))
            return SealedRecord(
                header: header, sealed: [Self.form] + Array(sender.encapsulatedKey) + Array(ciphertext))
        } catch {
            throw SealingProblem.keyUnreadable
        }
    }
}

/// The box's private key, which the web process alone holds, wrapped on disk by the master key.
package struct OpeningKey: Sendable {
    private let key: Curve25519.KeyAgreement.PrivateKey

    /// A new one.
    package init() {
        key = Curve25519.KeyAgreement.PrivateKey()
    }

    /// - Throws: ``SealingProblem/keyUnreadable`` unless there are 32 bytes.
    package init(_ secret: Redacted<[UInt8]>) throws(Problem) {
        guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: secret.revealed) else {
            throw SealingProblem.keyUnreadable
        }
        self.key = key
    }

    package var secret: Redacted<[UInt8]> { Redacted(Array(key.rawRepresentation)) }
    package var sealingKey: SealingKey { SealingKey(key.publicKey) }

    /// - Throws: ``SealingProblem/notAuthentic`` when a bit of header or record is not as it was sealed, or it was sealed for
    ///   another box.
    package func open(_ record: SealedRecord) throws(Problem) -> Redacted<[UInt8]> {
        guard record.sealed.count >= 1 + 32 + 16, record.sealed[0] == SealingKey.form else {
            throw SealingProblem.notAuthentic
        }
        return try open(
            record.sealed[33...], encapsulated: record.sealed[1..<33], information: SealingKey.information,
            associated: record.header.associatedData(SealingKey.label))
    }

    /// RFC 9180 §6.1 `OpenBase`.
    func open(
        _ ciphertext: ArraySlice<UInt8>, encapsulated: ArraySlice<UInt8>, information: Data, associated: [UInt8]
    ) throws(Problem) -> Redacted<[UInt8]> {
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key, ciphersuite: SealingKey.suite, info: information, encapsulatedKey: Data(encapsulated))
            return Redacted(Array(try recipient.open(ciphertext, authenticating: associated)))
        } catch {
            throw SealingProblem.notAuthentic
        }
    }
}
