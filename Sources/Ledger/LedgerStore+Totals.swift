package import Call
import Sealing
package import Wire

/// Sums of calls, without any party.
package struct CallTotals: Sendable, Equatable {
    package var calls = 0
    package var outbound = 0
    package var answered = 0
    package var missed = 0
    package var failed = 0
    package var unfinished = 0
    /// Of talk.
    package var seconds: Int64 = 0
    /// How often each reason ended a call.
    package var reasons: [EndReason: Int] = [:]
    /// Millionths of each currency's unit.
    package var cost: [String: Int64] = [:]

    package init() {}

    mutating func add(_ call: CallRecord) {
        calls += 1
        if call.direction == .outbound { outbound += 1 }
        switch call.outcome {
        case .answered: answered += 1
        case .missed: missed += 1
        case .failed: failed += 1
        case .unfinished: unfinished += 1
        }
        seconds &+= call.seconds
        if let reason = call.reason { reasons[reason, default: 0] += 1 }
        if let paid = call.cost { cost[paid.currency, default: 0] &+= paid.micros }
    }

    mutating func add(_ other: CallTotals) {
        calls += other.calls
        outbound += other.outbound
        answered += other.answered
        missed += other.missed
        failed += other.failed
        unfinished += other.unfinished
        seconds &+= other.seconds
        reasons.merge(other.reasons, uniquingKeysWith: +)
        cost.merge(other.cost, uniquingKeysWith: &+)
    }
}

/// The hours of one file, and the state of the file that they were counted in.
struct CachedTotals {
    var generation: Int
    /// By hours since 1970.
    var hours: [Int64: CallTotals]
}

/// What was counted of one file so far.
private struct HourCount: Sendable {
    /// The next row to look at is below; nil at the end.
    var below: Int64? = .max
    var hours: [Int64: CallTotals] = [:]
    /// Of the file, when counting began.
    var generation: Int?
}

extension LedgerStore {
    /// Rows that one turn counts: some ten milliseconds.
    private static let counted = 1000

    /// Sums for charts, one for every step from `from`; steps without calls have none. Counted once and kept until the file
    /// changes. Pages, filing and the watchdog have their turns in between.
    ///
    /// - Parameters:
    ///   - hours: of a step, 1...; 24 for days. A day begins where `from` says, so any zone of whole hours can be shown.
    ///   - until: exclusive; whole hours count.
    package nonisolated func series(
        from: WallTime, until: WallTime, hours step: Int = 24
    ) async throws(Problem) -> [Int: CallTotals] {
        let hour: Int64 = 3_600_000
        let step = Int64(max(step, 1))
        let first = from.milliseconds / hour
        var series: [Int: CallTotals] = [:]
        for period in try await periods(.call) where period.end > from && period.start < until {
            for (at, totals) in try await hours(of: period) where at >= first && at * hour < until.milliseconds {
                series[Int((at - first) / step), default: CallTotals()].add(totals)
            }
        }
        return series
    }

    package nonisolated func totals(from: WallTime, until: WallTime) async throws(Problem) -> CallTotals {
        var all = CallTotals()
        for (_, totals) in try await series(from: from, until: until, hours: 1 << 20) { all.add(totals) }
        return all
    }

    private nonisolated func hours(of period: Period) async throws(Problem) -> [Int64: CallTotals] {
        var count = HourCount()
        while let below = count.below {
            try await add(period, below: below, to: &count)
            // Without the word calls of an actor that follow each other are one turn.
            await Task.yield()
        }
        return count.hours
    }

    private func add(_ period: Period, below: Int64, to count: inout HourCount) throws(Problem) {
        let name = period.description
        // Retention has taken it meanwhile: what was counted is the answer.
        if count.generation != nil, try !PrivateBytes.isThere(path(period, .call)) {
            count.below = nil
            return
        }
        let file = try file(period, .call)
        if let cached = totals[name], cached.generation == file.generation {
            (count.below, count.hours) = (nil, cached.hours)
            return
        }
        let began = count.generation ?? file.generation
        count.generation = began
        let rows = try file.rows(below: below, count: Self.counted)
        count.below = rows.last?.number
        for row in rows {
            guard let bytes = row.bytes, let call = try? CallRecord(bytes, as: row.header) else { continue }
            count.hours[call.dialled.milliseconds / 3_600_000, default: CallTotals()].add(call)
        }
        // What was filed meanwhile is not in these sums: good for this answer, and not for the next.
        guard count.below == nil, began == file.generation else { return }
        // Some hundred hours a month; a ledger of many years keeps the latest in memory.
        if totals.count >= 36 { totals.removeAll() }
        totals[name] = CachedTotals(generation: began, hours: count.hours)
    }
}
