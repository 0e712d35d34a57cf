package import Wire

/// Keys of one leg that were heard a moment ago. Some gateways send each of them twice, with the sound and by INFO, and
/// nobody presses a key on two ways.
package struct HeardKeys: Equatable, Sendable {
    package enum Way: Sendable {
        /// A telephone-event
        case sound
        /// INFO
        case message
    }

    /// An INFO that is sent when the key is let go, or that is repeated once over a lossy network, comes within that.
    package static let span: Duration = .seconds(2)
    /// More keys than anybody presses in that time; those before are forgotten.
    package static let most = 32

    private struct Key: Equatable, Sendable {
        var digit: Character
        var way: Way
        var time: MonotonicTime
    }

    /// Whose twin has not come.
    private var single: [Key] = []

    package init() {}

    /// - Returns: whether this is another key than those that the other way brought.
    package mutating func hears(_ digit: Character, by way: Way, now: MonotonicTime) -> Bool {
        single.removeAll { now - $0.time > Self.span }
        if let twin = single.firstIndex(where: { $0.digit == digit && $0.way != way }) {
            single.remove(at: twin)
            return false
        }
        if single.count >= Self.most { single.removeFirst() }
        single.append(Key(digit: digit, way: way, time: now))
        return true
    }
}
