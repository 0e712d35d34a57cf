package import Numbering

/// What may be dialled through the provider: `[dialling]`. The defaults let nobody empty the account: the home country, no
/// number whose price somebody else sets, and few calls at once.
package struct DiallingRules: Sendable, Equatable {
    /// Where the box stands: its people dial as that country does, and may call it. nil if nobody said: then a number needs
    /// its country code, and only `countries` are allowed.
    package var country: Region?
    /// For local numbers, without the digit that leads out of an area.
    package var areaCode: String?
    /// What may be called besides `country`.
    package var countries: Set<Region> = []
    package var allowsPremium = false
    package var allowsSatellite = false
    /// Short numbers that the country's plan does not call free: directory enquiries, taxi calls, a provider's own.
    package var allowsShortNumbers = false
    /// Codes with `*` and `#` that are for the provider; some of them divert calls at the owner's cost.
    package var allowsProviderCodes = false
    /// Digits with country code, `4930`: nothing that begins so is dialled.
    package var blockedPrefixes: [String] = []
    package var callsAtOncePerUser = 2
    package var callsAtOnce = 10
    package var newCallsPerMinutePerUser = 6
    package var newCallsPerMinute = 20

    package init(country: Region? = nil) {
        self.country = country
    }
}

extension DiallingRules {
    /// Calls at once and calls a minute that anybody may ask for: more than a box carries.
    private static let mostAtOnce = 10_000
    private static let mostPerMinute = 60_000

    init(_ source: SettingsTable) throws(SettingsError) {
        var table = source
        self.init()
        country = try Self.country(&table)
        areaCode = try Self.areaCode(&table, of: country)
        countries = try Self.countries(&table)
        allowsPremium = try table.flag("allow_premium") ?? allowsPremium
        allowsSatellite = try table.flag("allow_satellite") ?? allowsSatellite
        allowsShortNumbers = try table.flag("allow_short_numbers") ?? allowsShortNumbers
        allowsProviderCodes = try table.flag("allow_provider_codes") ?? allowsProviderCodes
        blockedPrefixes = try Self.blockedPrefixes(&table)
        callsAtOncePerUser =
            try table.integer("calls_at_once_per_user", in: 0...Self.mostAtOnce) ?? callsAtOncePerUser
        callsAtOnce = try table.integer("calls_at_once", in: 0...Self.mostAtOnce) ?? callsAtOnce
        newCallsPerMinutePerUser =
            try table.integer("new_calls_per_minute_per_user", in: 0...Self.mostPerMinute) ?? newCallsPerMinutePerUser
        newCallsPerMinute = try table.integer("new_calls_per_minute", in: 0...Self.mostPerMinute) ?? newCallsPerMinute
        try table.refuseUnknownKeys()
    }

    /// - Returns: nil for what is no country, as the world is none.
    private static func region(_ text: String) -> Region? {
        guard text.utf8.count == 2, let region = Region(text), region != .world else { return nil }
        return region
    }

    private static func country(_ table: inout SettingsTable) throws(SettingsError) -> Region? {
        guard let text = try table.string("country", example: "DE") else { return nil }
        guard let region = region(text) else {
            throw table.error(
                "country", "This is not the two-letter code of a country (ISO 3166).",
                "For example: country = \"DE\" for Germany, \"GB\" for the United Kingdom.")
        }
        return region
    }

    private static func areaCode(
        _ table: inout SettingsTable, of country: Region?
    ) throws(SettingsError) -> String? {
        guard let text = try table.string("area_code", example: "30") else { return nil }
        guard let country else {
            throw table.error("area_code", "An area code means nothing without its country.", "Add: country = \"DE\".")
        }
        guard (1...8).contains(text.utf8.count), text.utf8.allSatisfy({ $0 &- 0x30 < 10 }) else {
            throw table.error("area_code", "An area code is 1 to 8 digits.", "For example: area_code = \"30\".")
        }
        if NumberingPlan.of(country)?.trunkPrefix == "0", text.hasPrefix("0") {
            throw table.error(
                "area_code", "The 0 before an area code is no part of it.", "Write it without: area_code = \"30\".")
        }
        return text
    }

    private static func countries(_ table: inout SettingsTable) throws(SettingsError) -> Set<Region> {
        var countries: Set<Region> = []
        for text in try table.strings("countries", example: "[\"AT\", \"CH\"]") ?? [] {
            if text == "all" {
                countries.formUnion(Region.all)
            } else if let region = region(text) {
                countries.insert(region)
            } else {
                throw table.error(
                    "countries", "One of these is not the two-letter code of a country (ISO 3166).",
                    "For example: countries = [\"AT\", \"CH\"], or [\"all\"].")
            }
        }
        return countries
    }

    private static func blockedPrefixes(_ table: inout SettingsTable) throws(SettingsError) -> [String] {
        var prefixes: [String] = []
        for text in try table.strings("blocked_prefixes", example: "[\"+4917\"]") ?? [] {
            let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
            guard (1...15).contains(digits.utf8.count), digits.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
                !digits.hasPrefix("0")
            else {
                throw table.error(
                    "blocked_prefixes", "One of these is not the beginning of an international number.",
                    "Write the country code first: blocked_prefixes = [\"+4917\"].")
            }
            prefixes.append(String(digits))
        }
        return prefixes
    }
}
