package import Numbering
package import Wire

/// Why the box does not dial: a closed list, each case one rule of the owner's or one way not to write a number.
package enum DiallingRefusal: String, Error, Sendable, Codable, CaseIterable {
    case notANumber
    case wrongLength
    case hasExtension
    case needsAreaCode
    case unknownCountryCode
    /// A national number on a box that was not told its country.
    case countryUnset
    case country
    case premium
    case satellite
    case shortNumber
    case providerCode
    case blockedPrefix
    case userBusy
    case boxBusy
    case userTooFast
    case boxTooFast
    /// A transfer of a call that nobody here owns.
    case nobodysCall

    package init(_ refusal: NumberRefusal) {
        switch refusal {
        case .empty, .notANumber: self = .notANumber
        case .tooLong, .tooShort: self = .wrongLength
        case .hasExtension: self = .hasExtension
        case .needsAreaCode: self = .needsAreaCode
        case .unknownCountryCode: self = .unknownCountryCode
        case .needsCountry: self = .countryUnset
        }
    }

    /// For page, journal and API.
    package var problem: Problem {
        switch self {
        case .notANumber:
            Problem(
                code: "dial.not-a-number", sentence: "This is not a telephone number.",
                remedy: "Dial digits, with a + before the country code.")
        case .wrongLength:
            Problem(
                code: "dial.wrong-length", sentence: "A number of this length does not exist in that country.",
                remedy: "Check whether digits are missing or doubled.")
        case .hasExtension:
            Problem(
                code: "dial.extension", sentence: "An extension cannot be dialled together with the number.",
                remedy: "Dial the number first and the extension on the keypad once somebody answers.")
        case .needsAreaCode:
            Problem(
                code: "dial.needs-area-code", sentence: "The area code is missing.",
                remedy: "Dial the number with its area code, or set area_code under [dialling] in sipcall.toml.")
        case .unknownCountryCode:
            Problem(
                code: "dial.unknown-country-code", sentence: "No country has this country code.",
                remedy: "Check the digits after the +.")
        case .countryUnset:
            Problem(
                code: "dial.country-not-set",
                sentence: "The box does not know its country, so it cannot tell whose number this is.",
                remedy: "Dial it with + and the country code, or set country under [dialling] in sipcall.toml.")
        case .country:
            Problem(
                code: "dial.country-not-allowed", sentence: "Calls to this country are not allowed on this box.",
                remedy: "To allow them, set country or countries under [dialling] in sipcall.toml.")
        case .premium:
            Problem(
                code: "dial.premium-not-allowed", sentence: "Premium-rate numbers are not allowed on this box.",
                remedy: "To allow them, set allow_premium under [dialling] in sipcall.toml.")
        case .satellite:
            Problem(
                code: "dial.satellite-not-allowed",
                sentence: "Satellite and international network numbers are not allowed on this box.",
                remedy: "To allow them, set allow_satellite under [dialling] in sipcall.toml.")
        case .shortNumber:
            Problem(
                code: "dial.short-not-allowed",
                sentence: "Short numbers, which may cost extra, are not allowed on this box.",
                remedy: "To allow them, set allow_short_numbers under [dialling] in sipcall.toml.")
        case .providerCode:
            Problem(
                code: "dial.provider-code-not-allowed", sentence: "The box does not pass this code on to the provider.",
                remedy: "Change diversions in the provider's portal, or set allow_provider_codes under [dialling].")
        case .blockedPrefix:
            Problem(
                code: "dial.prefix-blocked", sentence: "Numbers that begin like this are blocked on this box.",
                remedy: "To dial them, change blocked_prefixes under [dialling] in sipcall.toml.")
        case .userBusy, .boxBusy, .userTooFast, .boxTooFast: capProblem
        case .nobodysCall:
            Problem(
                code: "dial.transfer-without-owner",
                sentence: "The call to be transferred belongs to nobody on this box.",
                remedy: "Answer the call first, then transfer it.")
        }
    }

    private var capProblem: Problem {
        switch self {
        case .userBusy:
            Problem(
                code: "dial.user-limit", sentence: "You have as many calls at once as are allowed.",
                remedy: "End one of them, or raise calls_at_once_per_user under [dialling] in sipcall.toml.")
        case .userTooFast:
            Problem(
                code: "dial.user-rate", sentence: "You have started too many calls within a minute.",
                remedy: "Wait a minute and dial again.")
        case .boxTooFast:
            Problem(
                code: "dial.box-rate", sentence: "The box has started too many calls within a minute.",
                remedy: "Wait a minute and dial again; if nobody here dialled, change the passwords.")
        default:
            Problem(
                code: "dial.box-limit", sentence: "The box carries as many calls at once as are allowed.",
                remedy: "Wait until one ends, or raise calls_at_once under [dialling] in sipcall.toml.")
        }
    }
}
