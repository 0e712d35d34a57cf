package import Call
package import Sealing
package import Wire

/// Which calls to show. Everything that is set must fit.
package struct CallQuery: Sendable {
    /// Dialled at or after.
    package var from: WallTime?
    /// Dialled before.
    package var until: WallTime?
    package var user: CallOwner?
    package var direction: Call.Direction?
    package var outcome: CallRecord.Outcome?
    /// A whole number, or a part of one.
    package var number: Redacted<String>?
    /// A part of a name, number, user or provider; case does not matter.
    package var text: Redacted<String>?
    /// Calls a page has, 1...500.
    package var limit = 50
    /// Where the page before ended.
    package var after: PageMark?

    package init() {}
}

/// Where a page of history ended. It tells of no call.
package struct PageMark: Sendable, Hashable, Codable {
    var period: String
    var row: Int64
}

extension PageMark: LosslessStringConvertible {
    /// `117@2026-11`
    package var description: String { "\(row)@\(period)" }

    /// - Returns: nil unless `text` is written as ``description`` writes it.
    package init?(_ text: String) {
        let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.utf8.count <= 48, halves.count == 2, let row = Int64(halves[0]), row > 0,
            let period = Period(String(halves[1]))
        else { return nil }
        self.init(period: period.description, row: row)
    }
}

package struct CallPage: Sendable {
    /// The newest first.
    package var calls: [CallRecord] = []
    /// For the next page; nil at the end. A page may be short, even empty, and yet have a next one: a search reads so many
    /// rows at a time.
    package var next: PageMark?
    /// Rows on the way that are damaged or newer; `sipcall verify` names the files.
    package var unreadable = 0
    /// Parts on the way that cannot be read at all at the moment: their calls are missing here.
    package var unusable: [UnusablePart] = []
}

extension LedgerStore {
    /// Rows that one page reads at most: with 32 MB for all that is decrypted at once, and about 1 kB a row, far below it.
    static let mostRead = 20_000
    private static let step = 200

    /// A page of history. Damaged rows are counted, parts that cannot be read at all are named, and all others are shown.
    ///
    /// - Throws: when not even the ledger's directory can be read.
    package func page(_ query: CallQuery) throws(Problem) -> CallPage {
        var page = CallPage()
        let limit = min(max(query.limit, 1), 500)
        let filter = CallFilter(query)
        var read = 0
        for period in try periods(.call).reversed() {
            if let from = query.from, period.end <= from { continue }
            if let until = query.until, period.start >= until { continue }
            var below = Int64.max
            if let mark = query.after, let marked = Period(mark.period) {
                if period > marked { continue }
                if period == marked { below = mark.row }
            }
            do {
                if try add(period, below: below, filter, limit: limit, read: &read, to: &page) { return page }
            } catch {
                close(period, .call)
                page.unusable.append(UnusablePart(period, .call, error))
            }
        }
        return page
    }

    /// - Returns: whether the page is full, or has read as much as it may.
    private func add(
        _ period: Period, below first: Int64, _ filter: CallFilter, limit: Int, read: inout Int, to page: inout CallPage
    ) throws(Problem) -> Bool {
        let file = try file(period, .call)
        var below = first
        while true {
            let rows = try file.rows(below: below, count: min(Self.step, max(limit, 20)), with: filter.term)
            guard let last = rows.last else { return false }
            for row in rows {
                read += 1
                if let bytes = row.bytes, let call = try? CallRecord(bytes, as: row.header) {
                    if filter.passes(call) { page.calls.append(call) }
                } else {
                    page.unreadable += 1
                }
                if page.calls.count == limit || read == Self.mostRead {
                    page.next = PageMark(period: period.description, row: row.number)
                    return true
                }
            }
            below = last.number
        }
    }

    /// The details of one call, in the order of filing.
    package func details(of call: CallIdentifier, _ kind: RecordKind) throws(Problem) -> [CallDetail] {
        guard kind == .quality || kind == .trace else { return [] }
        var details: [CallDetail] = []
        for period in try periods(kind) {
            let rows = try file(period, kind).rows(count: 1000, with: ("call", Redacted(call.description)))
            for row in rows.reversed() {
                if let bytes = row.bytes, let detail = try? CallDetail(bytes, as: row.header), detail.call == call {
                    details.append(detail)
                }
            }
        }
        return details
    }
}

/// What a query asks of each call, prepared once.
struct CallFilter {
    private let query: CallQuery
    private let number: String?
    private let text: String?
    /// With it the file finds the rows itself.
    let term: Searchable.Term?

    init(_ query: CallQuery) {
        self.query = query
        number = query.number.map { FarParty.canonical($0.revealed) }.flatMap { $0.isEmpty ? nil : $0 }
        text = query.text.map { $0.revealed.lowercased() }.flatMap { $0.isEmpty ? nil : $0 }
        if let number {
            if number.hasPrefix("+"), number.count >= 8 {
                term = ("number", Redacted(number))
            } else {
                term = Searchable.end(of: number).map { ("end", Redacted($0)) }
            }
        } else {
            term = query.user.map { ("user", Redacted($0.name)) }
        }
    }

    func passes(_ call: CallRecord) -> Bool {
        if let from = query.from, call.dialled < from { return false }
        if let until = query.until, call.dialled >= until { return false }
        if let user = query.user, call.user != user { return false }
        if let direction = query.direction, call.direction != direction { return false }
        if let outcome = query.outcome, call.outcome != outcome { return false }
        if let number {
            // With a leading zero or without a country code the end decides.
            let digits = number.drop { $0 == "0" || $0 == "+" }
            let fits = { (far: String) in
                far == number || !number.hasPrefix("+") && far.hasSuffix(digits) || term == nil && far.contains(number)
            }
            guard call.numbers.contains(where: { fits($0.revealed) }) else { return false }
        }
        if let text {
            let fields = [call.far.name?.revealed, call.user?.name, call.trunk] + call.numbers.map(\.revealed)
            guard fields.contains(where: { $0?.lowercased().contains(text) ?? false }) else { return false }
        }
        return true
    }
}
