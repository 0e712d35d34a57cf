package import Numbering

/// What the owner of the box allows to be dialled. The defaults let nobody empty an account: the home country, no number
/// whose price somebody else sets, and few calls at once.
package struct DiallingRules: Sendable, Equatable, Codable {
    /// Where the box stands: decides how a dialled text is read, and is always allowed.
    package var home: Region
    /// For local numbers, without trunk prefix.
    package var areaCode: String?
    /// Besides the home country.
    package var countries: Set<Region> = []
    package var allowsPremium = false
    package var allowsSatellite = false
    /// Short numbers that the country's plan does not call free: directory enquiries, taxi calls.
    package var allowsShortNumbers = false
    /// Codes with `*` and `#` that are for the provider; some of them divert calls at the owner's cost.
    package var allowsProviderCodes = false
    /// Digits with country code, `4930`: nothing that begins so is dialled.
    package var blockedPrefixes: [String] = []
    package var callsAtOncePerUser = 2
    package var callsAtOnce = 10
    package var newCallsPerMinutePerUser = 6
    package var newCallsPerMinute = 20

    package init(home: Region) {
        self.home = home
    }

    /// What a text means on this box.
    /// - Throws: `DiallingRefusal`, when it names no number.
    package func number(_ text: String) throws(DiallingRefusal) -> DialledNumber {
        guard let plan = NumberingPlan.of(home) else { throw .unknownCountryCode }
        do throws(NumberRefusal) {
            return try plan.normalise(text, areaCode: areaCode)
        } catch {
            throw DiallingRefusal(error)
        }
    }
}
