import Call
import Control
import Media
import SDP
import SIPMessage
import Wire

/// A call with what the switchboard needs to carry out its effects.
struct OngoingCall {
    var call: Call
    /// Browser legs, each with the phone socket that it belongs to.
    var browserLegs: [LegIdentifier: ConnectionIdentifier] = [:]
    /// Pages that ring, while nobody has picked up.
    var ringing: Set<ConnectionIdentifier> = []
    /// What the provider found out about the caller's number.
    var verification: CallerVerification?
    /// Whether whoever is called is not told who calls; nil for as the account is set.
    var hidesNumber: Bool?
    var isEmergency = false
    /// What is to be dialled, on an outbound call to a number.
    var dialled: Redacted<String>?
    /// The caller, on an inbound call.
    var from: Redacted<String>?
    var name: Redacted<String>?
    /// Our SDP for the trunk: the offer of an outbound call, the answer to an inbound one.
    var trunkDescription: SessionDescription?
    /// What both sides agreed on; known from the first SDP of the far side on.
    var trunkAudio: TrunkAudio?
    /// The second trunk leg, of a call that was passed on.
    var onward: Onward?
    /// When an inbound call that nobody picked up is passed on.
    var forwardAt: MonotonicTime?
    /// What we offered in the call and what was not answered yet.
    var trunkOffer: SessionDescription?
    /// Who is about to take the far side's place.
    var next: NextFarSide?
    /// The call whose far side was asked to be brought together with this one's.
    var partner: CallIdentifier?
    /// The other call's far side was to take this one's over, and left: until when it may do so.
    var joinedUntil: MonotonicTime?
    /// The transfer that the far side was asked for.
    var referral: TransferPermit?
    /// Who took the place of the party that the call began with.
    var successor: Redacted<String>?
    /// Whom the far side talks to instead of this side, when that is why the call ends.
    var referredTo: Redacted<String>?
    /// What the far side said of why it ends the call (RFC 3326).
    var cause: SIPReason?
    /// Legs whose other end takes no digits by INFO.
    var withoutDigitMessages: Set<LegIdentifier> = []
    /// The codecs that the page's offer allowed, to tell whether it can switch to the trunk's.
    var pageCodecs: Set<AudioCodec> = []
    /// Browser legs whose sound connection is up; pages make it while they ring.
    var connectedLegs: Set<LegIdentifier> = []
    /// Until when the sound connection of the page that has the call must be up.
    var soundDeadline: MonotonicTime?
    /// When the sound of the page that has the call ended, though nobody hung up; until it is back.
    var soundLostAt: MonotonicTime?

    /// Transfers that the dialling policy counts as calls of their own, until this one ends.
    var transfers: Set<CallIdentifier> = []
    /// The account that the call goes by; nil for a service, and before it is dialled.
    var trunk: String?
    /// How an outbound call goes there.
    var way: CallWay?

    /// Who called or picked up here.
    var user: CallOwner?

    let begunAt = MonotonicTime.now()
    var answeredAt: MonotonicTime?
    /// The same moments on the wall clock, for the call's record; told once each.
    let dialledTime = WallTime.now()
    var ringingTime: WallTime?
    var answeredTime: WallTime?
    /// Who holds the call, as it was told.
    var reportedHold = (here: false, there: false)
    /// To know a key again that comes twice.
    var heard: [LegIdentifier: HeardKeys] = [:]
    /// Keys that were pressed on either side.
    var digits = 0

    /// How long ICE and DTLS may take.
    static let soundTime: Duration = .seconds(15)
    /// How long a far side that was asked to take another's place may take, after it said that it does: as a request may.
    static let joiningTime: Duration = .seconds(32)

    var deadline: MonotonicTime? {
        [call.deadline, soundDeadline, forwardAt, joinedUntil].compactMap(\.self).min()
    }

    var trunkLeg: LegIdentifier? {
        if case .trunk(let leg) = call.far { leg } else { nil }
    }

    /// The other of two trunk legs, on a call that was passed on.
    func opposite(_ leg: LegIdentifier) -> LegIdentifier? {
        guard let onward else { return nil }
        return leg == onward.leg ? trunkLeg : leg == trunkLeg ? onward.leg : nil
    }

    /// Whether a leg is on this side of the call: a page's, or of the number that it was passed on to.
    func isNear(_ leg: LegIdentifier) -> Bool { browserLegs[leg] != nil || onward?.leg == leg }

    var service: BoxService? {
        if case .service(let service) = call.far { service } else { nil }
    }

    /// The number called or calling: of whoever is there now.
    var farNumber: Redacted<String>? { (successor ?? firstParty).map(Self.bounded) }

    /// The number that the call began with, whatever became of it: that is the one that was called, and paid for.
    var firstParty: Redacted<String>? { dialled ?? from }

    /// The caller, as a page is shown; whoever took that place has no name here, and nobody verified the number.
    var caller: (number: Redacted<String>?, name: Redacted<String>?, verification: CallerVerification?) {
        guard call.direction == .inbound, let successor else { return (from, name, verification) }
        return (successor, nil, nil)
    }

    /// What is called, as it is dialled.
    var wanted: Redacted<String>? { dialled ?? service.map { Redacted($0.code) } }

    /// Callers may name themselves at any length; the history of events must not grow by it.
    static func bounded(_ number: Redacted<String>) -> Redacted<String> {
        Redacted(String(number.revealed.unicodeScalars.prefix(64).map(Character.init)))
    }

    func browserLeg(of connection: ConnectionIdentifier) -> LegIdentifier? {
        browserLegs.first { $0.value == connection }?.key
    }

    /// The phone sockets that are told about this call.
    func audience(_ phones: [ConnectionIdentifier: Switchboard.Phone]) -> [ConnectionIdentifier] {
        Set(browserLegs.values).union(ringing).filter { phones[$0] != nil }.sorted { $0.description < $1.description }
    }
}
