import Glibc
package import Wire

/// A moment as people write it on a command line: `2026-11-25`, `2026-11-25 14:30` (both here), `2026-11-25T13:20:01.123Z`, or how
/// long ago: `90m`, `24h`, `7d`, `2w`.
package func moment(_ text: String, now: WallTime) -> WallTime? {
    if let exact = WallTime(text) { return exact }
    let units: [Character: Int64] = ["m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000]
    if let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), (0...1_000_000).contains(count)
    {
        return WallTime(milliseconds: now.milliseconds - count * unit)
    }
    let halves = text.split(whereSeparator: { $0 == " " || $0 == "T" }).map(String.init)
    guard (1...2).contains(halves.count), let day = numbers(halves[0], "-"), day.count == 3,
        (1970...2199).contains(day[0]), (1...12).contains(day[1]), (1...31).contains(day[2])
    else { return nil }
    var time: [CInt] = [0, 0]
    if halves.count == 2 {
        guard let clock = numbers(halves[1], ":"), clock.count == 2, (0...23).contains(clock[0]),
            (0...59).contains(clock[1])
        else { return nil }
        time = clock
    }
    var local = tm()
    (local.tm_year, local.tm_mon, local.tm_mday) = (day[0] - 1900, day[1] - 1, day[2])
    (local.tm_hour, local.tm_min, local.tm_isdst) = (time[0], time[1], -1)
    let seconds = mktime(&local)
    // The thirtieth of February would come out as another day.
    guard seconds >= 0, local.tm_mday == day[2] else { return nil }
    return WallTime(milliseconds: Int64(seconds) * 1000)
}

/// `2026-11-25 14:30`, where this machine stands.
package func localTime(_ time: WallTime) -> String {
    var seconds = time_t(time.milliseconds / 1000)
    var local = tm()
    guard localtime_r(&seconds, &local) != nil else { return time.description }
    func two(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return
        "\(local.tm_year + 1900)-\(two(local.tm_mon + 1))-\(two(local.tm_mday)) \(two(local.tm_hour)):\(two(local.tm_min))"
}

private func numbers(_ text: String, _ separator: Character) -> [CInt]? {
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part in
        part.utf8.count <= 4 && part.utf8.allSatisfy { $0 &- 0x30 < 10 } ? CInt(part) : nil
    }
    return numbers.count == parts.count ? numbers : nil
}
