/// A length of time as people say it, by its two largest units: `3 days 4 h`, `2 min 5 s`, `12 s`.
package func words(seconds: Int) -> String {
    let seconds = max(0, seconds)
    let parts = [
        (seconds / 86_400, seconds / 86_400 == 1 ? "day" : "days"), (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"), (seconds % 60, "s"),
    ]
    guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0 s" }
    return parts[first...].prefix(2).filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
}

/// `34 MiB`, `1.2 GiB`
package func words(bytes: Int) -> String {
    let bytes = max(0, bytes)
    guard bytes >= 1 << 30 else { return "\(bytes >> 20) MiB" }
    let tenths = bytes / ((1 << 30) / 10)
    return "\(tenths / 10).\(tenths % 10) GiB"
}

/// `1 call`, `2 calls`
package func counted(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
}
