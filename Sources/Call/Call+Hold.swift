package import Wire

/// An answered call that rests: either side may hold it, also both.
///
/// The near side's hold takes effect at once, whatever the far side says to the offer: nobody is heard who does not want
/// to be.
extension Call {
    /// Whether there is something to hold. A service of the box has nobody who would wait.
    package var mayBeHeld: Bool { publicState == .active && trunkLeg != nil }

    /// A person here holds the call, or takes it up again.
    package mutating func hold(_ wanted: Bool) -> [Effect] {
        guard mayBeHeld, wanted != isHeldHere, let leg = trunkLeg, let near = near.first else { return [] }
        isHeldHere = wanted
        let sound = wanted ? Effect.park(near: near, far: leg) : .connect(near: near, far: leg, bothWays: true)
        return [sound, .offer(leg), .reportHold(here: isHeldHere, there: isHeldThere)]
    }

    /// What was agreed on says whether the far side holds the call. The number that it was passed on to is held likewise.
    package mutating func farHolds(_ holds: Bool) -> [Effect] {
        guard publicState == .active, holds != isHeldThere else { return [] }
        isHeldThere = holds
        return (onward.map { [.offer($0)] } ?? []) + [.reportHold(here: isHeldHere, there: isHeldThere)]
    }

    /// The far side did not agree to what was offered; the session stays as it was.
    package func offerRefused() -> [Effect] {
        isEnded ? [] : [.notice(Self.changeRefused)]
    }

    /// Whoever is about to talk with the near side: while a page holds the call it is held like the one before, for the page
    /// talks with somebody else.
    func sound(near: LegIdentifier, far: LegIdentifier) -> Effect {
        isHeldByPage ? .park(near: near, far: far) : .connect(near: near, far: far, bothWays: true)
    }

    private var isHeldByPage: Bool { isHeldHere && onward == nil }

    /// Ends the holds that another far side ends: not that of a page, which the next far side is told.
    mutating func releaseHolds() -> [Effect] {
        guard isHeldHere || isHeldThere else { return [] }
        if isHeldByPage, let far = trunkLeg {
            defer { isHeldThere = false }
            return [.offer(far)] + (isHeldThere ? [.reportHold(here: true, there: false)] : [])
        }
        // Whom the former far side held is not held by the next one.
        let resumed = isHeldThere ? onward.map { [Effect.offer($0)] } ?? [] : []
        isHeldHere = false
        isHeldThere = false
        return resumed + [.reportHold(here: false, there: false)]
    }

    package static let changeRefused = Problem(
        code: "call.change-refused", sentence: "The other side did not agree to the change of the call.",
        remedy: "The call goes on. Hold it or take it up once more if you do not hear each other.")
}
