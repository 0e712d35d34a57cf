import TOMLKit
package import Wire

/// What was chosen in the page, as it was written: the tables that the configuration file does not have.
///
/// It is kept in the form of that file and read by the same decoder, so that both mean the same and both name the line of a
/// mistake. Passwords are never in it.
package struct ChosenSettings: Sendable, Equatable {
    /// One table, key by key.
    package typealias Table = [String: SettingsValue]

    /// Grows with each change, within ``revisions``.
    package var revision = 0
    /// What every JSON reader takes for a whole number (RFC 8259 §6): one more than any of them is still no overflow.
    package static let revisions = 0..<(1 << 53)
    /// A section without a table was not chosen.
    package var tables: [SettingsSection: [Table]] = [:]

    /// Bytes of its text.
    static let largest = 65_536

    package init() {}

    /// Its text, in this version's form.
    package var toml: String {
        var text = """
            # What was chosen in the page. It is written anew with every change there; sipcall.toml goes before it.
            schema = \(SettingsSchema.current)
            revision = \(revision)

            """
        for (section, tables) in tables.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for table in tables {
                text += section.isList ? "\n[[\(section.table)]]\n" : "\n[\(section.table)]\n"
                for (key, value) in table.sorted(by: { $0.key < $1.key }) {
                    text += "\(SettingsValue.key(key)) = \(value.toml)\n"
                }
            }
        }
        return text
    }

    /// - Parameters:
    ///   - text: as ``toml`` made it, in this version's form or an older one.
    ///   - file: its name, for errors.
    /// - Throws: for what is no such text; single values are not looked at.
    package init(
        toml text: String, file: String, schema: SettingsSchema = SettingsSchema()
    ) throws(SettingsError) {
        func error(_ line: Int, _ key: String, _ reason: String) -> SettingsError {
            SettingsError(
                file: file, line: line, key: key, reason: reason,
                remedy: "Restore the file from a backup, or delete it and choose the settings in the page again.")
        }
        guard text.utf8.count <= Self.largest, !text.utf8.contains(0) else {
            throw error(0, "", "The file is not what was chosen: too large, or binary.")
        }
        let text = try schema.renamed(text, file: file)
        let document: TOMLTable
        do {
            document = try TOMLTable(string: text)
        } catch let failure as TOMLParseError {
            throw error(failure.source.begin.line, "", "This line is not TOML.")
        } catch let failure {
            throw error(0, "", "The file is not TOML: \(type(of: failure)).")
        }
        let lines = KeyLines(text)
        for key in document.keys.sorted() where key != "schema" {
            if key == "revision" {
                guard let number = document[key]?.int, Self.revisions.contains(number) else {
                    throw error(lines.line(of: key), key, "This is no number of a change.")
                }
                revision = number
                continue
            }
            guard let section = SettingsSection.allCases.first(where: { $0.table == key }) else {
                throw error(lines.line(of: key), key, "This is nothing that is chosen in the page.")
            }
            let found = try SettingsTable.all(name: key, in: document, file: file, lines: lines)
            guard section.isList || found.count == 1 else {
                throw error(lines.line(of: key), key, "There is one table of this name at most.")
            }
            tables[section] = found.map(\.content)
        }
    }

    /// The typed values; sections that were not chosen have their defaults.
    ///
    /// - Parameters:
    ///   - file: how errors call it.
    ///   - presets: what is known of providers.
    ///   - passwords: of the accounts.
    package func settings(
        file: String, presets: PresetShelf, passwords: AccountPasswords
    ) throws(SettingsError) -> BoxSettings {
        let text = toml
        guard text.utf8.count <= Self.largest else {
            throw SettingsError(
                file: file, line: 0, key: "", reason: "This is more than is kept of the settings.",
                remedy: "Leave something out.")
        }
        return try BoxSettings(toml: text, file: file, presets: presets, secrets: .accounts(passwords))
    }

    /// Where in the page an error is, that was found in ``toml``: `dialling.country`, `trunks[1].server`.
    package func place(of error: SettingsError) -> String {
        guard error.key.hasPrefix("trunk") else { return error.key }
        let above = toml.utf8.split(separator: 10, omittingEmptySubsequences: false).prefix(max(error.line, 0))
        let index = max(0, above.count { $0.elementsEqual("[[trunk]]".utf8) } - 1)
        return "trunks[\(index)]" + error.key.dropFirst("trunk".count)
    }

    /// The same for people who see the page and not the file.
    package func problem(of error: SettingsError) -> Problem {
        let place = place(of: error)
        return Problem(
            code: error.code, sentence: place.isEmpty ? error.reason : "\(place): \(error.reason)",
            remedy: error.remedy)
    }
}

/// The passwords of accounts that were chosen in the page, as far as this process has them.
package enum AccountPasswords: Sendable, Equatable {
    /// By the account's name.
    case known([String: Redacted<String>])
    /// Every account has one, or needs none; they are another process's.
    case elsewhere
}
