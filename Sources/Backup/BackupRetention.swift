package import Wire

/// Which backups stay: the newest of each of the last 7 days, 4 weeks and 12 months that have one.
///
/// Days, weeks (from Monday) and months are counted in UTC, and only those that have a backup count: a box that was off for a
/// month loses nothing by it. The newest always stays.
package enum BackupRetention {
    package static let (days, weeks, months) = (7, 4, 12)

    /// - Returns: the times that need not be kept.
    package static func expired(_ times: [WallTime]) -> Set<WallTime> {
        let newestFirst = times.sorted(by: >)
        var kept = Set(newestFirst.prefix(1))
        kept.formUnion(newest(newestFirst, of: days) { "\(day($0))" })
        // 1970-01-01 was a Thursday.
        kept.formUnion(newest(newestFirst, of: weeks) { "\((day($0) + 3) / 7)" })
        kept.formUnion(newest(newestFirst, of: months) { String($0.description.prefix(7)) })
        return Set(newestFirst).subtracting(kept)
    }

    private static func day(_ time: WallTime) -> Int64 { time.milliseconds / 86_400_000 }

    private static func newest(_ times: [WallTime], of count: Int, by span: (WallTime) -> String) -> [WallTime] {
        var spans: [String] = []
        var found: [WallTime] = []
        for time in times where spans.count < count && !spans.contains(span(time)) {
            spans.append(span(time))
            found.append(time)
        }
        return found
    }
}
