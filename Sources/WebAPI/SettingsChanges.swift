/// What became of the settings, for the audit log: each line that is gone and each that is new, secrets and numbers masked.
enum SettingsChanges {
    private static let longest = 4096
    private static let secretWords = ["password", "secret", "pin", "token", "key"]

    /// - Returns: `[trunk] user: "a" → "b"; [ledger] keep_days: none → 90`; empty when nothing that counts is another.
    static func between(_ former: String, _ now: String) -> String {
        let (old, new) = (entries(former), entries(now))
        let changes = Set(old.keys).union(new.keys).sorted().compactMap { key -> String? in
            guard old[key] != new[key] else { return nil }
            return "\(key): \(shown(key, old[key])) → \(shown(key, new[key]))"
        }
        let text = changes.joined(separator: "; ")
        return text.utf8.count > longest ? String(text.prefix(longest / 4)) + " …" : text
    }

    /// The lines `key = value`, by their table; a table that comes twice is counted. Comments and what goes over several lines are
    /// left out but for their first line.
    private static func entries(_ text: String) -> [String: String] {
        var entries: [String: String] = [:]
        var tables: [String: Int] = [:]
        var table = ""
        for line in text.split(whereSeparator: \.isNewline).prefix(10_000) {
            let line = line.drop { $0 == " " || $0 == "\t" }
            if line.hasPrefix("["), let end = line.lastIndex(of: "]") {
                table = String(line[...end]) + " "
                let count = tables[table, default: 0] + 1
                tables[table] = count
                if count > 1 { table += "(\(count)) " }
                continue
            }
            guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { continue }
            let key = line[..<equals].filter { !$0.isWhitespace }
            guard !key.isEmpty, key.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_-.\"".contains($0)) })
            else {
                continue
            }
            entries[table + key] = line[line.index(after: equals)...].trimmed
        }
        return entries
    }

    private static func shown(_ key: String, _ value: String?) -> String {
        guard let value else { return "none" }
        let name = key.split(separator: " ").last.map { $0.lowercased() } ?? ""
        if secretWords.contains(where: name.contains), !name.hasSuffix("_file") { return "…" }
        // Of a number the last two digits tell enough.
        var (shown, digits) = ("", "")
        func flush() {
            shown += digits.count < 6 ? digits : "…\(digits.suffix(2))"
            digits = ""
        }
        for character in value {
            if character.isASCII, character.isNumber {
                digits.append(character)
            } else {
                flush()
                shown.append(character)
            }
        }
        flush()
        return shown
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
