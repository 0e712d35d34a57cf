import Foundation

/// The message catalog's own format, read as strictly as systemd reads it and more (systemd, catalog.c): comments
/// begin with `#`, an entry with an empty line and `-- identifier`, its header fields end with an empty line.
struct Catalog {
    struct Entry {
        var identifier: String
        /// What the comment before the entry says it explains.
        var code: String
        var header: [String: String]
        var paragraphs: [String]
    }

    struct Fault: Error, CustomStringConvertible {
        var line: Int
        var what: String
        var description: String { "line \(line): \(what)" }
    }

    private(set) var entries: [Entry] = []

    init(_ text: String) throws {
        var comment = ""
        var afterEmpty = true
        var inHeader = false
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            func fault(_ what: String) -> Fault { Fault(line: index + 1, what: what) }
            if line.utf8.count > 120 { throw fault("too long for a terminal") }
            if line.isEmpty {
                inHeader = false
                afterEmpty = true
                continue
            }
            if line.hasPrefix("#") {
                guard afterEmpty || entries.isEmpty else {
                    throw fault("a comment inside a text is not shown")
                }
                comment = line.dropFirst().trimmingCharacters(in: .whitespaces)
                continue
            }
            if line.hasPrefix(";") { throw fault("systemd takes this line for a comment") }
            if line.hasPrefix("-- ") {
                let identifier = String(line.dropFirst(3))
                guard identifier.utf8.count == 32, identifier.utf8.allSatisfy("0123456789abcdef".utf8.contains) else {
                    throw fault("no identifier")
                }
                guard afterEmpty else { throw fault("an entry must follow an empty line") }
                entries.append(Entry(identifier: identifier, code: comment, header: [:], paragraphs: []))
                (inHeader, afterEmpty) = (true, false)
                continue
            }
            guard var entry = entries.popLast() else { throw fault("text before the first entry") }
            if inHeader {
                guard let colon = line.firstIndex(of: ":") else { throw fault("a header field without a colon") }
                entry.header[String(line[..<colon])] = line[line.index(after: colon)...].trimmingCharacters(
                    in: .whitespaces)
            } else if afterEmpty {
                entry.paragraphs.append(String(line))
            } else {
                guard let last = entry.paragraphs.popLast() else { throw fault("text without a paragraph") }
                entry.paragraphs.append("\(last) \(line)")
            }
            entries.append(entry)
            afterEmpty = false
        }
    }
}
