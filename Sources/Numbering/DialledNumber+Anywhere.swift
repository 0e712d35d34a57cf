// How numbers are read where no country's habits are known, and those that no plan knows.
extension DialledNumber {
    /// Emergency numbers of any telephone, whatever country it is in (3GPP TS 22.101 §10.1.1); rather one call too many goes
    /// through than one too few.
    private static let emergencyNumbers: Set<String> = ["112", "911", "000", "08", "110", "999", "118", "119"]
    /// Digits of numbers that are short: those of a provider's own, and of nobody else.
    private static let shortLengths = 2...6

    /// What a text means on a box that was not told its country: with `+` or `00` before the country code it is a number of
    /// the world, with up to six digits one of the provider's own, and anything longer could be of any country.
    package init(withoutCountry text: String) throws(NumberRefusal) {
        let dialled = try DialText(text)
        if dialled.isEmergencyService {
            self = .emergency("112")
            return
        }
        let digits = dialled.keys(keepingZero: true)
        guard !digits.isEmpty else { throw .empty }
        guard digits.utf8.count <= 32 else { throw .tooLong }
        if dialled.isInternational {
            self = .international(try NumberingPlan.international(dialled.symbols))
        } else if dialled.isServiceCode {
            self = .service(digits)
        } else if Self.emergencyNumbers.contains(digits) {
            self = .emergency(digits)
        } else if digits.hasPrefix("00"), digits.utf8.count > 6 {
            self = .international(try NumberingPlan.international(Array(dialled.symbols.dropFirst(2))))
        } else if Self.shortLengths.contains(digits.utf8.count) {
            self = .short(digits, isFree: false)
        } else {
            throw digits.utf8.count < 2 ? .tooShort : .needsCountry
        }
    }

    /// A number that means something to the provider alone: `100`, the extension of a colleague there.
    /// - Returns: nil unless the text is two to six digits.
    package init?(ofProvider text: String) {
        guard let dialled = try? DialText(text), !dialled.isInternational, !dialled.isEmergencyService,
            !dialled.isServiceCode
        else { return nil }
        let digits = dialled.keys(keepingZero: true)
        guard Self.shortLengths.contains(digits.utf8.count) else { return nil }
        self = .short(digits, isFree: false)
    }
}
