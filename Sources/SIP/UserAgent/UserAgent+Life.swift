import SIPMessage
package import Wire

/// Questions to the other side of a call that has fallen silent.
struct LifeCheck: Hashable, Sendable {
    /// One is on its way.
    var isAsked = false
    /// How many in a row the network would not carry: a server that restarts refuses everything for a moment.
    var refused = 0
}

/// Whether the other side of a call is still there.
extension UserAgent {
    private static let mostRefused = 2

    /// Asks the other side of an answered call something that changes nothing: OPTIONS (RFC 3261 §11), or where it takes
    /// none the session once more as it is. Whatever it answers, it is there; 408, 481, or nothing for 64·T1 (32 s) ends
    /// the call (§12.2.1.2), and so does a network that says twice that nobody can be reached.
    package mutating func checkLife(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let state = legs[leg], state.isEstablished, !state.isOver, !state.lifeCheck.isAsked,
            let tag = state.connected?.dialog.remoteTag
        else { return [] }
        if state.peerMethods?.contains(.options) == false {
            legs[leg]?.connected?.exchange.want(nil)
            exchange(leg, now: now, using: &generator)
        } else {
            let question = run(Errand(leg, tag, .options, .checking), now: now, using: &generator)
            legs[leg]?.lifeCheck.isAsked = question != nil
        }
        return drain()
    }

    mutating func lifeCheckRefused(
        _ leg: LegIdentifier, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        legs[leg]?.lifeCheck.isAsked = false
        legs[leg]?.lifeCheck.refused += 1
        guard let refused = legs[leg]?.lifeCheck.refused, refused >= Self.mostRefused else { return }
        sayGoodbye(leg, now: now, using: &generator)
        end(leg, .vanished, now: now, using: &generator)
    }
}
