package import Wire

/// Why a call ended: a closed list, the same on the page, in the journal and in the API.
package enum EndReason: String, Sendable, Codable, CaseIterable {
    case hungUpHere = "call.hung-up-here"
    case hungUpThere = "call.hung-up-there"
    case busy = "call.busy"
    case declined = "call.declined"
    case noAnswer = "call.no-answer"
    case wrongNumber = "call.wrong-number"
    case unavailable = "call.unavailable"
    case cancelled = "call.cancelled"
    case answeredElsewhere = "call.answered-elsewhere"
    case providerSilent = "call.provider-silent"
    case providerUnreachable = "call.provider-unreachable"
    case providerRefused = "call.provider-refused"
    case providerOverloaded = "call.provider-overloaded"
    case passwordWrong = "call.password-wrong"
    case noTrunk = "call.no-trunk"
    case noCommonCodec = "call.no-common-codec"
    case acknowledgementLost = "call.acknowledgement-lost"
    case mediaFailed = "call.media-failed"
    case browserGone = "call.browser-gone"
    /// The other side talks to somebody else now, as was asked for.
    case transferred = "call.transferred"
    /// Another call took this one's place.
    case replaced = "call.replaced"
    case sessionExpired = "call.session-expired"
    case dialogLost = "call.dialog-lost"
    case redirectRefused = "call.redirect-refused"
    case boxStopping = "call.box-stopping"
    case internalError = "call.internal-error"
}

extension EndReason {
    /// The reason with its sentence and remedy in English; the page translates by the code.
    package var problem: Problem {
        Problem(code: rawValue, sentence: sentence, remedy: remedy)
    }

    package var sentence: String {
        switch self {
        case .hungUpHere: "You hung up."
        case .hungUpThere: "The other side hung up."
        case .busy: "The number is busy."
        case .declined: "The call was declined."
        case .noAnswer: "Nobody answered within 60 seconds."
        case .wrongNumber: "This number does not exist."
        case .unavailable: "The number cannot be reached at the moment."
        case .cancelled: "The caller gave up before you answered."
        case .answeredElsewhere: "The call was answered on another device."
        case .providerSilent: "The provider did not reply for 32 seconds."
        case .providerUnreachable: "The provider cannot be reached over the network."
        case .providerRefused: "The provider refused the call."
        case .providerOverloaded: "The provider has no free line for this call."
        case .passwordWrong: "The provider did not accept the user name or password."
        case .noTrunk: "No provider is set up on this box."
        case .noCommonCodec: "Both sides share no audio format."
        case .acknowledgementLost: "The provider never confirmed that the call was answered."
        case .mediaFailed: "No sound connection between your browser and the box came about."
        case .browserGone: "The browser that held the call has gone."
        case .transferred: "The call was transferred."
        case .replaced: "Another call took this one's place."
        case .sessionExpired: "Nobody confirmed in time that the call still goes on."
        case .dialogLost: "The provider does not know the call any more."
        case .redirectRefused: "The number is diverted, and the box does not follow diversions of the other side."
        case .boxStopping: "The box is shutting down."
        case .internalError: "The box could not carry the call because of a fault of its own."
        }
    }

    package var remedy: String {
        switch self {
        case .hungUpHere, .hungUpThere, .declined, .cancelled, .answeredElsewhere, .transferred, .replaced: ""
        case .busy, .noAnswer, .unavailable: "Try again later."
        case .wrongNumber: "Check the number and dial it with its area or country code."
        case .providerSilent: "Check the provider's address in the settings and that the firewall lets UDP 5060 out."
        case .providerUnreachable: "Check the box's Internet connection and the provider's address in the settings."
        case .providerRefused: "Ask the provider whether this number and your caller ID are allowed for the account."
        case .providerOverloaded: "Wait a minute and dial again; if it goes on, ask the provider."
        case .passwordWrong: "Enter the SIP password from the provider's portal again."
        case .noTrunk: "Add the provider's account; until then *43, *44 and *45 work."
        case .noCommonCodec: "Allow PCMU and PCMA for this provider."
        case .acknowledgementLost:
            "UDP through your router may lose large packets; try again, or ask the provider for TCP."
        case .mediaFailed: "Open the box's UDP media port (3478) in every firewall between browser and box."
        case .browserGone: ""
        case .sessionExpired: "Dial again; if it happens often, a router on the way loses the provider's messages."
        case .dialogLost: "Dial again; if it happens often, ask the provider whether it ended the call or restarted."
        case .redirectRefused: "Dial the number that it is diverted to."
        case .boxStopping: "Dial again in a minute."
        case .internalError: "Read the journal of sipcall-core and report what it says."
        }
    }
}
