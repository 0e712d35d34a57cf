/// The ranges of every numbering plan: whose and of what kind a number is.
enum NumberRanges {
    struct Entry: Sendable {
        let region: Region
        let kind: NumberKind
    }

    /// One calling code: national prefix → entry; the empty prefix is always there.
    struct Ranges: Sendable {
        let main: Region
        let entries: [Substring: Entry]
        /// Of the longest prefix.
        let depth: Int
    }

    static let byCallingCode: [Substring: Ranges] = {
        var found: [Substring: Ranges] = [:]
        for line in rangeTable.description.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 1, let code = words.first else { continue }
            let (ranges, main) = read(words.dropFirst())
            found[code] = Ranges(main: main, entries: ranges, depth: ranges.keys.map(\.utf8.count).max() ?? 0)
        }
        return found
    }()

    /// `DE g 1m 900p`, or `001x` for the world.
    private static func read(_ words: ArraySlice<Substring>) -> ([Substring: Entry], Region) {
        var entries: [Substring: Entry] = [:]
        var main = Region.world
        for (index, word) in words.enumerated() {
            if index == 0, word.utf8.count == 2 {
                main = Region(known: String(word))
                continue
            }
            guard let kind = word.utf8.last.flatMap(NumberKind.init(letter:)) else { continue }
            let rest = word.dropLast()
            if index == 0 {
                entries[""] = Entry(region: .world, kind: kind)
                continue
            }
            let prefix = rest.prefix { $0.isASCII && $0.isNumber }
            let region = rest.dropFirst(prefix.count)
            entries[prefix] = Entry(region: region.isEmpty ? main : Region(known: String(region)), kind: kind)
        }
        return (entries, main)
    }

    /// One to three digits; no calling code is the beginning of another.
    static func callingCode(of digits: String) -> String? {
        for length in 1...3 {
            let code = digits.prefix(length)
            if byCallingCode[code] != nil { return String(code) }
        }
        return nil
    }

    static func entry(for number: TelephoneNumber) -> Entry {
        guard let ranges = byCallingCode[number.callingCode[...]] else {
            return Entry(region: .world, kind: .internationalNetwork)
        }
        let national = number.national[...]
        var found = Entry(region: ranges.main, kind: .geographic)
        for length in stride(from: min(ranges.depth, national.utf8.count), through: 0, by: -1) {
            if let entry = ranges.entries[national.prefix(length)] {
                found = entry
                break
            }
        }
        return isPayPerCallExchange(number) ? Entry(region: found.region, kind: .premium) : found
    }

    /// In the countries of +1 the exchange 976 of any area is sold as pay-per-call (NANPA).
    private static func isPayPerCallExchange(_ number: TelephoneNumber) -> Bool {
        number.callingCode == "1" && number.national.dropFirst(3).hasPrefix("976")
    }
}
