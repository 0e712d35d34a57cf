/// The newest events of the box, so that a watcher whose connection broke misses none.
///
/// Heartbeats are not kept: they would push the calls out of an idle box's memory within hours.
package struct EventHistory: Sendable {
    /// Events kept: some 300 bytes each.
    package static let most = 1000
    /// Events in one answer, which has to fit a frame.
    package static let mostAtOnce = 200

    private var events: [BoxEvent] = []

    package init() {}

    package mutating func keep(_ event: BoxEvent) {
        guard event.kind != .boxHeartbeat else { return }
        events.append(event)
        // Cut seldom, by many: taking away the first of a list moves all others.
        if events.count >= 2 * Self.most { events.removeFirst(events.count - Self.most) }
    }

    /// - Returns: the oldest kept events with a greater number, at most ``mostAtOnce``.
    package func after(_ number: UInt64) -> [BoxEvent] {
        let kept = events.suffix(Self.most)
        // They stand in the order of their numbers.
        var (low, high) = (kept.startIndex, kept.endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if kept[middle].number > number { high = middle } else { low = middle + 1 }
        }
        return Array(kept[low...].prefix(Self.mostAtOnce))
    }
}
