import SDP
import Wire

/// What the engine asks of its loop, in order.
enum MediaCommand: Sendable {
    case openBrowserLeg(BrowserLegDescription)
    case openTrunkLeg(LegIdentifier, rtp: DatagramSocket, rtcp: DatagramSocket)
    case moveTrunkLeg(LegIdentifier, rtp: DatagramSocket, rtcp: DatagramSocket)
    case setTrunkAudio(LegIdentifier, TrunkAudio)
    case connect(LegIdentifier, LegIdentifier, aToB: Bool, bToA: Bool)
    case startService(LegIdentifier, MediaService)
    case setDigitsInSound(LegIdentifier, Bool)
    case sendDigits(LegIdentifier, String)
    case relayDigit(Character, from: LegIdentifier, to: LegIdentifier)
    case close(LegIdentifier)
    case checkpoint(CheckedContinuation<[LegState], Never>)
    case resume([ResumedLeg])
    case snapshot(CheckedContinuation<MediaSnapshot, Never>)
    /// Called on the loop's thread.
    case probe(@Sendable () -> Void)
    case stop
}

/// All that a browser leg is opened with.
struct BrowserLegDescription: Sendable {
    var identifier: LegIdentifier
    var local: ICECredentials
    var remote: ICECredentials
    var remoteFingerprint: SDP.Fingerprint
    var audio: BrowserAudio
    var ssrc: UInt32
    var cname: String
}
