import Crypto
import FoundationEssentials
package import Wire

/// The key of one period and one kind of record. Destroying it makes everything of that period unreadable, copies included.
///
/// From its 256 random bits three keys are derived (HKDF-SHA256, RFC 5869), so that no key serves two purposes: rows, the
/// hashes for search, and the head of the audit chain. They stay in memory as long as this value does.
///
/// A row: `nonce (12) │ ciphertext │ tag (16)`, AES-256-GCM with a random nonce. At most 2^32 rows may be sealed with one key
/// (NIST SP 800-38D §8.3); a period's files are turned over long before.
package struct PeriodKey: Sendable {
    /// What a row has more than its content.
    package static let overhead = 12 + 16
    private static let rowLabel = "sipcall ledger row 1"

    private let root: SymmetricKey
    private let rows: SymmetricKey
    private let hashes: SymmetricKey
    private let heads: SymmetricKey
    /// Bound into every row: `2026-11`.
    package let period: String

    /// A new one.
    package init(period: String) {
        self.init(SymmetricKey(size: .bits256), period: period)
    }

    /// - Throws: ``SealingProblem/keyUnreadable`` unless there are 32 bytes.
    package init(_ secret: Redacted<[UInt8]>, period: String) throws(Problem) {
        guard secret.revealed.count == 32 else { throw SealingProblem.keyUnreadable }
        self.init(SymmetricKey(data: secret.revealed), period: period)
    }

    private init(_ root: SymmetricKey, period: String) {
        func derived(_ purpose: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: root, info: Data("sipcall period \(purpose) 1".utf8), outputByteCount: 32)
        }
        (self.root, self.period) = (root, period)
        (rows, hashes, heads) = (derived("rows"), derived("hashes"), derived("heads"))
    }

    package var secret: Redacted<[UInt8]> { Redacted(root.bytes) }

    /// - Parameter context: what else the row is bound to, such as the entry before it in a chain.
    package func seal(_ row: [UInt8], as header: RecordHeader, context: String = "") -> [UInt8] {
        let associated = header.associatedData(Self.rowLabel, "\(period)\n\(context)")
        // Fails only for a key of another length than 128, 192 or 256 bits or a message of 2^36 bytes.
        guard let box = try? AES.GCM.seal(row, using: rows, authenticating: associated), let all = box.combined else {
            preconditionFailure("AES-256-GCM refused a key of 256 bits")
        }
        return Array(all)
    }

    /// - Throws: ``SealingProblem/notAuthentic`` when a bit of row, header, period or context is not as it was sealed.
    package func open(
        _ sealed: [UInt8], as header: RecordHeader, context: String = ""
    ) throws(Problem) -> Redacted<[UInt8]> {
        let associated = header.associatedData(Self.rowLabel, "\(period)\n\(context)")
        do {
            let box = try AES.GCM.SealedBox(combined: sealed)
            return Redacted(Array(try AES.GCM.open(box, using: rows, authenticating: associated)))
        } catch {
            throw SealingProblem.notAuthentic
        }
    }

    /// A keyed hash of something to search for: the first 64 bits of HMAC-SHA256 (RFC 2104).
    ///
    /// Without the key it tells only that two rows of one period have the same value. Shortened, it may meet a stranger once in
    /// 2^64: whoever searches compares what the row really says.
    package func token(of text: Redacted<String>, as meaning: String) -> Int64 {
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(meaning)\n\(text.revealed)".utf8), using: hashes)
        return code.prefix(8).reduce(0) { $0 << 8 | Int64($1) }
    }

    /// Authenticates how far a chain has come: HMAC-SHA256, 32 bytes.
    package func mark(_ head: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: head, using: heads))
    }

    /// Compares in constant time.
    package func isMark(_ mark: [UInt8], of head: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(mark, authenticating: head, using: heads)
    }
}
