package import Numbering
package import Settings

// What a dialled text means on this box.
extension DiallingRules {
    /// What a text means on this box.
    /// - Throws: `DiallingRefusal`, when it names no number.
    package func number(_ text: String) throws(DiallingRefusal) -> DialledNumber {
        do throws(NumberRefusal) {
            guard let home = country else { return try DialledNumber(withoutCountry: text) }
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
