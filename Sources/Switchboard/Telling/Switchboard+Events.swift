import Call
import Control
import Logging
import Media
import SDP
import SIP
import Wire

// What happened, told once: every event of the box leaves here, for watchers, for the history and for the journal.
extension Switchboard {
    /// Nothing wakes an idle box more often than this.
    static let heartbeatInterval: Duration = .seconds(20)

    /// Numbers an event and gives it to everybody who watches.
    /// - Parameters:
    ///   - identifier: of a call that goes on; its direction and far number are filled in.
    ///   - user: who wanted a call that was not dialled; for the ledger alone.
    func record(
        _ kind: BoxEvent.Kind, _ identifier: CallIdentifier? = nil, user: CallOwner? = nil,
        _ fill: (inout BoxEvent) -> Void = { _ in }
    ) {
        lastEvent &+= 1
        var event = BoxEvent(number: lastEvent, time: .now(), kind: kind)
        event.call = identifier
        if let ongoing = identifier.flatMap({ calls[$0] }) {
            event.direction = ongoing.call.direction
            event.far = ongoing.farNumber
            event.service = ongoing.service?.code
            event.trunk = ongoing.trunk ?? (ongoing.dialled == nil ? nil : try? firstLine().line.name)
        }
        fill(&event)
        history.keep(event)
        if let line = event.journalLine {
            log.log(level: line.level, "\(line.sentence)", metadata: line.fields)
        }
        publish(.box(event))
        keepRecord(of: event, user: user)
    }

    func record(
        _ kind: BoxEvent.Kind, _ identifier: CallIdentifier? = nil, _ problem: Problem, user: CallOwner? = nil,
        _ fill: (inout BoxEvent) -> Void = { _ in }
    ) {
        record(kind, identifier, user: user) { event in
            event.code = problem.code
            event.sentence = problem.remedy.isEmpty ? problem.sentence : "\(problem.sentence) \(problem.remedy)"
            fill(&event)
        }
    }

    /// A call's state changed.
    func record(_ state: CallState, of identifier: CallIdentifier) {
        if state == .active {
            calls[identifier]?.answeredAt = .now()
            calls[identifier]?.answeredTime = .now()
        }
        if state == .ringing, calls[identifier]?.ringingTime == nil { calls[identifier]?.ringingTime = .now() }
        guard let kind = BoxEvent.Kind(state), let ongoing = calls[identifier] else { return }
        record(kind, identifier) { event in
            if state == .active { event.codec = ongoing.trunkAudio?.codec.rawValue }
        }
    }

    /// Who holds a call changed.
    func reportHold(of identifier: CallIdentifier, here: Bool, there: Bool) {
        guard let ongoing = calls[identifier] else { return }
        for (side, isHeld, wasHeld) in [
            (BoxEvent.Side.near, here, ongoing.reportedHold.here), (.far, there, ongoing.reportedHold.there),
        ] where isHeld != wasHeld {
            record(isHeld ? .callHeld : .callResumed, identifier) { $0.side = side }
        }
        calls[identifier]?.reportedHold = (here, there)
        for connection in ongoing.audience(phones) {
            publish(.held(connection: connection, call: identifier, here: here, there: there))
        }
    }

    func recordEnd(of identifier: CallIdentifier, _ ongoing: OngoingCall, _ reason: EndReason) {
        record(.callEnded, identifier) { event in
            event.code = reason.rawValue
            event.sentence = reason.sentence
            event.talkMilliseconds = ongoing.answeredAt.map { (.now() - $0).nanoseconds / 1_000_000 }
            event.digits = ongoing.digits
        }
    }

    /// A call from the provider is turned away. Its sender's address can be forged, so the telling is limited.
    func recordRefusal(_ leg: LegIdentifier, from: Redacted<String>, _ problem: Problem) {
        guard let missing = refusalLines.admits(at: .now()) else { return }
        record(.callRefused) { event in
            event.direction = .inbound
            event.far = OngoingCall.bounded(from)
            event.trunk = userAgent.trunk(of: leg)?.name
            event.code = problem.code
            event.sentence = problem.sentence
            if missing > 0 { event.unreported = missing }
        }
    }

    /// Closes one side's sound for good; its figures come as ``MediaEvent/closed(_:_:)``.
    func closeMedia(_ leg: LegIdentifier, of identifier: CallIdentifier) {
        if let ongoing = calls[identifier], callOfLeg[leg] == identifier {
            // An engine that cannot keep up may lose events; what waits for them must not grow.
            if closing.count >= 4096 { closing.removeAll() }
            closing[leg] = ClosingLeg(
                call: identifier, direction: ongoing.call.direction, far: ongoing.farNumber,
                side: ongoing.isNear(leg) ? .near : .far, wasAnswered: ongoing.answeredAt != nil)
        }
        media.close(leg)
        callOfLeg[leg] = nil
    }

    func recordSound(of leg: LegIdentifier, _ figures: MediaSnapshot.Leg) {
        guard let former = closing.removeValue(forKey: leg) else { return }
        defer { tellEndingIfQuiet(of: former.call) }
        noteQuality(figures, of: former)
        // A page that only rang has nothing to tell.
        guard former.wasAnswered || figures.packetsIn > 0 || figures.packetsOut > 0 else { return }
        record(.callSound) { event in
            event.call = former.call
            event.direction = former.direction
            event.far = former.far
            event.side = former.side
            event.codec = figures.codecIn ?? figures.codecOut
            event.sound = BoxEvent.Sound(
                packetsIn: figures.packetsIn, packetsOut: figures.packetsOut, lost: figures.lost,
                jitterMilliseconds: (figures.jitterMilliseconds * 10).rounded() / 10)
        }
    }

    /// What is kept about a side of a call until the media engine has told its last figures.
    struct ClosingLeg {
        var call: CallIdentifier
        var direction: Call.Direction
        var far: Redacted<String>?
        var side: BoxEvent.Side
        var wasAnswered: Bool
    }

    /// Tells every 20 seconds that the box lives, until it is cancelled.
    func beat() async {
        while !Task.isCancelled {
            let figures = figures()
            record(.boxHeartbeat) { event in
                event.calls = calls.count
                event.pages = pageCount
                event.uptimeSeconds = uptimeSeconds
                event.residentBytes = figures.residentBytes
            }
            try? await Task.sleep(for: Self.heartbeatInterval, tolerance: .seconds(1))
        }
    }

    func events(after number: UInt64) -> ControlReply {
        .events(history.after(number), newest: lastEvent)
    }
}
