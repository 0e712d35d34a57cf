/// Carries the text of a configuration file over to the form that this version reads.
///
///     schema = N     before the first [table]; missing: 1
///
/// A file of an older form is read as it is: the names are changed while it is read, line for line, so that an error still names the
/// owner's own line. The file itself is changed only after this version has served with it (`sipcall settings`), and the
/// former one stays beside it. A file of a newer form is refused.
package struct SettingsSchema: Sendable {
    /// One name that changed.
    package enum Change: Sendable {
        /// A key of `[table]`, or of each `[[table]]`.
        case key(table: String, from: String, to: String)
        case table(from: String, to: String)
    }

    /// From the form before to that of `to`.
    package struct Step: Sendable {
        package var to: Int
        package var changes: [Change]

        package init(to: Int, changes: [Change]) {
            (self.to, self.changes) = (to, changes)
        }
    }

    /// The form that this version reads. debian/rules reads this line for the package's refusal to go back.
    package static let current = 1
    /// From each form to the next.
    package static let released: [Step] = []

    private let steps: [Step]

    package init(steps: [Step] = SettingsSchema.released) {
        self.steps = steps
    }

    package var current: Int { steps.last?.to ?? Self.current }

    /// The text in this version's form, with the lines where they were.
    /// - Throws: `settings.newer`, or `settings.invalid` for a `schema` that is no number.
    package func renamed(_ text: String, file: String) throws(SettingsError) -> String {
        let found = try number(in: text, file: file)
        var text = text
        for step in steps where step.to > found {
            for change in step.changes { text = Self.apply(change, to: text) }
        }
        return text
    }

    /// The text in this version's form, which says so.
    /// - Returns: nil if it is of that form already.
    /// - Throws: as `renamed`.
    package func migrated(_ text: String, file: String) throws(SettingsError) -> String? {
        guard try number(in: text, file: file) < current else { return nil }
        var lines = Self.lines(try renamed(text, file: file))
        if let index = Self.schemaLine(lines) {
            lines[index] = "schema = \(current)"
        } else {
            // Below the opening comment, and before the first table: below one it would be a key of that.
            let table = lines.firstIndex { Self.table($0) != nil } ?? lines.endIndex
            let blank = lines.firstIndex { $0.allSatisfy(\.isWhitespace) } ?? lines.endIndex
            let place = blank < table ? blank + 1 : 0
            let note = ["# The form of this file, for the version that reads it.", "schema = \(current)", ""]
            lines.insert(contentsOf: note, at: place)
        }
        return lines.joined(separator: "\n")
    }

    private func number(in text: String, file: String) throws(SettingsError) -> Int {
        let lines = Self.lines(text)
        guard let index = Self.schemaLine(lines) else { return 1 }
        let value = lines[index].split(separator: "=", maxSplits: 1).last?.split(separator: "#").first
        guard let number = value.flatMap({ Int($0.filter { !$0.isWhitespace }) }), number >= 1 else {
            throw SettingsError(
                file: file, line: index + 1, key: "schema", reason: "This is no number of a form.",
                remedy: "Write schema = \(current), or leave the line out in a file that no upgrade has changed.")
        }
        guard number <= current else {
            throw SettingsError(
                file: file, line: index + 1, key: "schema",
                reason: "A newer SIPCall has written this file in form \(number); this one reads \(current).",
                remedy: "Install that version again, or put \(file).before-schema-\(current + 1) in its place.",
                code: "settings.newer")
        }
        return number
    }

    // MARK: - Lines

    private static func lines(_ text: String) -> [String] {
        // By bytes: the end of a line of Windows, which is one Character, stays as it is.
        text.utf8.split(separator: 10, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func schemaLine(_ lines: [String]) -> Int? {
        for (index, line) in lines.enumerated() {
            if table(line) != nil { return nil }
            if key(line) == "schema" { return index }
        }
        return nil
    }

    /// The name in `[name]` or `[[name]]`; nil for any other line, a piece of an array among them.
    private static func table(_ line: String) -> Substring? {
        let bare = line.drop(while: \.isWhitespace)
        guard bare.hasPrefix("["), let end = bare.firstIndex(of: "]") else { return nil }
        let name = bare[..<end].drop { $0 == "[" }
        let isName = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) }
        return name.isEmpty || !isName ? nil : name
    }

    /// The bare key that a line gives a value to.
    private static func key(_ line: String) -> Substring? {
        let bare = line.drop(while: \.isWhitespace)
        let key = bare.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) }
        guard !key.isEmpty, bare[key.endIndex...].first(where: { !$0.isWhitespace }) == "=" else { return nil }
        return key
    }

    private static func apply(_ change: Change, to text: String) -> String {
        var current = ""
        var isInText = false
        return lines(text).map { line in
            // Within a text of several lines nothing is a key.
            let quotes = (line.components("\"\"\"") + line.components("'''")) % 2 == 1
            defer { if quotes { isInText.toggle() } }
            guard !isInText else { return line }
            if let name = table(line) {
                current = String(name)
                guard case .table(name, let new) = change else { return line }
                return line.replacing(name, with: new, maxReplacements: 1)
            }
            guard case .key(current, let old, let new) = change, let name = key(line), name == old else { return line }
            return line.replacing(name, with: new, maxReplacements: 1)
        }.joined(separator: "\n")
    }
}

extension String {
    /// How often a mark occurs.
    fileprivate func components(_ mark: String) -> Int {
        ranges(of: mark).count
    }
}
