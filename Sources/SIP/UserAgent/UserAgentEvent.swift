package import SIPMessage
package import Wire

/// What a user agent wants done.
package enum UserAgentEffect: Equatable, Sendable {
    case send([UInt8], to: NetworkAddress)
    case event(UserAgentEvent)
}

package enum RegistrationState: Hashable, Sendable {
    case registering
    /// - `expires`: seconds granted.
    /// - `publicAddress`: where the registrar sees us, from `received` and `rport` (RFC 3581).
    case registered(expires: Int, publicAddress: NetworkAddress?)
    case failed(RegistrationFailure)
    case unregistered
}

/// What a user agent has to tell.
package enum UserAgentEvent: Equatable, Sendable {
    /// - Parameter trunk: its name.
    case registration(trunk: String, RegistrationState)
    /// Where the server of a trunk without registration sees us (RFC 3581), which is news.
    case seen(trunk: String, at: NetworkAddress)
    /// A trunk refuses shorter session timers (RFC 4028 §6), which is news.
    case sessionMinimum(trunk: String, seconds: Int)
    /// A registration went through here: what follows may go the same way (RFC 3263 §4).
    case targetReached(trunk: String, SIPPeer)
    /// A registration came to nothing because of where it went; its state follows.
    case targetFailed(trunk: String, SIPPeer, TargetSelection.Failure)
    /// The provider calls. Its leg number is at least 2^32. `offer` is nil when our answer is to make the offer.
    case incoming(
        LegIdentifier, from: Redacted<String>, displayName: Redacted<String>?, to: Redacted<String>, offer: [UInt8]?)
    /// 180 without a body.
    case ringing(LegIdentifier)
    /// 183 or 180 with a session description: early media may follow.
    case progress(LegIdentifier, body: [UInt8])
    /// 2xx to our INVITE. `body` is that of an earlier response if the 2xx had none, empty if none ever came.
    /// For an incoming call whose INVITE had no offer: the ACK, with the answer to ours.
    case answered(LegIdentifier, body: [UInt8])
    /// Four seconds without any response to an INVITE.
    case noReplyYet(LegIdentifier)
    /// The other side changed the session; it was answered already with what we said last.
    case renegotiated(LegIdentifier, offer: [UInt8])
    /// The other side wants to change the session: answer with `answer` or `refuseOffer`. nil: our answer is to make
    /// the offer. Told only to an owner who wants to be asked.
    case offered(LegIdentifier, offer: [UInt8]?)
    /// The other side answered our last offer; empty if it said nothing.
    case agreed(LegIdentifier, answer: [UInt8])
    /// The other side keeps the session as it was.
    case offerRefused(LegIdentifier, status: Int)
    /// A digit by INFO.
    case digit(LegIdentifier, Redacted<DigitReport>)
    /// The other side takes no digits by INFO; those that waited are dropped.
    case digitsRefused(LegIdentifier, status: Int)
    /// The other side asks for a transfer: answer with `acceptTransfer` or `refuseTransfer`.
    case transferRequested(LegIdentifier, TransferRequest)
    /// How the transfer that we asked for goes; the last status is 200 or more, also if REFER itself was refused.
    case transferProgress(LegIdentifier, status: Int)
    /// The provider calls to take the place of another call (RFC 3891). `accept` ends the other with `replaced`.
    case incomingReplacement(
        LegIdentifier, of: LegIdentifier, from: Redacted<String>, displayName: Redacted<String>?,
        to: Redacted<String>, offer: [UInt8]?)
    /// The server that answers with 503 wants to be left alone for so long (RFC 3261 §21.5.4); `ended` follows.
    case retryAfter(LegIdentifier, seconds: Int)
    /// Why the other side ends the call (RFC 3326); `ended` follows.
    case reason(LegIdentifier, SIPReason)
    /// The end of what `ask` began.
    case asked(UInt64, AskingOutcome)
    /// The last event of a leg.
    case ended(LegIdentifier, LegEnd)
}

/// Why a leg ended.
package enum LegEnd: Hashable, Sendable, Codable {
    /// - `status`: 300...699
    case rejected(status: Int, reason: String)
    /// 64·T1 without a response (timer B).
    case noReply
    /// The network says that the target cannot be reached.
    case unreachable
    /// Asked for credentials again after a right answer, or by somebody who may not ask.
    case authenticationFailed
    /// Asked for credentials by the trunk's own server, in a realm that is not the trunk's.
    case realmForeign(String)
    case remoteHangUp
    case cancelledByRemote
    case localHangUp
    /// Our 200 was never acknowledged.
    case acknowledgementMissing
    /// They hung up after they had repeated their 200 for 64·T1: none of our ACKs had arrived.
    case acknowledgementUnheard
    /// Nobody refreshed the session in time (RFC 4028 §10).
    case sessionExpired
    /// The other side does not know the call any more.
    case dialogLost
    /// The other side does not answer in the call any more.
    case vanished
    /// Another call took this one's place (RFC 3891).
    case replaced
    /// The other side's messages make no sense together.
    case protocolError
}
