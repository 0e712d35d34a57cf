import Call
import SIP
import SIPMessage
import SIPTransport
import Wire

extension EndReason {
    /// What the trunk's end of a call means to a person.
    /// - Parameters:
    ///   - cause: what the other side said of it (RFC 3326).
    ///   - transport: how SIP travelled.
    ///   - network: why the provider cannot be reached, if the network said more than that.
    init(
        _ end: LegEnd, cause: SIPReason? = nil, over transport: TransportProtocol = .udp, network: Problem? = nil
    ) {
        switch end {
        case .rejected(let status, _): self = cause.flatMap { Self(cause: $0, status: status) } ?? Self(status: status)
        case .noReply: self = .providerSilent
        case .unreachable: self = Self(network: network)
        case .authenticationFailed: self = .passwordWrong
        case .realmForeign: self = .realmForeign
        case .sessionExpired: self = .sessionExpired
        case .dialogLost: self = .dialogLost
        case .vanished: self = .providerGone
        case .replaced: self = .replaced
        case .remoteHangUp: self = .hungUpThere
        // RFC 3326 §3.1: another of the phones that the caller's proxy let ring.
        case .cancelledByRemote:
            self = cause?.protocolName.lowercased() == "sip" && cause?.cause == 200 ? .answeredElsewhere : .cancelled
        case .localHangUp: self = .hungUpHere
        case .acknowledgementMissing:
            self = transport == .udp ? .acknowledgementLost : .acknowledgementLostOnStream
        case .acknowledgementUnheard:
            self = transport == .udp ? .ownAcknowledgementLost : .ownAcknowledgementLostOnStream
        case .protocolError: self = .providerUnclear
        }
    }

    private init(network problem: Problem?) {
        switch problem?.code {
        case "trunk.no-route": self = .noNetwork
        case let code? where code.hasPrefix("trunk.certificate-"): self = .connectionUntrusted
        case "trunk.tls-failed", "trunk.authority-file": self = .connectionUntrusted
        default: self = Self(lookUp: problem) ?? .providerUnreachable
        }
    }

    /// Why the provider's name led nowhere.
    /// - Returns: nil for any other problem.
    init?(lookUp problem: Problem?) {
        switch problem?.code {
        case NameLookup.unknown.code: self = .providerNameUnknown
        case NameLookup.failed.code: self = .nameServersSilent
        default: return nil
        }
    }

    /// What each final status says in answer to an invitation: RFC 3261 §21 and the registry of later ones. Gateways
    /// choose them by what the telephone network said (RFC 3398 §7.2.4.1).
    ///
    /// - Parameter status: 300...699
    init(status: Int) {
        switch status {
        // Nobody but the owner's policy decides where a call goes (3xx).
        case 300...399: self = .redirected
        case 401, 407: self = .passwordWrong
        case 402: self = .creditExhausted
        // 470: consent needed (RFC 5360).
        case 403, 470: self = .notPermitted
        case 404, 414, 416, 604: self = .wrongNumber
        case 406, 415, 488, 606: self = .noCommonCodec
        // 487 without our CANCEL: whoever rang gave up.
        case 408, 487: self = .notAnswered
        case 410: self = .numberGone
        case 413, 513: self = .requestTooLarge
        // 430: flow failed (RFC 5626).
        case 430, 480: self = .unavailable
        // 440: max-breadth exceeded (RFC 5393).
        case 440, 482, 483: self = .loop
        case 433: self = .anonymousRefused
        // RFC 8224: identity header missing, unreadable, of an unknown authority, wrong; 425: RFC 8946.
        case 425, 428, 436, 437, 438: self = .callerIDRefused
        case 484, 485: self = .numberIncomplete
        case 486, 600: self = .busy
        case 400, 405, 411, 412, 417, 420...424, 439, 469, 489, 493, 494, 501, 505: self = .notUnderstood
        // 429 is about a transfer (RFC 3892), which this is not: some providers mean "too many requests", as in HTTP.
        case 429, 503: self = .providerOverloaded
        case 481, 491: self = .providerFault
        case 500...599: self = .providerFault
        // RFC 8197, RFC 8688.
        case 607: self = .unwanted
        case 608: self = .blocked
        case 601...699: self = .declined
        default: self = .providerRefused
        }
    }

    /// The cause of the telephone network (ITU-T Q.850), which says more than a status that stands for many.
    private init?(cause: SIPReason, status: Int) {
        guard cause.protocolName.lowercased() == "q.850", status == 480 || (500...599).contains(status) else {
            return nil
        }
        switch cause.cause {
        case 1, 22, 28: self = .wrongNumber
        case 17: self = .busy
        case 18, 19: self = .noAnswer
        case 20, 27, 31, 41: self = .unavailable
        case 21: self = .declined
        case 34, 38, 42, 44, 47: self = .providerOverloaded
        default: return nil
        }
    }

    /// The final status for an inbound invitation that ends unanswered for this reason.
    var rejection: Int {
        switch self {
        case .declined: 603
        case .busy: 486
        case .noCommonCodec: 488
        case .internalError: 500
        case .boxStopping: 503
        default: 480
        }
    }
}

extension RegistrationFailure {
    var problem: Problem {
        switch self {
        case .wrongPassword:
            Problem(
                code: "trunk.password-wrong", sentence: "The provider did not accept the user name or password.",
                remedy: "Enter the SIP password from the provider's portal again (trunk.user, trunk.password).")
        case .realmForeign(let realm):
            Problem(
                code: "trunk.realm-foreign",
                sentence: "The provider asks for the password in the realm \"\(realm)\", which is not this account's.",
                remedy: "If the provider's documents name that realm, add it to trunk.realm.")
        case .noReply:
            Problem(
                code: "trunk.no-reply", sentence: "The provider does not reply.",
                remedy:
                    "Check trunk.server, and that the firewall lets UDP out and its answers in. The box keeps trying.")
        case .unreachable:
            Problem(
                code: "trunk.unreachable", sentence: "Nobody listens at the provider's address.",
                remedy: "Check trunk.server and its port. The box keeps trying.")
        case .rejected(let status, _):
            Problem(
                code: "trunk.rejected", sentence: "The provider refused the registration with status \(status).",
                remedy: "Ask the provider what is wrong with the account. The box keeps trying.")
        }
    }
}
