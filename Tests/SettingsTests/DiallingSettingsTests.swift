import Numbering
import Settings
import Testing
import Wire

@Suite("The configuration file: who may be called")
struct DiallingSettingsTests {
    private func load(_ text: String) throws(SettingsError) -> DiallingRules {
        try BoxSettings(toml: text, file: "sipcall.toml", readSecret: { _ in nil }).dialling
    }

    @Test("without the table, or with an empty one, the defaults hold: no country, nothing dear, few calls")
    func defaults() throws {
        let settings = try load("[dialling]\n")
        #expect(try load("") == settings)
        #expect(settings.country == nil && settings.countries.isEmpty && settings.areaCode == nil)
        #expect(!settings.allowsPremium && !settings.allowsSatellite && !settings.allowsShortNumbers)
        #expect(!settings.allowsProviderCodes && settings.blockedPrefixes.isEmpty)
        #expect(settings.callsAtOncePerUser == 2 && settings.callsAtOnce == 10)
        #expect(settings.newCallsPerMinutePerUser == 6 && settings.newCallsPerMinute == 20)
    }

    @Test("every key is read")
    func full() throws {
        let settings = try load(
            """
            [dialling]
            country = "de"
            area_code = "30"
            countries = ["AT", "ch"]
            allow_premium = true
            allow_satellite = true
            allow_short_numbers = true
            allow_provider_codes = true
            blocked_prefixes = ["+4917", "43"]
            calls_at_once_per_user = 3
            calls_at_once = 0
            new_calls_per_minute_per_user = 4
            new_calls_per_minute = 5
            """)
        #expect(settings.country == Region("DE") && settings.areaCode == "30")
        #expect(settings.countries == Set(["AT", "CH"].compactMap(Region.init)))
        #expect(settings.allowsPremium && settings.allowsSatellite && settings.allowsShortNumbers)
        #expect(settings.allowsProviderCodes && settings.blockedPrefixes == ["4917", "43"])
        #expect(settings.callsAtOncePerUser == 3 && settings.callsAtOnce == 0)
        #expect(settings.newCallsPerMinutePerUser == 4 && settings.newCallsPerMinute == 5)
        #expect(try load("[dialling]\ncountries = [\"all\"]").countries == Region.all)
        #expect(try load("[dialling]\ncountry = \"IT\"\narea_code = \"06\"").areaCode == "06")
    }

    @Test(
        "a value that cannot be used names line, key and remedy",
        arguments: [
            ("country = \"Germany\"", 2, "country"), ("country = \"001\"", 2, "country"),
            ("country = \"XX\"", 2, "country"), ("country = 49", 2, "country"),
            ("area_code = \"30\"", 2, "area_code"), ("country = \"DE\"\narea_code = \"030\"", 3, "area_code"),
            ("country = \"DE\"\narea_code = \"3a\"", 3, "area_code"),
            ("\ncountries = [\"AT\", \"Austria\"]", 3, "countries"), ("countries = \"AT\"", 2, "countries"),
            ("allow_premium = \"yes\"", 2, "allow_premium"), ("blocked_prefixes = [\"0049\"]", 2, "blocked_prefixes"),
            ("blocked_prefixes = [\"\"]", 2, "blocked_prefixes"), ("blocked_prefixes = [\"+\"]", 2, "blocked_prefixes"),
            ("calls_at_once = -1", 2, "calls_at_once"), ("calls_at_once = 10001", 2, "calls_at_once"),
            ("new_calls_per_minute = 60001", 2, "new_calls_per_minute"), ("allow_all = true", 2, "allow_all"),
        ] as [(String, Int, String)])
    func wrong(text: String, line: Int, key: String) {
        let error = #expect(throws: SettingsError.self) { try load("[dialling]\n" + text) }
        #expect(error?.line == line)
        #expect(error?.key == "dialling.\(key)")
        #expect(error?.remedy.isEmpty == false)
    }
}
