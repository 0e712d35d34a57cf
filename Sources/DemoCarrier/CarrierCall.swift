import SDP
import SIP
import Wire

/// One call, to or from the user.
struct CarrierCall: Sendable {
    enum Stage: Sendable {
        /// The user calls and was not answered yet.
        case ringing
        /// The user is called and has not answered yet.
        case calling
        case talking
    }

    /// Counts from 1; for the lines that the person reads.
    let number: Int
    let service: Service
    var stage: Stage
    /// When its service goes on by itself.
    var stepAt: MonotonicTime?
    /// Ours, sent or to be sent in a 200; empty while there is none.
    var body: [UInt8] = []
    /// Ours as an offer, while or after its answer is waited for.
    var offer: SessionDescription?
    /// What both sides agreed on.
    var audio: TrunkAudio?
}

extension LegEnd {
    /// For the person who reads along.
    var sentence: String {
        switch self {
        case .rejected(let status, let reason): "refused with \(status) \(reason)"
        case .noReply: "no reply"
        case .unreachable: "the other side cannot be reached"
        case .authenticationFailed: "the other side asked for a password"
        case .realmForeign: "the other side asked for a password in a realm of its own"
        case .remoteHangUp: "the other side hung up"
        case .cancelledByRemote: "the caller gave up"
        case .localHangUp: "hung up here"
        case .acknowledgementMissing: "the answer was never acknowledged"
        case .acknowledgementUnheard: "no acknowledgement arrived there"
        case .sessionExpired: "nobody refreshed the session"
        case .dialogLost: "the other side forgot the call"
        case .vanished: "the other side is not there any more"
        case .replaced: "another call took its place"
        case .protocolError: "the other side's messages made no sense"
        }
    }
}
