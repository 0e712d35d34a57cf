import Foundation
import Sealing
import Wire

/// What was erased, by keyed hashes: it keeps an older backup, or a record that comes late, from bringing it back.
/// ```
///    5 bytes      41 bytes each                              32
/// ┌───────────┬───────────────────────────────────────────┬───────┐
/// │ SCEL, 1   │ hash (32) │ until, ms since 1970 (8) │ 0  │  mark │
/// └───────────┴───────────────────────────────────────────┴───────┘
/// ```
/// The mark is an HMAC over all before it. Only calls from before an erasure are meant: whoever calls again is recorded again.
struct ErasureList {
    private static let head = Array("SCEL".utf8) + [1]
    private static let entry = 41

    private let key: ErasureKey
    private let path: String
    /// The latest erasure of each hash, milliseconds since 1970.
    private var until: [[UInt8]: Int64] = [:]
    private(set) var count = 0
    private var body: [UInt8] = []

    /// - Throws: `ledger.erasures-damaged` when the list is not as it was written.
    init(_ path: String, key: ErasureKey) throws(Problem) {
        (self.path, self.key) = (path, key)
        guard let bytes = try PrivateBytes.contents(of: path, atMost: 64 << 20) else { return }
        guard bytes.starts(with: Self.head), bytes.count >= Self.head.count + 32,
            (bytes.count - Self.head.count - 32) % Self.entry == 0,
            key.mark(Array(bytes.dropLast(32))) == Array(bytes.suffix(32))
        else { throw LedgerProblem.erasuresDamaged }
        body = Array(bytes[Self.head.count..<bytes.count - 32])
        for start in stride(from: 0, to: body.count, by: Self.entry) {
            let time = body[(start + 32)..<(start + 40)].reduce(Int64(0)) { $0 << 8 | Int64($1) }
            note(Array(body[start..<start + 32]), time)
        }
    }

    private mutating func note(_ hash: [UInt8], _ time: Int64) {
        until[hash] = max(until[hash] ?? .min, time)
        count += 1
    }

    /// Durable when it returns.
    mutating func add(_ terms: [Searchable.Term], at time: WallTime) throws(Problem) {
        var next = self
        for term in terms { next.append(key.hash(of: term.text, as: term.meaning), time.milliseconds) }
        try next.write()
        self = next
    }

    /// Takes over what other lists of the same key have, durably: a list only ever grows.
    mutating func add(_ others: [ErasureList]) throws(Problem) {
        var next = self
        for other in others {
            for (hash, time) in other.until.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                next.append(hash, time)
            }
        }
        try next.write()
        self = next
    }

    /// Whether it has everything that another one has.
    func includes(_ other: ErasureList) -> Bool {
        other.until.allSatisfy { hash, time in (until[hash] ?? .min) >= time }
    }

    private mutating func append(_ hash: [UInt8], _ time: Int64) {
        guard (until[hash] ?? .min) < time else { return }
        body += hash + (0..<8).map { UInt8(truncatingIfNeeded: time >> Int64(56 - $0 * 8)) } + [0]
        note(hash, time)
    }

    private func write() throws(Problem) {
        let list = Self.head + body
        try PrivateBytes.replace(path, with: list + key.mark(list))
    }

    /// What stands in the list for a term.
    func hash(of term: Searchable.Term) -> [UInt8] { key.hash(of: term.text, as: term.meaning) }

    /// Whether a record of that time with one of these values was erased.
    func covers(_ terms: [Searchable.Term], at time: WallTime) -> Bool {
        guard !until.isEmpty else { return false }
        return terms.contains { term in
            guard let limit = until[key.hash(of: term.text, as: term.meaning)] else { return false }
            return time.milliseconds <= limit
        }
    }
}
