/// What a dialled text means in one country.
package enum DialledNumber: Hashable, Sendable {
    case international(TelephoneNumber)
    /// `112`, `911`: as dialled, never changed, never refused.
    case emergency(String)
    /// A number of the country's own without an area, `116117`; `isFree` where the plan says so.
    case short(String, isFree: Bool)
    /// Begins with `*` or `#`: of the box, or of a provider.
    case service(String)
}

extension DialledNumber {
    /// What is dialled for it: `+4930123456`, `112`, `116117`, `*21#`.
    package var text: String {
        switch self {
        case .international(let number): number.e164
        case .emergency(let digits), .short(let digits, _), .service(let digits): digits
        }
    }

    package var isEmergency: Bool { if case .emergency = self { true } else { false } }
}

extension DialledNumber: CustomStringConvertible, CustomReflectable {
    package var description: String {
        switch self {
        case .international: "‹redacted›"
        case .emergency(let number): "emergency \(number)"
        case .short: "short number"
        case .service: "service code"
        }
    }

    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Why a dialled text names no number.
package enum NumberRefusal: String, Error, Sendable, CaseIterable {
    case empty
    /// More than a number can have, or more text than anybody dials.
    case tooLong
    case tooShort
    /// Other characters than a number is written with.
    case notANumber
    /// An extension or a pause: digits that are sent after the answer are no part of the number.
    case hasExtension
    /// A local number, and the box was not told its area code.
    case needsAreaCode
    case unknownCountryCode
    /// A national number, and nobody knows of which country.
    case needsCountry
}
