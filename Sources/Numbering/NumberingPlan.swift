/// How people of one region dial: what leads abroad, what leads out of the area, and the numbers that are not dialled so.
package struct NumberingPlan: Sendable {
    package let region: Region
    package let callingCode: String
    /// `00`, `011`, `0011`: the longest first.
    let exits: [String]
    /// `0`, `1`, `8`, `06`; nil where every number is dialled whole.
    package let trunkPrefix: String?
    /// Of all national numbers.
    let lengths: Set<Int>
    /// Of fixed and mobile ones.
    let ordinaryLengths: Set<Int>
    /// Numbers inside an area have any length: only the trunk prefix tells them from national ones.
    let isOpen: Bool
    /// No national number begins with the trunk prefix.
    let trunkPrefixIsSafe: Bool
    /// Some national numbers begin with 0 (Italy).
    let zeroMayLead: Bool
    /// Mobile numbers are dialled without the trunk prefix although the plan is open (China).
    let mobileIsWhole: Bool
    /// `112`; `13??` where the last digits say which service.
    package let emergencyNumbers: [String]
    private let freeShortNumbers: [String]
    private let otherShortNumbers: [String]

    /// - Returns: nil for the world, which has no habits.
    package static func of(_ region: Region) -> NumberingPlan? { byRegion[region.code] }

    static let byRegion: [String: NumberingPlan] = {
        var found: [String: NumberingPlan] = [:]
        for line in planTable.description.split(separator: "\n") {
            if let plan = NumberingPlan(line) { found[plan.region.code] = plan }
        }
        return found
    }()

    /// The plan that speaks for a calling code: the largest region of it, or nil for the world's.
    static func main(of callingCode: String) -> NumberingPlan? {
        NumberRanges.byCallingCode[callingCode[...]].flatMap { byRegion[$0.main.code] }
    }

    private init?(_ line: Substring) {
        let words = line.split(separator: " ")
        guard words.count == 10 else { return nil }
        func list(_ word: Substring) -> [String] { word == "-" ? [] : word.split(separator: ",").map(String.init) }
        region = Region(known: String(words[0]))
        callingCode = String(words[1])
        exits = list(words[2]).sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
        trunkPrefix = list(words[3]).first
        lengths = Set(list(words[4]).compactMap { Int($0) })
        ordinaryLengths = Set(list(words[5]).compactMap { Int($0) })
        isOpen = words[6].contains("o")
        trunkPrefixIsSafe = words[6].contains("z")
        zeroMayLead = words[6].contains("l")
        mobileIsWhole = words[6].contains("w")
        emergencyNumbers = list(words[7])
        freeShortNumbers = list(words[8])
        otherShortNumbers = list(words[9])
    }

    package func isEmergency(_ digits: String) -> Bool { emergencyNumbers.contains { Self.matches($0, digits) } }

    /// - Returns: nil when the digits are no short number of the tables.
    func shortNumber(_ digits: String) -> DialledNumber? {
        if freeShortNumbers.contains(where: { Self.matches($0, digits) }) { return .short(digits, isFree: true) }
        if otherShortNumbers.contains(where: { Self.matches($0, digits) }) { return .short(digits, isFree: false) }
        return nil
    }

    /// - Parameter pattern: digits, and `?` for any digit.
    private static func matches(_ pattern: String, _ digits: String) -> Bool {
        pattern.utf8.count == digits.utf8.count
            && zip(pattern.utf8, digits.utf8).allSatisfy { $0 == UInt8(ascii: "?") || $0 == $1 }
    }

    /// What `urn:service:sos` means here (RFC 5031).
    var emergencyNumber: String? {
        ["112", "911", "999", "000"].first(where: emergencyNumbers.contains)
            ?? emergencyNumbers.first { !$0.contains("?") }
    }
}
