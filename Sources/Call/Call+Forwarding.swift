package import Wire

// An inbound call that is passed on to another number, through a trunk again: two trunk legs and no browser.
extension Call {
    /// The call goes on to the number that `leg` leads to. The caller goes on hearing the ringing tone; pages that rang stop.
    /// Nothing happens once somebody has picked up.
    package mutating func forward(to leg: LegIdentifier, now: MonotonicTime) -> [Effect] {
        guard direction == .inbound, isForTheTaking, let far = trunkLeg, leg != far else { return [] }
        let released = near.map { Effect.release($0, .forwarded) }
        near = [leg]
        onward = leg
        answerDeadline = now + Self.answerTime
        return released + [.dial(leg)]
    }

    /// The number that the call was passed on to answered: now the caller is answered too, and only now does sound flow,
    /// so that nobody talks into a call that nobody has taken.
    package mutating func onwardAnswered(now: MonotonicTime) -> [Effect] {
        guard let onward, let far = trunkLeg, state == .ringing else { return [] }
        state = .active(since: now)
        return [.connect(near: onward, far: far, bothWays: true), .accept(far), .report(.active)]
    }

    /// The number that the call was passed on to holds it, or takes it up again: the caller's side does likewise. What
    /// the one who holds may send, music, is passed on as ever.
    package mutating func onwardHolds(_ holds: Bool) -> [Effect] {
        guard onward != nil, publicState == .active, holds != isHeldHere, let far = trunkLeg else { return [] }
        isHeldHere = holds
        return [.offer(far), .reportHold(here: isHeldHere, there: isHeldThere)]
    }
}
