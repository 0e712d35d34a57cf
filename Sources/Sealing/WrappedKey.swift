import Crypto
package import Wire

/// What a wrapped key is for. It is bound to the key, so that no key file can take another's place.
package enum KeyPurpose: Hashable, Sendable, CustomStringConvertible {
    /// The rows of one kind in one period, named as ``PeriodKey/period``.
    case period(String, RecordKind)
    /// The box's private key: see ``OpeningKey``.
    case box
    /// See ``ErasureKey``.
    case erasures

    package var description: String {
        switch self {
        case .period(let name, let kind): "period \(name) \(kind.name)"
        case .box: "box"
        case .erasures: "erasures"
        }
    }
}

/// A key of 32 bytes under the master key, as it lies on the disk:
/// ```
///    4        1            8                12        32        16
/// ┌──────┬─────────┬────────────────┬───────────┬───────────┬───────┐
/// │ SCWK │ form: 1 │ the master's   │   nonce   │ encrypted │  tag  │
/// │      │         │ name           │           │    key    │       │
/// └──────┴─────────┴────────────────┴───────────┴───────────┴───────┘
/// ```
/// AES-256-GCM with a random nonce. Everything before the nonce and the purpose are associated data. A master key wraps a few
/// keys a month: far below what random nonces allow.
package struct WrappedKey: Hashable, Sendable {
    package static let count = 4 + 1 + 8 + 12 + 32 + 16
    fileprivate static let head = Array("SCWK".utf8) + [1]

    /// ``count`` of them.
    package let bytes: [UInt8]

    /// - Throws: ``SealingProblem/keyUnreadable`` for other bytes than a wrapped key's, as far as can be seen without the
    ///   master key.
    package init(_ bytes: [UInt8]) throws(Problem) {
        guard bytes.count == Self.count, bytes.starts(with: Self.head) else { throw SealingProblem.keyUnreadable }
        self.bytes = bytes
    }

    /// Which master key opens it.
    package var master: MasterKeyring.Name { Array(bytes[5..<13]) }

    fileprivate static func associated(_ master: MasterKeyring.Name, _ purpose: KeyPurpose) -> [UInt8] {
        Array("sipcall wrapped key 1".utf8) + [0] + head + master + Array(purpose.description.utf8)
    }
}

extension MasterKeyring {
    /// - Parameter secret: 32 bytes.
    /// - Throws: ``SealingProblem/keyUnreadable`` for another number of them.
    package func wrap(_ secret: Redacted<[UInt8]>, for purpose: KeyPurpose) throws(Problem) -> WrappedKey {
        guard secret.revealed.count == 32, let key = keys.first else { throw SealingProblem.keyUnreadable }
        return try key.wrap(secret, for: purpose)
    }

    /// - Throws: ``SealingProblem/masterKeyMissing`` when it is wrapped by a key that is not in the ring;
    ///   ``SealingProblem/keyUnreadable`` when it is damaged or is for another purpose.
    package func unwrap(_ wrapped: WrappedKey, for purpose: KeyPurpose) throws(Problem) -> Redacted<[UInt8]> {
        guard let key = keys.first(where: { $0.name == wrapped.master }) else {
            throw SealingProblem.masterKeyMissing
        }
        return try key.unwrap(wrapped, for: purpose)
    }
}

extension MasterKeyring.Key {
    fileprivate func wrap(_ secret: Redacted<[UInt8]>, for purpose: KeyPurpose) throws(Problem) -> WrappedKey {
        guard
            let box = try? AES.GCM.seal(
                secret.revealed, using: wrapping, authenticating: WrappedKey.associated(name, purpose)),
            let sealed = box.combined
        else { throw SealingProblem.keyUnreadable }
        return try WrappedKey(WrappedKey.head + name + Array(sealed))
    }

    fileprivate func unwrap(_ wrapped: WrappedKey, for purpose: KeyPurpose) throws(Problem) -> Redacted<[UInt8]> {
        do {
            let box = try AES.GCM.SealedBox(combined: wrapped.bytes[13...])
            return Redacted(
                Array(try AES.GCM.open(box, using: wrapping, authenticating: WrappedKey.associated(name, purpose))))
        } catch {
            throw SealingProblem.keyUnreadable
        }
    }
}
