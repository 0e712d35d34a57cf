package import Wire

/// A page that goes away in the middle of its call, and takes it back.
///
/// The far side hears the box meanwhile, as while it is held; it is offered nothing, for in most cases the page is back within
/// a second.
extension Call {
    /// The sound of the near side is gone, but the page may come back.
    package func nearAway(_ leg: LegIdentifier) -> [Effect] {
        guard publicState == .active, near == [leg], onward == nil, let far = trunkLeg else { return [] }
        return [.park(near: leg, far: far)]
    }

    /// The sound is back by itself.
    package func nearBack(_ leg: LegIdentifier) -> [Effect] {
        guard publicState == .active, near == [leg], onward == nil else { return [] }
        return [sound(towards: leg)].compactMap(\.self)
    }

    /// The same person goes on with another leg in the place of this one. Until its sound is up, whoever waits hears the box.
    package mutating func nearReplaced(_ leg: LegIdentifier, by other: LegIdentifier) -> [Effect] {
        guard !isEnded, leg != other, let place = near.firstIndex(of: leg), leg != onward else { return [] }
        near[place] = other
        guard !isForTheTaking else { return [.release(leg, .answeredElsewhere)] }
        let waiting = nearAway(other)
        return [.release(leg, .answeredElsewhere)]
            + (waiting.isEmpty ? [sound(towards: other)].compactMap(\.self) : waiting)
    }

    /// What the near side has to do with the far one, as the call now is.
    private func sound(towards near: LegIdentifier) -> Effect? {
        switch (far, publicState) {
        case (.service(let service), .active): .startService(service, on: near)
        case (.trunk(let far), .active): sound(near: near, far: far)
        case (.trunk(let far), .dialling), (.trunk(let far), .ringing), (.trunk(let far), .early):
            .connect(near: near, far: far, bothWays: false)
        default: nil
        }
    }
}
