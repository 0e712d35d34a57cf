package import Call
import Foundation
package import Sealing
package import Wire

/// Whom or what to erase.
package enum ErasureSubject: Sendable {
    /// In any spelling that ``FarParty/canonical(_:)`` makes one; national numbers must be made international first.
    /// The others are spellings in which the same number may have come.
    case number(Redacted<String>, others: [Redacted<String>] = [])
    case user(CallOwner)

    var terms: [Searchable.Term] {
        switch self {
        case .number(let number, let others):
            Set(([number] + others).map { FarParty.canonical($0.revealed) }).sorted()
                .map { ("number", Redacted($0)) }
        case .user(let user): [("user", Redacted(user.name))]
        }
    }
}

/// What was removed; for the person who asked. It names nobody.
package struct ErasureCertificate: Sendable, Equatable {
    package var time: WallTime
    /// Rows that were removed, by kind.
    package var removed: [RecordKind: Int] = [:]
    /// Files that were written anew without them.
    package var files = 0
    /// Rows that could not be read, so that nobody knows whether they are about the person; and records that came sealed for
    /// another key or by a newer version, and wait unopened.
    package var unreadable = 0
    /// Parts that could not be searched at the moment. The erasure is made good when they can be, before they show anything.
    package var unusable: [UnusablePart] = []
}

extension LedgerStore {
    /// Removes every record of a number or user up to now, with its hashes, from files and logs, and keeps it from coming back.
    ///
    /// Order: first the list, durably (a crash after that is made good at the next start), then the rows, then file and log are
    /// written anew. What lies in the core's spool is dropped when it is filed.
    ///
    /// - Throws: the first problem of a file; called again, it goes on.
    package func erase(_ subject: ErasureSubject, now: WallTime) throws(Problem) -> ErasureCertificate {
        try erasures.add(subject.terms, at: now)
        var certificate = try sweep(now)
        try fileUnopened()
        certificate.unreadable += try unopened.count()
        if certificate.unusable.isEmpty { try noteReplayed() }
        return certificate
    }

    private var replayed: String { "\(settings.directory)/erasures.replayed" }

    private func noteReplayed() throws(Problem) {
        try PrivateBytes.replace(replayed, with: Array("\(erasures.count)\n".utf8))
    }

    /// Erases again what the list names, when it is longer than what was erased here: after a crash, and after the
    /// restore of a backup from before.
    ///
    /// - Throws: `ledger.erasures-damaged` when the list is missing or shorter than it was: something could come back.
    func replayErasures() throws(Problem) {
        let text = try PrivateBytes.contents(of: replayed, atMost: 32).map {
            String(decoding: $0.filter { $0 != 0x0a }, as: UTF8.self)
        }
        let done = text.flatMap { Int($0) } ?? 0
        guard done <= erasures.count else { throw LedgerProblem.erasuresDamaged }
        guard done < erasures.count else { return }
        // A part that cannot be read cannot show anything either; it is searched when it opens.
        if try sweep(WallTime(milliseconds: .max)).unusable.isEmpty { try noteReplayed() }
    }

    /// Reads every row and removes those that the list covers. The list has hashes under a key of its own, so that it does not
    /// depend on which periods are left; therefore every row is read.
    private func sweep(_ now: WallTime) throws(Problem) -> ErasureCertificate {
        var certificate = ErasureCertificate(time: now)
        var calls: [Searchable.Term] = []
        for kind in [RecordKind.call, .quality, .trace] {
            for period in try periods(kind) {
                do {
                    try sweep(period, kind, &calls, &certificate)
                } catch {
                    close(period, kind)
                    unswept.insert(Place(period: period, kind: kind))
                    certificate.unusable.append(UnusablePart(period, kind, error))
                }
            }
        }
        return certificate
    }

    /// A part that could not be searched when it was to be.
    func sweep(late place: Place) throws(Problem) {
        var certificate = ErasureCertificate(time: Self.forEver)
        var calls: [Searchable.Term] = []
        try sweep(place.period, place.kind, &calls, &certificate)
        totals[place.period.description] = nil
        if unswept.isEmpty { try noteReplayed() }
    }

    private func sweep(
        _ period: Period, _ kind: RecordKind, _ calls: inout [Searchable.Term], _ certificate: inout ErasureCertificate
    ) throws(Problem) {
        let file = try file(period, kind)
        var (below, gone) = (Int64.max, [Int64]())
        while true {
            let rows = try file.rows(below: below, count: 500)
            guard let last = rows.last else { break }
            below = last.number
            for row in rows {
                guard let bytes = row.bytes, let (terms, time) = Self.facts(bytes, row.header) else {
                    certificate.unreadable += 1
                    continue
                }
                guard erasures.covers(terms, at: time) else { continue }
                gone.append(row.number)
                if kind == .call { calls.append(("call", Redacted(row.header.identifier.description))) }
            }
        }
        guard !gone.isEmpty else { return }
        // Before the calls go: afterwards nobody could tell which details were theirs.
        if kind == .call { try erasures.add(calls, at: Self.forEver) }
        try file.remove(gone)
        // A reader would keep old pages in the log.
        try readers.alone { () throws(Problem) in try file.file.wipe() }
        certificate.removed[kind, default: 0] += gone.count
        certificate.files += 1
    }

    /// Details of an erased call may still come: what names the call is erased whenever it was made.
    private static let forEver = WallTime(milliseconds: 7_258_118_400_000)

    private static func facts(_ bytes: Redacted<[UInt8]>, _ header: RecordHeader) -> ([Searchable.Term], WallTime)? {
        if header.kind == .call {
            guard let call = try? CallRecord(bytes, as: header) else { return nil }
            let name: Searchable.Term = ("call", Redacted(call.identifier.description))
            return (Searchable.terms(of: call).filter { $0.meaning != "end" } + [name], call.dialled)
        }
        guard let detail = try? CallDetail(bytes, as: header) else { return nil }
        return (Searchable.terms(of: detail), detail.time)
    }
}
