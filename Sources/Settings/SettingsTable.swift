import TOMLKit
import Wire

/// One `[table]` of the file, read key by key; what was never asked for is an unknown key.
struct SettingsTable {
    let name: String
    let file: String
    /// How ``KeyLines`` calls it: not as people do, where there are several of one name.
    private let place: String
    private let table: TOMLTable?
    private let lines: KeyLines
    private var asked: Set<String> = []

    init(name: String, in document: TOMLTable, file: String, lines: KeyLines) throws(SettingsError) {
        self.name = name
        self.file = file
        self.lines = lines
        place = name
        let value = document[name]
        table = value?.table
        if value != nil, table == nil {
            throw SettingsError(
                file: file, line: lines.line(of: name), key: name, reason: "This is not a table.",
                remedy: "Write [\(name)] on a line of its own and the keys below it.")
        }
    }

    /// Every table of one name: none, one as `[name]`, or as many as there are `[[name]]`.
    static func all(
        name: String, in document: TOMLTable, file: String, lines: KeyLines
    ) throws(SettingsError) -> [SettingsTable] {
        guard let array = document[name]?.array else {
            let single = try SettingsTable(name: name, in: document, file: file, lines: lines)
            return single.isPresent ? [single] : []
        }
        var tables: [SettingsTable] = []
        for element in array {
            guard let table = element.table, tables.count < 16 else {
                throw SettingsError(
                    file: file, line: lines.line(of: KeyLines.place(name, tables.count)), key: name,
                    reason: tables.count < 16 ? "This is not a table." : "There are more than 16 of these tables.",
                    remedy: "Write [[\(name)]] on a line of its own and the keys below it, at most 16 times.")
            }
            tables.append(
                SettingsTable(
                    name: name, place: KeyLines.place(name, tables.count), table: table, file: file, lines: lines))
        }
        return tables
    }

    private init(name: String, place: String, table: TOMLTable, file: String, lines: KeyLines) {
        self.name = name
        self.file = file
        self.place = place
        self.table = table
        self.lines = lines
    }

    var isPresent: Bool { table != nil }

    /// Every key that the file has here.
    var keys: [String] { (table?.keys ?? []).sorted() }

    /// As it is written, without looking at what the keys mean.
    var content: ChosenSettings.Table {
        var content: ChosenSettings.Table = [:]
        for key in keys { content[key] = table?[key].map(SettingsValue.init) }
        return content
    }

    /// What is chosen in the page must not say these.
    func leaveToTheFile(_ keys: [String]) throws(SettingsError) {
        for key in keys where table?[key] != nil {
            throw error(key, "This is not chosen in the page.", "It can be set in sipcall.toml alone.")
        }
    }

    func error(_ key: String, _ reason: String, _ remedy: String) -> SettingsError {
        SettingsError(
            file: file, line: lines.line(of: "\(place).\(key)"), key: "\(name).\(key)", reason: reason, remedy: remedy)
    }

    private mutating func value(_ key: String) -> (any TOMLValueConvertible)? {
        asked.insert(key)
        return table?[key]
    }

    mutating func string(_ key: String, example: String) throws(SettingsError) -> String? {
        guard let value = value(key) else { return nil }
        guard let text = value.string, !text.isEmpty else {
            throw error(key, "This must be a text in quotes.", "For example: \(key) = \"\(example)\".")
        }
        guard text.utf8.count <= 1024, !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            throw error(key, "This text is too long or holds control characters.", "Write it on one line.")
        }
        return text
    }

    mutating func required(_ key: String, example: String) throws(SettingsError) -> String {
        if let text = try string(key, example: example) { return text }
        throw error(key, "This key is missing.", "Add: \(key) = \"\(example)\".")
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(SettingsError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw error(
                key, "This must be a whole number from \(range.lowerBound) to \(range.upperBound).",
                "Write it without quotes.")
        }
        return number
    }

    mutating func flag(_ key: String) throws(SettingsError) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let flag = value.bool else { throw error(key, "This must be true or false.", "Write it without quotes.") }
        return flag
    }

    /// `20000-20999`, none below 1024.
    mutating func ports(_ key: String) throws(SettingsError) -> ClosedRange<UInt16>? {
        guard let text = try string(key, example: "20000-20999") else { return nil }
        let ends = text.split(separator: "-").map { UInt16($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 1024, last > first else {
            throw error(
                key, "This is not a range of UDP ports.", "For example: \(key) = \"20000-20999\" (two for each call).")
        }
        return first...last
    }

    mutating func address(_ key: String, default fallback: NetworkAddress) throws(SettingsError) -> NetworkAddress {
        guard let text = try string(key, example: fallback.description) else { return fallback }
        guard let address = NetworkAddress(hostAndPort: text) else {
            throw error(
                key, "This is not a numeric address with a port.",
                "Write it like \"\(fallback)\" or \"[::]:\(fallback.port)\".")
        }
        return address
    }

    /// One address with a port, or one of each family.
    mutating func addresses(_ key: String) throws(SettingsError) -> [NetworkAddress]? {
        guard let texts = try oneOrMore(key, example: "0.0.0.0:5060") else { return nil }
        var addresses: [NetworkAddress] = []
        for text in texts {
            guard let address = NetworkAddress(hostAndPort: text) else {
                throw error(
                    key, "This is not a numeric address with a port, nor a list of them.",
                    "Write it like \(key) = \"0.0.0.0:5060\" or \(key) = [\"0.0.0.0:5060\", \"[::]:5060\"].")
            }
            guard !addresses.contains(where: { $0.family == address.family }) else {
                throw error(
                    key, "There is more than one \(address.family.rawValue) address here.",
                    "Name one address of each family; 0.0.0.0 and [::] mean all of them.")
            }
            addresses.append(address)
        }
        return addresses
    }

    /// A text, or a list of them.
    mutating func oneOrMore(_ key: String, example: String) throws(SettingsError) -> [String]? {
        guard table?[key]?.array != nil else { return try string(key, example: example).map { [$0] } }
        let texts = try strings(key, example: "[\"\(example)\"]")
        guard let texts, !texts.isEmpty, texts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 1024 }) else {
            throw error(key, "This list is empty, or a text in it.", "For example: \(key) = [\"\(example)\"].")
        }
        return texts
    }

    /// The largest block of IPv4 that a provider is known to tell its customers (Deutsche Telekom: 217.0.0.0/13), and what a
    /// provider is given of IPv6 at first (RIPE-738: /29).
    private static let shortestIPv4 = 13
    private static let shortestIPv6 = 29

    /// Blocks of addresses. One that holds a good part of the Internet is a slip.
    mutating func networks(_ key: String) throws(SettingsError) -> [AddressBlock]? {
        guard let texts = try strings(key, example: "[\"192.0.2.0/24\"]") else { return nil }
        var blocks: [AddressBlock] = []
        for text in texts {
            guard let block = AddressBlock(text) else {
                throw error(
                    key, "There is something here that is no network.",
                    "For example: \(key) = [\"192.0.2.0/24\", \"2001:db8::/32\"].")
            }
            let isIPv4 = if case .ipv4 = block.base { true } else { false }
            guard block.length >= (isIPv4 ? Self.shortestIPv4 : Self.shortestIPv6) else {
                throw error(
                    key,
                    "The network \(block) is too large: calls from everywhere in it would be taken for the provider's.",
                    "Write the networks that the provider's documents name, none larger than /\(Self.shortestIPv4)"
                        + " (IPv6: /\(Self.shortestIPv6)).")
            }
            blocks.append(block)
        }
        return blocks
    }

    mutating func strings(_ key: String, example: String) throws(SettingsError) -> [String]? {
        guard let value = value(key) else { return nil }
        guard let array = value.array else {
            throw error(key, "This must be a list of texts.", "For example: \(key) = \(example).")
        }
        var texts: [String] = []
        for element in array {
            guard let text = element.string, texts.count < 64 else {
                throw error(key, "This must be a list of texts.", "For example: \(key) = \(example).")
            }
            texts.append(text)
        }
        return texts
    }

    /// Call last: a misspelt key must not be silently without effect.
    func refuseUnknownKeys() throws(SettingsError) {
        for key in keys where !asked.contains(key) {
            throw error(
                key, "This key is unknown.", "Known here: \(asked.sorted().joined(separator: ", ")).")
        }
    }
}

extension SettingsValue {
    fileprivate init(_ value: any TOMLValueConvertible) {
        if let text = value.string {
            self = .text(text)
        } else if let flag = value.bool {
            self = .flag(flag)
        } else if let number = value.int {
            self = .integer(number)
        } else if let array = value.array {
            let texts = array.compactMap(\.string)
            self = texts.count == array.count ? .texts(texts) : .other
        } else {
            self = .other
        }
    }
}

/// Where each key stands in the file. The TOML library tells the line of a syntax error only, so the keys are
/// found again in the text: table headers and `key =` at the start of a line, which is how the file is written.
struct KeyLines {
    private var lines: [String: Int] = [:]

    /// Of the tables `[[name]]` the first is called as `[name]` would be.
    static func place(_ name: String, _ index: Int) -> String { index == 0 ? name : "\(name)#\(index)" }

    init(_ text: String) {
        var table = ""
        var arrays: [String: Int] = [:]
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let bare = line.drop { $0 == " " || $0 == "\t" }
            if bare.hasPrefix("[["), let end = bare.firstIndex(of: "]") {
                let name = String(bare[..<end].dropFirst(2))
                table = Self.place(name, arrays[name, default: 0])
                arrays[name, default: 0] += 1
                lines[table] = lines[table] ?? index + 1
            } else if bare.hasPrefix("["), let end = bare.firstIndex(of: "]") {
                table = String(bare[bare.index(after: bare.startIndex)..<end])
                lines[table] = lines[table] ?? index + 1
            } else if let equals = bare.firstIndex(of: "="), !bare.hasPrefix("#") {
                let key = bare[..<equals].filter { $0 != " " && $0 != "\t" && $0 != "\"" }
                let dotted = table.isEmpty ? key : "\(table).\(key)"
                lines[dotted] = lines[dotted] ?? index + 1
                if table.isEmpty, let dot = key.firstIndex(of: ".") {
                    let parent = String(key[..<dot])
                    lines[parent] = lines[parent] ?? index + 1
                }
            }
        }
    }

    /// The key's line, else its table's, else 0.
    func line(of key: String) -> Int {
        if let line = lines[key] { return line }
        guard let dot = key.lastIndex(of: ".") else { return 0 }
        return lines[String(key[..<dot])] ?? 0
    }
}
