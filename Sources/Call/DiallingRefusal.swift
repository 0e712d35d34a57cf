package import Numbering
package import Wire

/// Why the box does not dial: a closed list, each case one rule of the owner's or one way not to write a number.
package enum DiallingRefusal: String, Error, Sendable, Codable, CaseIterable {
    case notANumber
    case wrongLength
    case hasExtension
    case needsAreaCode
    case unknownCountryCode
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
                remedy: "Dial the number with its area code, or enter the box's own area code in the settings.")
        case .unknownCountryCode:
            Problem(
                code: "dial.unknown-country-code", sentence: "No country has this country code.",
                remedy: "Check the digits after the +.")
        case .country:
            Problem(
                code: "dial.country-not-allowed", sentence: "Calls to this country are not allowed on this box.",
                remedy: "The owner of the box can allow the country in the settings.")
        case .premium:
            Problem(
                code: "dial.premium-not-allowed", sentence: "Premium-rate numbers are not allowed on this box.",
                remedy: "The owner of the box can allow them in the settings.")
        case .satellite:
            Problem(
                code: "dial.satellite-not-allowed",
                sentence: "Satellite and international network numbers are not allowed on this box.",
                remedy: "The owner of the box can allow them in the settings.")
        case .shortNumber:
            Problem(
                code: "dial.short-not-allowed",
                sentence: "Short numbers that may cost extra are not allowed on this box.",
                remedy: "The owner of the box can allow them in the settings.")
        case .providerCode:
            Problem(
                code: "dial.provider-code-not-allowed", sentence: "The box does not pass this code on to the provider.",
                remedy: "Change diversions in the provider's portal, or let the owner allow such codes in the settings."
            )
        case .blockedPrefix:
            Problem(
                code: "dial.prefix-blocked", sentence: "Numbers that begin like this are blocked on this box.",
                remedy: "The owner of the box can unblock the prefix in the settings.")
        case .userBusy:
            Problem(
                code: "dial.user-limit", sentence: "You have as many calls at once as are allowed.",
                remedy: "End one of them, or let the owner of the box raise the limit.")
        case .boxBusy:
            Problem(
                code: "dial.box-limit", sentence: "The box carries as many calls at once as are allowed.",
                remedy: "Wait until one ends, or let the owner of the box raise the limit.")
        case .userTooFast:
            Problem(
                code: "dial.user-rate", sentence: "You have started too many calls within a minute.",
                remedy: "Wait a minute and dial again.")
        case .boxTooFast:
            Problem(
                code: "dial.box-rate", sentence: "The box has started too many calls within a minute.",
                remedy: "Wait a minute and dial again; if nobody here dialled, change the passwords.")
        case .nobodysCall:
            Problem(
                code: "dial.transfer-without-owner",
                sentence: "The call to be transferred belongs to nobody on this box.",
                remedy: "Answer the call first, then transfer it.")
        }
    }
}
