/// A moment of the wall clock in UTC, to the millisecond: `2026-11-22T08:15:30.123Z` (RFC 3339).
///
/// For people and records only; what the box does hangs on ``MonotonicTime``. The calendar is the proleptic Gregorian
/// one, counted by hand: a formatter would bring its library along.
package struct WallTime: Hashable, Comparable, Sendable {
    /// Since 1970-01-01T00:00:00Z, leap seconds not counted.
    package var milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Before this the program was not written: a clock that stands there has never been set.
    package static let earliest = WallTime(milliseconds: 1_767_225_600_000)
    /// In the year 2100 the calendar on the wall is wrong, or this line.
    private static let latest = WallTime(milliseconds: 4_102_444_800_000)

    /// Whether a clock that says so may be right.
    package var isPlausible: Bool { self >= Self.earliest && self < Self.latest }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    private static let millisecondsPerDay: Int64 = 86_400_000

    /// - Returns: nil unless `text` is written exactly as ``description`` writes it.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 24 else { return nil }
        for (index, sign) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "."), (23, "Z")] {
            guard bytes[index] == sign.utf8.first else { return nil }
        }
        func number(_ range: Range<Int>, _ valid: ClosedRange<Int64>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return valid.contains(value) ? value : nil
        }
        guard let year = number(0..<4, 0...9999), let month = number(5..<7, 1...12), let day = number(8..<10, 1...31),
            let hour = number(11..<13, 0...23), let minute = number(14..<16, 0...59),
            let second = number(17..<19, 0...59), let rest = number(20..<23, 0...999)
        else { return nil }
        let time = ((hour * 60 + minute) * 60 + second) * 1000 + rest
        self.init(milliseconds: Self.days(year, month, day) * Self.millisecondsPerDay + time)
        // The thirtieth of February would come out as another day.
        guard description == text else { return nil }
    }

    /// Days from 1970-01-01. Years begin in March, so that a leap day is the last of its year.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let days = days + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

extension WallTime: CustomStringConvertible {
    package var description: String {
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let (quotient, remainder) = milliseconds.quotientAndRemainder(dividingBy: Self.millisecondsPerDay)
        let days = remainder < 0 ? quotient - 1 : quotient
        let time = remainder < 0 ? remainder + Self.millisecondsPerDay : remainder
        let (year, month, day) = Self.date(days)
        let clock = [time / 3_600_000, time / 60_000 % 60, time / 1000 % 60].map { padded($0, 2) }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(clock.joined(separator: ":"))"
            + ".\(padded(time % 1000, 3))Z"
    }
}

extension WallTime: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time in UTC")
        }
        self = time
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
