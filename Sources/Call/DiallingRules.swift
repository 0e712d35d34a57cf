package import Numbering

/// What the owner of the box allows to be dialled. The defaults let nobody empty an account: the home country, no number
/// whose price somebody else sets, and few calls at once.
package struct DiallingRules: Sendable, Equatable, Codable {
    /// Where the box stands: decides how a dialled text is read, and is always allowed. nil if nobody said: then a number
    /// needs its country code, and only `countries` are allowed.
    package var home: Region?
    /// For local numbers, without trunk prefix.
    package var areaCode: String?
    /// Besides the home country.
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

    package init(home: Region?) {
        self.home = home
    }

    /// What a text means on this box.
    /// - Throws: `DiallingRefusal`, when it names no number.
    package func number(_ text: String) throws(DiallingRefusal) -> DialledNumber {
        do throws(NumberRefusal) {
            guard let home else { return try DialledNumber(withoutCountry: text) }
            guard let plan = NumberingPlan.of(home) else { throw .needsCountry }
            return try plan.normalise(text, areaCode: areaCode)
        } catch {
            // What no plan knows may be a number of the provider's own, as `100` is.
            if allowsShortNumbers, let number = DialledNumber(ofProvider: text) { return number }
            throw DiallingRefusal(error)
        }
    }

    /// What a text leads to: the box's own services are nobody's business but the box's.
    /// - Throws: `DiallingRefusal`, when it leads nowhere.
    package func destination(_ text: String) throws(DiallingRefusal) -> Destination {
        let number = try number(text)
        if case .service(let code) = number, let service = BoxService.allCases.first(where: { $0.code == code }) {
            return .service(service)
        }
        return .number(number)
    }
}
