import Crypto
import FoundationEssentials
package import Wire

/// The box's master keys: the first wraps, the others only unwrap. There is more than one only while the key is being changed.
///
/// As a file or a systemd credential, one line for each, the name telling whether a sign of the key was damaged:
/// ```
/// sipcall-master-1 0f3a5b6c7d8e9f01 5f2c…(64 hexadecimal digits)
/// ```
package struct MasterKeyring: Sendable, Equatable {
    /// Names a master key without telling it: the first 8 bytes of a hash of it.
    package typealias Name = [UInt8]

    struct Key: Sendable, Equatable {
        let key: SymmetricKey
        let name: Name

        init(_ key: SymmetricKey) {
            self.key = key
            name = Array(
                HKDF<SHA256>.deriveKey(
                    inputKeyMaterial: key, info: Data("sipcall master name 1".utf8), outputByteCount: 8
                ).bytes)
        }

        /// What wraps: never the master key itself, which may one day serve more purposes.
        var wrapping: SymmetricKey {
            HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Data("sipcall master wrap 1".utf8), outputByteCount: 32)
        }
    }

    private static let tag = "sipcall-master-1"
    let keys: [Key]

    init(keys: [Key]) {
        self.keys = keys
    }

    /// A new keyring of one new key.
    package init() {
        keys = [Key(SymmetricKey(size: .bits256))]
    }

    /// - Parameter file: see above. Lines that begin with `#` and empty lines are passed over; at most 8 keys.
    /// - Throws: ``SealingProblem/masterKeyUnreadable`` for anything else.
    package init(file: Redacted<[UInt8]>) throws(Problem) {
        var keys: [Key] = []
        for line in file.revealed.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) where line.first != 0x23 {
            let words = line.split(separator: 0x20)
            guard words.count == 3, words[0].elementsEqual(Self.tag.utf8), keys.count < 8,
                let name = Self.bytes(words[1], count: 8), let secret = Self.bytes(words[2], count: 32)
            else { throw SealingProblem.masterKeyUnreadable }
            let key = Key(SymmetricKey(data: secret))
            guard key.name == name else { throw SealingProblem.masterKeyUnreadable }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw SealingProblem.masterKeyUnreadable }
        self.keys = keys
    }

    /// For a file that only its owner may read (0600), or for `systemd-creds encrypt`.
    package var file: Redacted<[UInt8]> {
        let lines = keys.map { "\(Self.tag) \(hexadecimal($0.name)) \(hexadecimal($0.key.bytes))\n" }
        return Redacted(
            Array("# SIPCall's master key. Whoever has this file and the ledger can read the ledger.\n".utf8)
                + lines.flatMap { Array($0.utf8) })
    }

    /// The name of the key that wraps.
    package var current: Name { keys.first?.name ?? [] }
    package var names: [Name] { keys.map(\.name) }

    /// With a new key in front; the others stay until nothing is wrapped by them.
    package func adding() -> MasterKeyring {
        MasterKeyring(keys: [Key(SymmetricKey(size: .bits256))] + keys)
    }

    /// With the keys of another ring behind these: they only unwrap.
    package func followed(by other: MasterKeyring) -> MasterKeyring {
        MasterKeyring(keys: keys + other.keys.filter { !names.contains($0.name) })
    }

    /// Without those that are no longer needed.
    package var onlyCurrent: MasterKeyring { MasterKeyring(keys: Array(keys.prefix(1))) }

    private static func bytes(_ text: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
        guard text.count == 2 * count else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in text {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x57
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }
}

extension MasterKeyring: CustomStringConvertible, CustomReflectable {
    package var description: String { "‹redacted›" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
