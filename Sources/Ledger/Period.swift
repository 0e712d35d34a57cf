package import Wire

/// A stretch of time whose records lie in one file under one key: `2026-11`, `2026-W48` or `2026-11-25`, in UTC.
///
/// A period whose file has grown too large goes on in a further part, `2026-11+2`, with a key of its own.
package struct Period: Hashable, Sendable, CustomStringConvertible {
    package enum Length: String, Sendable, Codable, CaseIterable {
        case month, week, day
    }

    /// Without the part.
    package let name: String
    /// 1...999
    package let part: Int
    package let start: WallTime
    /// The first moment after it.
    package let end: WallTime

    private static let day: Int64 = 86_400_000
    /// 2000 to 2199, milliseconds since 1970: no box has lived at another time, and sums of such times cannot overflow.
    static let years: Range<Int64> = 946_684_800_000..<7_258_118_400_000

    private init(_ name: String, part: Int, start: WallTime, end: WallTime) {
        (self.name, self.part, self.start, self.end) = (name, part, start, end)
    }

    /// - Returns: nil for times outside the years 2000 to 2199: no box has lived then, so the record is not in order.
    package init?(containing time: WallTime, length: Length) {
        guard Self.years.contains(time.milliseconds) else { return nil }
        let text = time.description
        switch length {
        case .day: self.init(String(text.prefix(10)))
        case .month: self.init(String(text.prefix(7)))
        case .week:
            // 1970-01-01 was a Thursday. The week belongs to the year that its Thursday is in (ISO 8601).
            let days = time.milliseconds / Self.day
            let thursday = days - (days + 3) % 7 + 3
            let year = WallTime(milliseconds: thursday * Self.day).description.prefix(4)
            guard let first = WallTime("\(year)-01-01T00:00:00.000Z") else { return nil }
            let week = (thursday - first.milliseconds / Self.day) / 7 + 1
            self.init("\(year)-W\(week < 10 ? "0" : "")\(week)")
        }
    }

    /// - Returns: nil unless `text` is written as ``description`` writes it.
    package init?(_ text: String) {
        let halves = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = halves.first, text.utf8.count <= 20 else { return nil }
        let name = String(first)
        var part = 1
        if halves.count == 2 {
            guard let number = Int(halves[1]), (2...999).contains(number), String(number) == halves[1] else {
                return nil
            }
            part = number
        }
        func time(_ date: String) -> WallTime? { WallTime("\(date)T00:00:00.000Z") }
        switch name.utf8.count {
        case 10:
            guard let start = time(name) else { return nil }
            self.init(name, part: part, start: start, end: WallTime(milliseconds: start.milliseconds + Self.day))
        case 7:
            guard let start = time("\(name)-01") else { return nil }
            let inNext = WallTime(milliseconds: start.milliseconds + 31 * Self.day).description.prefix(7)
            guard let end = time("\(inNext)-01") else { return nil }
            self.init(name, part: part, start: start, end: end)
        case 8:
            guard name.dropFirst(4).hasPrefix("-W"), let week = Int64(name.suffix(2)), (1...53).contains(week),
                let january4 = time("\(name.prefix(4))-01-04")
            else { return nil }
            // January 4 is always in the first week.
            let days = january4.milliseconds / Self.day
            let monday = days - (days + 3) % 7 + (week - 1) * 7
            let start = WallTime(milliseconds: monday * Self.day)
            self.init(name, part: part, start: start, end: WallTime(milliseconds: (monday + 7) * Self.day))
        default: return nil
        }
    }

    package var description: String { part == 1 ? name : "\(name)+\(part)" }

    /// The part that follows; nil after 999 of them.
    var next: Period? { part < 999 ? Period(name, part: part + 1, start: start, end: end) : nil }
}

extension Period: Comparable {
    /// By end, then by part: what is filed later is greater.
    package static func < (left: Self, right: Self) -> Bool {
        (left.end, left.start, left.name, left.part) < (right.end, right.start, right.name, right.part)
    }
}
