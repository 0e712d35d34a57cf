/// How far a call has come, as its owner sees it.
package enum CallState: String, Sendable, Codable, CaseIterable {
    /// The pages here ring; the far side is dialled when one of them picks up.
    case summoning
    /// Sent to the far side, nothing heard yet.
    case dialling
    /// The far side rings (or, inbound, this side does).
    case ringing
    /// Not answered, but the far side already sends sound: announcements, its own ringback.
    case early
    /// Answered: both sides hear each other.
    case active
    case ended
}
