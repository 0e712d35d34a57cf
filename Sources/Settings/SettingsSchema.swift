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
        let text = try renamed(text, file: file)
        var bytes = Array(text.utf8)
        let names = TOMLKeys(bytes).names
        if let value = Self.schema(names)?.value {
            bytes.replaceSubrange(value, with: Array("\(current)".utf8) + Self.tail(bytes[value]))
            return String(decoding: bytes, as: UTF8.self)
        }
        // Below the opening comment, and before everything else: below a table it would be a key of that. By bytes: the end of a line
        // of Windows, which is one Character, stays as it is.
        var lines = bytes.split(separator: 10, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let first = names.first.map { $0.line - 1 } ?? lines.endIndex
        let blank = lines.firstIndex { $0.allSatisfy(\.isWhitespace) } ?? lines.endIndex
        let note = ["# The form of this file, for the version that reads it.", "schema = \(current)", ""]
        if blank >= first, bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            // The mark of some editors stays at the beginning.
            lines[0].unicodeScalars.removeFirst()
            lines.insert(contentsOf: ["\u{FEFF}\(note[0])"] + note.dropFirst(), at: 0)
        } else {
            lines.insert(contentsOf: note, at: blank < first ? blank + 1 : 0)
        }
        return lines.joined(separator: "\n")
    }

    private func number(in text: String, file: String) throws(SettingsError) -> Int {
        let bytes = Array(text.utf8)
        guard let name = Self.schema(TOMLKeys(bytes).names), let value = name.value else { return 1 }
        let digits = bytes[value].filter { $0 != 32 && $0 != 9 && $0 != 13 }
        guard let number = Int(String(decoding: digits, as: UTF8.self)), number >= 1 else {
            throw SettingsError(
                file: file, line: name.line, key: "schema", reason: "This is no number of a form.",
                remedy: "Write schema = \(current), or leave the line out in a file that no upgrade has changed.")
        }
        guard number <= current else {
            throw SettingsError(
                file: file, line: name.line, key: "schema",
                reason: "A newer SIPCall has written this file in form \(number); this one reads \(current).",
                remedy: "Install that version again, or put \(file).before-schema-\(current + 1) in its place.",
                code: "settings.newer")
        }
        return number
    }

    // MARK: - Names

    private static func schema(_ names: [TOMLKeys.Name]) -> TOMLKeys.Name? {
        names.first { $0.path == ["schema"] && $0.value != nil }
    }

    /// The blanks at a value's end, before a comment.
    private static func tail(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        value.suffix(from: value.lastIndex { $0 != 32 && $0 != 9 && $0 != 13 }.map { $0 + 1 } ?? value.startIndex)
    }

    private static func apply(_ change: Change, to text: String) -> String {
        let (path, new) =
            switch change {
            case .key(let table, let old, let new): (table.split(separator: ".").map(String.init) + [old], new)
            case .table(let old, let new): (old.split(separator: ".").map(String.init), new)
            }
        var bytes = Array(text.utf8)
        let word = new.utf8.allSatisfy(TOMLKeys.isBare) ? new : "\"\(new)\""
        for name in TOMLKeys(bytes).names.reversed() where name.path == path {
            bytes.replaceSubrange(name.range, with: Array(word.utf8))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
