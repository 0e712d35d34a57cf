import Call
import Control
import Ledger
import Media
import SDP
import Wire

// What the ledger keeps of calls. A record is told at the dial, at the answer and at the end, each time all that is known, so that
// a call that a crash cuts short has one that says so. What the switchboard cannot know is left out.
//
//     call.created ──▶ dialled      call.answered ──▶ answered      call.ended ─▶ (figures of the sound, at most 1 s) ─▶ ended
//
// A call that is passed on has a second record, of what the box dialled and somebody pays for; each names the other.
extension Switchboard {
    /// How long the end of a call waits for the last figures of its sound; the media engine tells them within milliseconds.
    private static let soundFiguresTime: Duration = .seconds(1)

    /// The last records of a call.
    struct Ending {
        var call: CallRecord
        /// Of its second half, if it was passed on.
        var onward: CallRecord?
    }

    /// - Parameter user: who wanted a call that was not dialled.
    func keepRecord(of event: BoxEvent, user: CallOwner?) {
        switch event.kind {
        case .callCreated: tell(event, .dialled)
        case .callAnswered: tell(event, .answered)
        case .callEnded: end(event)
        case .callRefused: keepRefusal(event, user)
        default: break
        }
    }

    private func tell(_ event: BoxEvent, _ stage: CallRecord.Stage) {
        guard let identifier = event.call, let ongoing = calls[identifier] else { return }
        keep(Self.record(of: ongoing, stage))
        if stage == .answered { tellOnward(of: identifier, stage) }
    }

    /// What becomes of the second half of a call that is passed on.
    func tellOnward(of identifier: CallIdentifier, _ stage: CallRecord.Stage) {
        guard let ongoing = calls[identifier], let onward = ongoing.onward else { return }
        keep(Self.record(of: onward, in: ongoing, stage))
    }

    private static func record(of ongoing: OngoingCall, _ stage: CallRecord.Stage) -> CallRecord {
        let number = (ongoing.wanted ?? ongoing.from).map(OngoingCall.bounded)
        var record = CallRecord(
            identifier: ongoing.call.identifier, stage: stage, box: "", direction: ongoing.call.direction,
            far: FarParty(number: number.flatMap(isKnown), name: ongoing.name.map(OngoingCall.bounded)),
            dialled: ongoing.dialledTime, zone: "UTC")
        record.user = ongoing.user
        record.verification = ongoing.verification
        record.trunk = ongoing.trunk
        (record.ringing, record.answered) = (ongoing.ringingTime, ongoing.answeredTime)
        record.farCodec = ongoing.trunkAudio?.codec.rawValue
        record.transferredTo = ongoing.successor.map { FarParty(number: isKnown(OngoingCall.bounded($0))) }
        record.forwardedTo = ongoing.onward?.identifier
        return record
    }

    private static func record(
        of onward: Onward, in ongoing: OngoingCall, _ stage: CallRecord.Stage
    ) -> CallRecord {
        var record = CallRecord(
            identifier: onward.identifier, stage: stage, box: "", direction: .outbound,
            far: FarParty(number: isKnown(OngoingCall.bounded(onward.number))), dialled: onward.dialledTime,
            zone: "UTC")
        record.user = forwarding
        record.trunk = onward.way?.trunk
        (record.ringing, record.answered) = (onward.ringingTime, ongoing.answeredTime)
        record.farCodec = onward.side.audio?.codec.rawValue
        record.nearCodec = ongoing.trunkAudio?.codec.rawValue
        record.forwardedBy = ongoing.call.identifier
        return record
    }

    /// A caller who withheld the number has none (RFC 3323 §4.1.1.3).
    private static func isKnown(_ number: Redacted<String>) -> Redacted<String>? {
        ["anonymous", "unavailable", ""].contains(number.revealed.lowercased()) ? nil : number
    }

    private func end(_ event: BoxEvent) {
        guard let identifier = event.call, let ongoing = calls[identifier] else { return }
        var record = Self.record(of: ongoing, .ended)
        record.ended = event.time
        record.reason = event.code.flatMap { EndReason(rawValue: $0) }
        // The far side talks to somebody else from now on; of a call that ended otherwise nobody knows that.
        if record.reason == .transferred, let other = ongoing.referredTo {
            record.transferredTo = FarParty(number: Self.isKnown(OngoingCall.bounded(other)))
        }
        var onward = ongoing.onward.map { Self.record(of: $0, in: ongoing, .ended) }
        onward?.ended = event.time
        onward?.reason = ongoing.onward?.end ?? record.reason?.ofOtherSide
        endings[identifier] = Ending(call: record, onward: onward)
        guard !tellEndingIfQuiet(of: identifier) else { return }
        Task {
            try? await Task.sleep(for: Self.soundFiguresTime)
            tellEnding(of: identifier)
        }
    }

    /// - Returns: false while a side of the call has not told its figures.
    @discardableResult
    func tellEndingIfQuiet(of identifier: CallIdentifier) -> Bool {
        guard !closing.values.contains(where: { $0.call == identifier }) else { return false }
        tellEnding(of: identifier)
        return true
    }

    func tellEnding(of identifier: CallIdentifier) {
        guard let ending = endings.removeValue(forKey: identifier) else { return }
        keep(ending.call)
        if let onward = ending.onward { keep(onward) }
    }

    /// How one side of a call sounded, as the box heard it.
    func noteQuality(_ figures: MediaSnapshot.Leg, of side: ClosingLeg) {
        guard endings[side.call] != nil, figures.packetsIn > 0 else { return }
        let direction = CallQuality.Direction(figures)
        switch (side.side, figures.kind) {
        case (.far, _):
            endings[side.call]?.call.quality.fromFar = direction
            endings[side.call]?.onward?.quality.fromNear = direction
        case (.near, .browser):
            endings[side.call]?.call.quality.fromNear = direction
            endings[side.call]?.call.nearCodec = figures.codecIn
        // The number that a call was passed on to: no browser.
        case (.near, .trunk):
            endings[side.call]?.call.quality.fromNear = direction
            endings[side.call]?.onward?.quality.fromFar = direction
        }
    }

    /// A call that was turned away, or not dialled, has one record: it ended when it began.
    private func keepRefusal(_ event: BoxEvent, _ user: CallOwner?) {
        guard let direction = event.direction else { return }
        var record = CallRecord(
            identifier: CallIdentifier(using: &generator), stage: .ended, box: "", direction: direction,
            far: FarParty(number: event.far.flatMap(Self.isKnown)), dialled: event.time, zone: "UTC")
        (record.user, record.trunk) = (user, event.trunk)
        record.ended = event.time
        record.reason = direction == .outbound ? .refusedHere : EndReason(refusal: event.code)
        keep(record)
    }
}

extension EndReason {
    /// Why a call that came in was turned away before it became one.
    fileprivate init(refusal code: String?) {
        self = code.flatMap { EndReason(rawValue: $0) } ?? (code == Switchboard.pagesBusy.code ? .busy : .unavailable)
    }
}

extension EndReason {
    /// The same end, as it is told of the other half of a call that was passed on: who hung up there hung up here.
    var ofOtherSide: EndReason {
        switch self {
        case .hungUpThere, .cancelled: .hungUpHere
        default: self
        }
    }
}

extension CallQuality.Direction {
    /// Nothing is said that was not counted: without packets there is no loss, and without a report no round trip.
    fileprivate init(_ figures: MediaSnapshot.Leg) {
        let received = Double(figures.packetsIn)
        let lost = Double(max(0, figures.lost))
        func whole(_ value: Double) -> Int64? { Int64(exactly: min(max(0, value), 1e12).rounded()) }
        let roundTrip = figures.roundTripMilliseconds.flatMap { whole($0 * 1000) }
        let opinion = CallQuality.Direction.meanOpinion(
            loss: lost / (received + lost), jitter: .microseconds(whole(figures.jitterMilliseconds * 1000) ?? 0),
            roundTrip: roundTrip.map { .microseconds($0) })
        self.init(
            meanOpinion: opinion, lossPerMillion: whole(lost / (received + lost) * 1_000_000),
            jitterMicroseconds: whole(figures.jitterMilliseconds * 1000),
            roundTripMicroseconds: roundTrip)
    }
}
