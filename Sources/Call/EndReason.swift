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
    case forwarded = "call.forwarded"
    case providerSilent = "call.provider-silent"
    case providerUnreachable = "call.provider-unreachable"
    case providerNameUnknown = "call.provider-name-unknown"
    case nameServersSilent = "call.name-servers-silent"
    /// In the middle of the call.
    case providerGone = "call.provider-gone"
    case providerRefused = "call.provider-refused"
    case providerOverloaded = "call.provider-overloaded"
    case callsTooFrequent = "call.too-frequent"
    case passwordWrong = "call.password-wrong"
    case realmForeign = "call.realm-foreign"
    case noTrunk = "call.no-trunk"
    case noCommonCodec = "call.no-common-codec"
    /// Ours was the answer, over UDP; over TCP or TLS; theirs was it, over UDP; over TCP or TLS.
    case acknowledgementLost = "call.acknowledgement-lost"
    case acknowledgementLostOnStream = "call.acknowledgement-lost-tcp"
    case ownAcknowledgementLost = "call.own-acknowledgement-lost"
    case ownAcknowledgementLostOnStream = "call.own-acknowledgement-lost-tcp"
    case mediaFailed = "call.media-failed"
    case browserGone = "call.browser-gone"
    /// The other side talks to somebody else now, as was asked for.
    case transferred = "call.transferred"
    /// Another call took this one's place.
    case replaced = "call.replaced"
    /// An emergency call needed its place.
    case madeWay = "call.made-way"
    case sessionExpired = "call.session-expired"
    case dialogLost = "call.dialog-lost"
    case boxStopping = "call.box-stopping"
    case internalError = "call.internal-error"
    case redirected = "call.redirected"
    case creditExhausted = "call.credit-exhausted"
    case notPermitted = "call.not-permitted"
    case numberGone = "call.number-gone"
    case numberIncomplete = "call.number-incomplete"
    case notAnswered = "call.not-answered"
    case loop = "call.loop"
    case notUnderstood = "call.not-understood"
    case requestTooLarge = "call.request-too-large"
    case anonymousRefused = "call.anonymous-refused"
    case callerIDRefused = "call.caller-id-refused"
    case unwanted = "call.unwanted"
    case blocked = "call.blocked"
    case providerFault = "call.provider-fault"
    case providerUnclear = "call.provider-unclear"
    case connectionUntrusted = "call.connection-untrusted"
    case noNetwork = "call.no-network"
    /// The box did not dial it: its own rules forbid it.
    case refusedHere = "call.refused-here"
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
        case .forwarded: "The call was passed on to the number that is set for it."
        case .providerSilent: "The provider did not reply for 32 seconds."
        case .providerUnreachable: "The provider cannot be reached over the network."
        case .providerNameUnknown: "The provider's name does not exist in the DNS."
        case .nameServersSilent: "No name server answered when the provider's name was looked up."
        case .providerGone: "The provider fell silent in the middle of the call."
        case .providerRefused: "The provider refused the call."
        case .providerOverloaded: "The provider has no free line for this call."
        case .callsTooFrequent: "The provider takes no more new calls at this moment."
        case .passwordWrong: "The provider did not accept the user name or password."
        case .realmForeign: "The provider asked for the password in a realm that is not this account's."
        case .noTrunk: "No provider is set up on this box."
        case .noCommonCodec: "Both sides share no audio format."
        case .acknowledgementLost: "The provider never confirmed over UDP that the call was answered."
        case .acknowledgementLostOnStream: "The provider never confirmed over TCP that the call was answered."
        case .ownAcknowledgementLost:
            "The provider accepted the call, but our acknowledgement did not arrive over UDP: it hung up after 32 s."
        case .ownAcknowledgementLostOnStream:
            "The provider accepted the call, but took no notice of our acknowledgement over TCP: it hung up after 32 s."
        case .mediaFailed: "No sound connection between your browser and the box came about."
        case .browserGone: "The browser that held the call has gone."
        case .transferred: "The call was transferred."
        case .replaced: "Another call took this one's place."
        case .madeWay: "The call was ended to make way for an emergency call."
        case .sessionExpired: "Nobody confirmed in time that the call still goes on."
        case .dialogLost: "The provider does not know the call any more."
        case .boxStopping: "The box is shutting down."
        case .internalError: "The box could not carry the call because of a fault of its own."
        case .redirected: "The provider wanted to send the call to another number, and the box does not follow."
        case .creditExhausted: "The provider wants payment first: the account's credit is used up."
        case .notPermitted: "The provider does not permit this call."
        case .numberGone: "This number is no longer in use."
        case .numberIncomplete: "The number is incomplete, or could mean several lines."
        case .notAnswered: "The other side did not answer in time."
        case .loop: "The call went round in circles between telephone servers."
        case .notUnderstood: "The provider does not understand how the box asks for a call."
        case .requestTooLarge: "The box's request was too large for the provider."
        case .anonymousRefused: "The other side takes no calls with a hidden number."
        case .callerIDRefused: "Your caller ID is not trusted on the way to the other side."
        case .unwanted: "The other side does not want calls from this number."
        case .blocked: "A service on the way blocked the call as unwanted."
        case .providerFault: "The provider could not connect the call because of a fault of its own."
        case .providerUnclear: "The provider's messages about this call make no sense."
        case .connectionUntrusted: "No trusted TLS connection to the provider came about."
        case .noNetwork: "The box has no network connection to the provider."
        case .refusedHere: "The box did not dial: its own rules do not allow this call."
        }
    }

    package var remedy: String {
        switch self {
        case .hungUpHere, .hungUpThere, .declined, .cancelled, .answeredElsewhere, .forwarded, .transferred, .replaced:
            ""
        case .madeWay: "Call again when the emergency call is over."
        case .busy, .noAnswer, .unavailable: "Try again later."
        case .wrongNumber: "Check the number and dial it with its area or country code."
        case .providerSilent: "Check the provider's address in the settings and that the firewall lets UDP 5060 out."
        case .providerUnreachable: "Check the box's Internet connection and the provider's address in the settings."
        case .providerNameUnknown: "Check trunk.server for a typing mistake."
        case .nameServersSilent: "Check the box's Internet connection and its name servers in /etc/resolv.conf."
        case .providerGone:
            "Dial again; if it happens often, a router or the Internet connection fails meanwhile, or the provider restarts."
        case .providerRefused: "Ask the provider whether this number and your caller ID are allowed for the account."
        case .providerOverloaded: "Wait a minute and dial again; if it goes on, ask the provider."
        case .callsTooFrequent:
            "Dial again in a few seconds; trunk.calls_per_second says how many the provider takes."
        case .passwordWrong: "Enter the SIP password from the provider's portal again."
        case .realmForeign:
            "Set trunk.realm to the realm that the provider's documents name; the journal has the one it asked in."
        case .noTrunk: "Add the provider's account; until then *43, *44 and *45 work."
        case .noCommonCodec: "Allow PCMU and PCMA for this provider."
        case .acknowledgementLost:
            "UDP through your router loses packets; switch this trunk to TCP, or set media.advertise behind a router."
        case .ownAcknowledgementLost: "UDP through your router loses large packets; switch this trunk to TCP."
        case .acknowledgementLostOnStream, .ownAcknowledgementLostOnStream:
            "Set media.advertise to the box's public address if it is behind a router, or try TLS for this trunk."
        case .mediaFailed: "Open the box's UDP media port (3478) in every firewall between browser and box."
        case .browserGone: ""
        case .sessionExpired: "Dial again; if it happens often, a router on the way loses the provider's messages."
        case .dialogLost: "Dial again; if it happens often, ask the provider whether it ended the call or restarted."
        case .boxStopping: "Dial again in a minute."
        case .internalError: "Read the journal of sipcall-core and report what it says."
        case .redirected: "Dial the other number yourself; diversions of your own end in the provider's portal."
        case .creditExhausted: "Top the account up in the provider's portal."
        case .notPermitted:
            "Check in its portal that this destination and your caller ID (trunk.number) are allowed, and the credit."
        case .numberGone: "Ask for the new number."
        case .numberIncomplete: "Dial all of it, with its area or country code."
        case .notAnswered: "Try again later."
        case .loop: "Look for a diversion that leads back to itself, in the provider's portal or at the other side."
        case .notUnderstood: "Ask the provider which transport and which form of numbers this account needs."
        case .requestTooLarge: "Switch this trunk to TCP, or offer fewer audio formats (trunk.codecs)."
        case .anonymousRefused: "Call again with your number shown."
        case .callerIDRefused: "Show a number that the provider gave to this account (trunk.number)."
        case .unwanted: "Do not call again; if that is a mistake, only the other side can unblock your number."
        case .blocked: "Ask the provider how your number got this reputation and how to correct it."
        case .providerFault: "Try again in a minute; if it goes on, tell the provider the time of this call."
        case .providerUnclear: "Tell the provider the time of this call, and try another transport."
        case .connectionUntrusted: "The provider's state, on the page and in sipcall status, names the cause."
        case .noNetwork: "Check the box's cable, router and Internet connection."
        case .refusedHere: "Change the rules for dialling in the settings ([dialling]) if it should be allowed."
        }
    }
}
