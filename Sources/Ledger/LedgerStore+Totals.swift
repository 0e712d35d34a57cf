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

extension LedgerStore {
    /// Sums for charts, one for every step from `from`; steps without calls have none. Counted once and kept until the file
    /// changes.
    ///
    /// - Parameters:
    ///   - hours: of a step, 1...; 24 for days. A day begins where `from` says, so any zone of whole hours can be shown.
    ///   - until: exclusive; whole hours count.
    package func series(
        from: WallTime, until: WallTime, hours step: Int = 24
    ) throws(Problem) -> [Int: CallTotals] {
        let hour: Int64 = 3_600_000
        let step = Int64(max(step, 1))
        let first = from.milliseconds / hour
        var series: [Int: CallTotals] = [:]
        for period in try periods(.call) where period.end > from && period.start < until {
            for (at, totals) in try hours(of: period) where at >= first && at * hour < until.milliseconds {
                series[Int((at - first) / step), default: CallTotals()].add(totals)
            }
        }
        return series
    }

    package func totals(from: WallTime, until: WallTime) throws(Problem) -> CallTotals {
        var all = CallTotals()
        for (_, totals) in try series(from: from, until: until, hours: 1 << 20) { all.add(totals) }
        return all
    }

    private func hours(of period: Period) throws(Problem) -> [Int64: CallTotals] {
        let file = try file(period, .call)
        let name = period.description
        if let cached = totals[name], cached.generation == file.generation { return cached.hours }
        var hours: [Int64: CallTotals] = [:]
        var below = Int64.max
        while true {
            let rows = try file.rows(below: below, count: 1000)
            guard let last = rows.last else { break }
            below = last.number
            for row in rows {
                guard let bytes = row.bytes, let call = try? CallRecord(bytes, as: row.header) else { continue }
                hours[call.dialled.milliseconds / 3_600_000, default: CallTotals()].add(call)
            }
        }
        // Some hundred hours a month; a ledger of many years keeps the latest in memory.
        if totals.count >= 36 { totals.removeAll() }
        totals[name] = CachedTotals(generation: file.generation, hours: hours)
        return hours
    }
}
