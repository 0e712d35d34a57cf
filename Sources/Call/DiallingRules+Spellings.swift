import Numbering
package import Settings

extension DiallingRules {
    /// Every spelling in which records may have a number: as the box writes it, and as providers deliver it when somebody calls.
    ///
    /// - Parameter text: as a person writes it.
    /// - Returns: `+4930123456`, `4930123456`, `030123456`; the text alone when no plan knows it.
    package func spellings(of text: String) -> [String] {
        guard let number = try? number(text) else { return [text] }
        guard case .international(let international) = number else { return [number.text] }
        var spellings = [international.e164, international.digits]
        if let country, let plan = NumberingPlan.of(country), plan.callingCode == international.callingCode {
            spellings.append((plan.trunkPrefix ?? "") + international.national)
        }
        return spellings
    }
}
