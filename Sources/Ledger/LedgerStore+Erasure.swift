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

/// What a sweep looks for besides what the list covers.
struct ErasureSearch: Sendable {
    /// The number's or user's hashes; none for a replay.
    var hashes: Set<[UInt8]> = []
    var now = WallTime(milliseconds: .max)
    private let begin = ContinuousClock.now

    init(hashes: Set<[UInt8]> = [], now: WallTime = WallTime(milliseconds: .max)) {
        (self.hashes, self.now) = (hashes, now)
    }

    /// A row that claims to be of a time yet to come was written by a wrong clock: it is erased with those from before. By the
    /// call's identifier, which the list gets, it stays erased.
    func isOfTheFuture(_ time: WallTime) -> Bool {
        let passed = (ContinuousClock.now - begin).nanoseconds / 1_000_000
        let (limit, overflow) = now.milliseconds.addingReportingOverflow(passed)
        return !overflow && time.milliseconds > limit
    }
}

extension LedgerStore {
    /// Removes every record of a number or user up to now, with its hashes, from files and logs, and keeps it from coming back.
    ///
    /// Order: first the list, durably (a crash after that is made good at the next start), then the rows, then file and log are
    /// written anew. What lies in the core's spool is dropped when it is filed. Pages, filing and the watchdog have their turns
    /// in between, some hundred rows at a time.
    ///
    /// - Throws: the first problem of a file; called again, it goes on.
    package nonisolated func erase(_ subject: ErasureSubject, now: WallTime) async throws(Problem) -> ErasureCertificate
    {
        var certificate = ErasureCertificate(time: now)
        let search = try await begin(subject, now)
        for place in try await places() {
            do throws(Problem) {
                var found = Found()
                while let below = found.below {
                    try await look(place, below: below, search, &found)
                    await Task.yield()
                }
                try await remove(place, found, &certificate)
            } catch {
                await leaveOut(place, error, &certificate)
            }
        }
        try await end(&certificate)
        return certificate
    }

    private func begin(_ subject: ErasureSubject, _ now: WallTime) throws(Problem) -> ErasureSearch {
        try erasures.add(subject.terms, at: now)
        return ErasureSearch(hashes: Set(subject.terms.map { erasures.hash(of: $0) }), now: now)
    }

    private func end(_ certificate: inout ErasureCertificate) throws(Problem) {
        try fileUnopened()
        certificate.unreadable += try unopened.count()
        if certificate.unusable.isEmpty { try noteReplayed() }
    }

    private var replayed: String { "\(settings.directory)/erasures.replayed" }

    private func noteReplayed() throws(Problem) {
        try PrivateBytes.replace(replayed, with: Array("\(erasures.count)\n".utf8))
    }

    /// Erases again what the list names, when it is longer than what was erased here: after a crash, and after the
    /// restore of a backup from before. Nobody asks the ledger anything yet: one turn.
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
        var certificate = ErasureCertificate(time: Self.forEver)
        for place in try places() {
            do throws(Problem) { try sweep(place, &certificate) } catch { leaveOut(place, error, &certificate) }
        }
        if certificate.unusable.isEmpty { try noteReplayed() }
    }

    /// A part that could not be searched when it was to be.
    func sweep(late place: Place) throws(Problem) {
        var certificate = ErasureCertificate(time: Self.forEver)
        let size = (try? file(place.period, place.kind).file.size()) ?? 0
        try rewrite(size) { () throws(Problem) in try sweep(place, &certificate) }
        totals[place.period.description] = nil
        if unswept.isEmpty { try noteReplayed() }
    }

    private func sweep(_ place: Place, _ certificate: inout ErasureCertificate) throws(Problem) {
        var found = Found()
        while let below = found.below { try look(place, below: below, ErasureSearch(), &found) }
        try remove(place, found, &certificate)
    }

    private func leaveOut(_ place: Place, _ problem: Problem, _ certificate: inout ErasureCertificate) {
        close(place.period, place.kind)
        unswept.insert(place)
        certificate.unusable.append(UnusablePart(place.period, place.kind, problem))
    }

    /// Calls first: their details are found by what is put into the list with them.
    private func places() throws(Problem) -> [Place] {
        var places: [Place] = []
        for kind in [RecordKind.call, .quality, .trace] {
            places += try periods(kind).map { Place(period: $0, kind: kind) }
        }
        return places
    }

    /// What a sweep has found in one file so far.
    private struct Found: Sendable {
        /// The next row to look at is below; nil at the end.
        var below: Int64? = .max
        var rows: [Int64] = []
        var calls: [RecordIdentifier] = []
        var unreadable = 0
    }

    /// Reads some rows. The list has hashes under a key of its own, so that it does not depend on which periods are left;
    /// therefore every row is read.
    private func look(
        _ place: Place, below: Int64, _ search: ErasureSearch, _ found: inout Found
    ) throws(Problem) {
        let rows = try file(place.period, place.kind).rows(below: below, count: 500)
        found.below = rows.last?.number
        for row in rows {
            guard let bytes = row.bytes, let (terms, time) = Self.facts(bytes, row.header) else {
                found.unreadable += 1
                continue
            }
            let isMeant =
                !search.hashes.isEmpty && search.isOfTheFuture(time)
                && terms.contains { search.hashes.contains(erasures.hash(of: $0)) }
            guard isMeant || erasures.covers(terms, at: time) else { continue }
            found.rows.append(row.number)
            if place.kind == .call { found.calls.append(row.header.identifier) }
        }
    }

    private func remove(_ place: Place, _ found: Found, _ certificate: inout ErasureCertificate) throws(Problem) {
        certificate.unreadable += found.unreadable
        guard !found.rows.isEmpty else { return }
        let file = try file(place.period, place.kind)
        // Before the calls go: afterwards nobody could tell which details were theirs.
        let calls: [Searchable.Term] = found.calls.map { ("call", Redacted($0.description)) }
        if !calls.isEmpty { try erasures.add(calls, at: Self.forEver) }
        // Before the rows go: a crash before the file is written anew would leave their traces in it.
        try PrivateBytes.replace(file.file.path + Self.unwiped, with: [])
        try file.remove(found.rows)
        try wipe(file)
        certificate.removed[place.kind, default: 0] += found.rows.count
        certificate.files += 1
    }

    // MARK: - Traces

    /// Ends the name of a note beside a file from which rows were removed and that was not written anew since.
    static let unwiped = ".unwiped"

    func isUnwiped(_ path: String) throws(Problem) -> Bool { try PrivateBytes.isThere(path + Self.unwiped) }

    func wipe(_ file: PeriodFile) throws(Problem) {
        // A reader would keep old pages in the log.
        try rewrite(try file.file.size()) { () throws(Problem) in
            try readers.alone { () throws(Problem) in try file.file.wipe() }
        }
        unlink(file.file.path + Self.unwiped)
        LedgerDatabase.synchronise(directoryOf: file.file.path)
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
