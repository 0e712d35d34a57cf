import Call
import SIP
import SIPMessage
import Wire

extension EndReason {
    /// What the trunk's end of a call means to a person.
    /// - Parameter cause: what the other side said of it (RFC 3326).
    init(_ end: LegEnd, cause: SIPReason? = nil) {
        switch end {
        case .rejected(let status, _): self = cause.flatMap { Self(cause: $0, status: status) } ?? Self(status: status)
        case .noReply: self = .providerSilent
        case .unreachable: self = .providerUnreachable
        case .authenticationFailed: self = .passwordWrong
        case .sessionExpired: self = .sessionExpired
        case .dialogLost: self = .dialogLost
        case .replaced: self = .replaced
        case .remoteHangUp: self = .hungUpThere
        // RFC 3326 §3.1: another of the phones that the caller's proxy let ring.
        case .cancelledByRemote:
            self = cause?.protocolName.lowercased() == "sip" && cause?.cause == 200 ? .answeredElsewhere : .cancelled
        case .localHangUp: self = .hungUpHere
        case .acknowledgementMissing: self = .acknowledgementLost
        case .protocolError: self = .internalError
        }
    }

    /// RFC 3261 §21, RFC 8197 (607), RFC 8688 (608).
    private init(status: Int) {
        switch status {
        case 300...399: self = .redirectRefused
        case 486, 600: self = .busy
        case 603, 607, 608: self = .declined
        case 404, 410, 414, 416, 484, 485, 604: self = .wrongNumber
        case 408: self = .noAnswer
        case 480: self = .unavailable
        case 487: self = .cancelled
        case 415, 488, 606: self = .noCommonCodec
        case 500...599: self = .providerOverloaded
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
