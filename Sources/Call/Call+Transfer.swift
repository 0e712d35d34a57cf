package import Wire

/// Another far side for a call that goes on: it is dialled, or comes by itself, and takes the former one's place.
///
/// ```
///   active ──began──▶ active, the next one rings ──answered──▶ active with the next one
///                          │       │
///                          │       └─failed, 60 s──▶ active as before
///                          └─former one gone──▶ waits for the next one ──failed──▶ ended
/// ```
/// The other way, that the far side itself calls somebody in our place, needs no leg of this call: see ``refer()``.
extension Call {
    package struct Transfer: Sendable, Equatable, Codable {
        /// Of the one who is being dialled.
        package let leg: LegIdentifier
        package let deadline: MonotonicTime
        /// The former far side has gone without waiting.
        package internal(set) var isOrphan = false
    }

    /// Whether the far side may be changed now.
    package var mayBeTransferred: Bool {
        publicState == .active && trunkLeg != nil && transfer == nil && !isReferred
    }

    /// Somebody who may have it so lets the next far side be dialled on this leg.
    package mutating func transferBegan(on leg: LegIdentifier, now: MonotonicTime) -> [Effect] {
        guard mayBeTransferred else { return [] }
        transfer = Transfer(leg: leg, deadline: now + Self.answerTime)
        return [.dial(leg)]
    }

    package mutating func transferAnswered() -> [Effect] {
        guard publicState == .active, let next = transfer, let former = trunkLeg, let near = near.first else {
            return []
        }
        transfer = nil
        far = .trunk(next.leg)
        return [sound(near: near, far: next.leg)]
            + (next.isOrphan ? [] : [.release(former, .transferred)]) + releaseHolds()
    }

    /// The next far side did not come about; its leg is gone already.
    package mutating func transferFailed(_ reason: EndReason) -> [Effect] {
        guard let next = transfer else { return [] }
        transfer = nil
        return next.isOrphan ? end(reason, releasing: near) : [.notice(Self.transferFailed)]
    }

    /// Whether a call that comes in may take the far side's place.
    package var admitsReplacement: Bool {
        guard trunkLeg != nil, near.count == 1, transfer == nil else { return false }
        switch publicState {
        case .dialling, .ringing, .early: return direction == .outbound
        case .active: return true
        case .summoning, .ended: return false
        }
    }

    /// A call that came in takes the far side's place at once.
    package mutating func farReplaced(by leg: LegIdentifier, now: MonotonicTime) -> [Effect] {
        guard admitsReplacement, let former = trunkLeg, let near = near.first else { return [] }
        let wasActive = publicState == .active
        far = .trunk(leg)
        isReferred = false
        if !wasActive { state = .active(since: now) }
        return [sound(near: near, far: leg), .accept(leg), .release(former, .replaced)]
            + (wasActive ? releaseHolds() : [.report(.active)])
    }

    /// The far side is being asked to call somebody else in the place of this side. If it hangs up now, that is why.
    /// - Returns: false if it cannot be asked now.
    package mutating func refer() -> Bool {
        guard mayBeTransferred else { return false }
        isReferred = true
        return true
    }

    /// It calls the other, and they talk: this side is done.
    package mutating func referralSucceeded() -> [Effect] {
        isReferred ? terminate(.transferred) : []
    }

    /// It does not, and the call goes on.
    package mutating func referralFailed() -> [Effect] {
        guard isReferred, !isEnded else { return [] }
        isReferred = false
        return [.notice(Self.transferFailed)]
    }

    /// The other one of the two calls that were to be brought together has said why.
    package mutating func referralWithdrawn() -> [Effect] {
        isReferred = false
        return []
    }

    package static let transferFailed = Problem(
        code: "call.transfer-failed", sentence: "The call could not be transferred.",
        remedy: "It goes on as before. Not every provider transfers calls; ask the other side to dial the number.")
}
