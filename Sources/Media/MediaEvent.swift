package import Wire

/// What happens to a leg without being asked.
package enum MediaEvent: Equatable, Sendable {
    /// DTLS is up, the peer's certificate has the promised fingerprint, SRTP has its keys.
    case connected(LegIdentifier)
    /// The leg will never carry sound; it is still to be closed.
    case failed(LegIdentifier, Problem)
    /// The first RTP packet was accepted from this leg.
    case firstPacket(LegIdentifier)
    /// A digit was pressed at the far side of this leg: one of `0123456789*#ABCD`.
    case digit(LegIdentifier, Character)
    /// No valid STUN check came from the browser for 15 s (RFC 7675 §5.1 ends consent after 30 s; a
    /// browser checks every 5 s or oftener).
    case consentLost(LegIdentifier)
    /// A check came again after ``consentLost(_:)``: the leg carries sound as before.
    case consentBack(LegIdentifier)
    /// The browser closed the connection (close_notify, RFC 8446 §6.1): its page hung up, was closed or is loaded anew.
    case goodbye(LegIdentifier)
    /// The leg was closed, and these are its last figures.
    case closed(LegIdentifier, MediaSnapshot.Leg)
    /// A trunk leg sent no RTP for 30 s while both directions of its bridge were open.
    case silent(LegIdentifier)
    /// Neither RTP nor RTCP came from a trunk leg, whatever it may send now; told every 30 s, with how long it lasts.
    case nothingHeard(LegIdentifier, for: Duration)
}
