// Call: one call as a pure state machine, from dialling to its end reason.
//
// In the room: states, legs, the closed list of end reasons, what a dialled text means.
// Never in the room: SIP headers, sockets, the clock, the control socket's messages.
package import Wire

/// One call between a browser and the far side: a provider's number or a service of the box.
///
/// Legs are named, never held: the effects say what is to be done with which leg, and the switchboard does it.
/// ```
///  outbound: dial ─▶ dialling ─ringing─▶ ringing ─┐            inbound: ring ─▶ ringing ─accepted─▶ active
///                        │  └──progress──▶ early ─┤                                │
///                        └────────answered───────▶┴─▶ active                       │
///
///  passed on:  forward ─▶ the second number is dialled as `near`; its answer answers the caller
///
///  from a terminal: summon ─▶ summoning ─a page picks up─▶ dialling, and on as above
///
///        any ── hung up, failed, 60 s without answer, box stopping ─────────────────┴─▶ ended(reason)
/// ```
/// Before the answer `ringing` becomes `early` when sound really comes. While `active`, either side may hold the call,
/// and another far leg may take the place of the one that it began with.
package struct Call: Sendable, Equatable, Codable {
    package enum Direction: String, Sendable, Codable {
        case outbound, inbound
    }

    package enum Far: Sendable, Equatable, Codable {
        case trunk(LegIdentifier)
        case service(BoxService)
    }

    /// What is to be done; the order counts.
    package enum Effect: Sendable, Equatable {
        /// Send the invitation on this trunk leg.
        case dial(LegIdentifier)
        /// Tell the caller on this trunk leg that it rings here.
        case ring(LegIdentifier)
        /// Accept the inbound invitation on this trunk leg.
        case accept(LegIdentifier)
        case startService(BoxService, on: LegIdentifier)
        /// Let sound flow; before the answer only from the far side to the near one.
        case connect(near: LegIdentifier, far: LegIdentifier, bothWays: Bool)
        /// End this leg, for that reason.
        case release(LegIdentifier, EndReason)
        /// The near side holds the call: neither hears the other, and the far side is sent silence.
        case park(near: LegIdentifier, far: LegIdentifier)
        /// Offer the far side the session anew, held or not as the call now is.
        case offer(LegIdentifier)
        /// The state changed: tell the near side.
        case report(CallState)
        /// Who holds the call changed: tell the near side.
        case reportHold(here: Bool, there: Bool)
        /// Tell the near side something that does not end the call.
        case notice(Problem)
        /// The call is over; nothing follows.
        case ended(EndReason)
    }

    enum State: Sendable, Equatable, Codable {
        case summoning
        case dialling
        case ringing
        case early
        case active(since: MonotonicTime)
        case ended(EndReason)
    }

    package let identifier: CallIdentifier
    package let direction: Direction
    package internal(set) var far: Far
    /// Browser legs: one for an outbound or answered call; while pages ring those of them that have media ready.
    package internal(set) var near: [LegIdentifier]
    /// The trunk leg to the number that an inbound call was passed on to; it is the only one in `near` then.
    package internal(set) var onward: LegIdentifier?
    /// The person here holds the call.
    package internal(set) var isHeldHere = false
    /// The far side holds the call: it wants to hear nothing for now.
    package internal(set) var isHeldThere = false
    /// Who is about to take the far side's place.
    package internal(set) var transfer: Transfer?
    /// The far side was asked to call somebody else in the place of this side.
    var isReferred = false
    var state: State
    var answerDeadline: MonotonicTime

    /// How long the far side, or a person here, may take to answer.
    package static let answerTime: Duration = .seconds(60)

    package static let noReplyYet = Problem(
        code: "call.no-reply-yet", sentence: "The provider has not replied yet.",
        remedy: "Still trying; this takes up to 32 seconds.")

    private init(
        identifier: CallIdentifier, direction: Direction, near: [LegIdentifier], far: Far, state: State,
        now: MonotonicTime
    ) {
        self.identifier = identifier
        self.direction = direction
        self.near = near
        self.far = far
        self.state = state
        answerDeadline = now + Self.answerTime
    }

    /// A call from a browser.
    package static func outbound(
        _ identifier: CallIdentifier, near: LegIdentifier, far: Far, now: MonotonicTime
    ) -> (Call, [Effect]) {
        switch far {
        case .trunk(let leg):
            let call = Call(
                identifier: identifier, direction: .outbound, near: [near], far: far, state: .dialling, now: now)
            return (call, [.report(.dialling), .connect(near: near, far: leg, bothWays: false), .dial(leg)])
        case .service(let service):
            let call = Call(
                identifier: identifier, direction: .outbound, near: [near], far: far, state: .active(since: now),
                now: now)
            return (call, [.report(.dialling), .startService(service, on: near), .report(.active)])
        }
    }

    /// A call that somebody asks for who has no sound: the box's pages ring first (they join with ``nearJoined(_:)``),
    /// and the far side is dialled when one of them picks up.
    package static func summoned(_ identifier: CallIdentifier, far: Far, now: MonotonicTime) -> (Call, [Effect]) {
        let call = Call(
            identifier: identifier, direction: .outbound, near: [], far: far, state: .summoning, now: now)
        return (call, [.report(.summoning)])
    }

    /// A call from the provider; browsers join with ``nearJoined(_:)``.
    package static func inbound(
        _ identifier: CallIdentifier, far leg: LegIdentifier, now: MonotonicTime
    ) -> (Call, [Effect]) {
        let call = Call(
            identifier: identifier, direction: .inbound, near: [], far: .trunk(leg), state: .ringing, now: now)
        return (call, [.ring(leg), .report(.ringing)])
    }

    package var publicState: CallState {
        switch state {
        case .summoning: .summoning
        case .dialling: .dialling
        case .ringing: .ringing
        case .early: .early
        case .active: .active
        case .ended: .ended
        }
    }

    package var isEnded: Bool { publicState == .ended }

    /// When ``advance(to:)`` must be called, if nothing else happens before.
    package var deadline: MonotonicTime? {
        switch state {
        case .summoning, .dialling, .ringing, .early: answerDeadline
        case .active: transfer?.deadline
        case .ended: nil
        }
    }

    var trunkLeg: LegIdentifier? {
        if case .trunk(let leg) = far { leg } else { nil }
    }

    /// Every leg that is not known to be gone.
    private var legs: [LegIdentifier] {
        near + [transfer?.isOrphan == true ? nil : trunkLeg, transfer?.leg].compactMap(\.self)
    }
}

// MARK: - What the far side does

extension Call {
    package mutating func farRinging() -> [Effect] {
        guard state == .dialling else { return [] }
        state = .ringing
        return [.report(.ringing)]
    }

    /// The far side says that it may send sound before its answer. Often none comes, so until then it rings here.
    package mutating func farProgressed() -> [Effect] {
        direction == .outbound ? farRinging() : []
    }

    /// The first sound came from the far side.
    package mutating func farHeard() -> [Effect] {
        guard state == .dialling || state == .ringing, direction == .outbound else { return [] }
        state = .early
        return [.report(.early)]
    }

    package mutating func farAnswered(now: MonotonicTime) -> [Effect] {
        guard direction == .outbound, let leg = trunkLeg, let near = near.first else { return [] }
        switch state {
        case .dialling, .ringing, .early:
            state = .active(since: now)
            return [.connect(near: near, far: leg, bothWays: true), .report(.active)]
        case .summoning, .active, .ended:
            return []
        }
    }

    /// The far leg is gone already; the near ones are released. While somebody else is about to take its place, the call
    /// waits for them.
    package mutating func farEnded(_ reason: EndReason) -> [Effect] {
        if transfer?.isOrphan == false, let leg = trunkLeg {
            transfer?.isOrphan = true
            return [.release(leg, reason)]
        }
        return end(isReferred && reason == .hungUpThere ? .transferred : reason, releasing: near)
    }

    /// The provider has not answered the invitation with anything for a while.
    package func farSilent() -> [Effect] {
        state == .dialling ? [.notice(Self.noReplyYet)] : []
    }
}

// MARK: - What the near side does

extension Call {
    /// Whether it rings here and nobody has picked up yet.
    package var isForTheTaking: Bool {
        state == .summoning || direction == .inbound && state == .ringing && onward == nil
    }

    /// Whether one more browser may join.
    package var admitsNear: Bool { isForTheTaking && near.count < 16 }

    /// A ringing browser made its media ready, so that the first syllable after the answer is whole.
    package mutating func nearJoined(_ leg: LegIdentifier) -> [Effect] {
        guard admitsNear, !near.contains(leg) else { return [] }
        near.append(leg)
        return []
    }

    /// A person answered on this browser leg; the other browsers stop ringing.
    package mutating func nearAnswered(_ leg: LegIdentifier, now: MonotonicTime) -> [Effect] {
        guard isForTheTaking, near.contains(leg) else { return [] }
        let others = near.filter { $0 != leg }.map { Effect.release($0, .answeredElsewhere) }
        near = [leg]
        guard direction == .inbound else { return others + dial(from: leg, now: now) }
        guard let far = trunkLeg else { return [] }
        state = .active(since: now)
        return [.connect(near: leg, far: far, bothWays: true), .accept(far)] + others + [.report(.active)]
    }

    /// Whoever asked for the call has picked up; what follows is a call as from the page.
    private mutating func dial(from near: LegIdentifier, now: MonotonicTime) -> [Effect] {
        switch far {
        case .trunk(let leg):
            state = .dialling
            answerDeadline = now + Self.answerTime
            return [.report(.dialling), .connect(near: near, far: leg, bothWays: false), .dial(leg)]
        case .service(let service):
            state = .active(since: now)
            return [.report(.dialling), .startService(service, on: near), .report(.active)]
        }
    }

    /// This browser leg failed or went away: the call ends, unless others still ring.
    package mutating func nearEnded(_ leg: LegIdentifier, _ reason: EndReason) -> [Effect] {
        guard near.contains(leg) else { return [] }
        if isForTheTaking {
            near.removeAll { $0 == leg }
            return [.release(leg, reason)]
        }
        return end(reason, releasing: legs)
    }

    /// A person hung up, or declined a call that rings here.
    package mutating func hangUp() -> [Effect] {
        let reason: EndReason = isForTheTaking ? .declined : .hungUpHere
        return end(reason, releasing: legs)
    }

    /// The box itself must end the call.
    package mutating func terminate(_ reason: EndReason) -> [Effect] {
        end(reason, releasing: legs)
    }

    package mutating func advance(to now: MonotonicTime) -> [Effect] {
        guard let deadline, now >= deadline else { return [] }
        guard let transfer else { return terminate(.noAnswer) }
        return [.release(transfer.leg, .noAnswer)] + transferFailed(.noAnswer)
    }

    mutating func end(_ reason: EndReason, releasing legs: [LegIdentifier]) -> [Effect] {
        guard !isEnded else { return [] }
        state = .ended(reason)
        near = []
        transfer = nil
        return legs.map { .release($0, reason) } + [.ended(reason)]
    }
}
