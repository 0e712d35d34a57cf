import SDP
import Wire

/// The telephone side of a leg: an RTP and an RTCP socket of its own, and the decision whom they listen to.
final class TrunkLeg {
    let rtp: DatagramSocket
    let rtcp: DatagramSocket
    var latch = SourceLatch()
    private(set) var audio: TrunkAudio?
    /// Where the peer's RTCP last came from, while its host is the latched one.
    private var controlPath: PacketPath?
    /// Since when RTP may be missed; nil while the call is not connected.
    var heardSince: MonotonicTime?
    var isSilent = false
    /// When RTP or RTCP came last, or since when there could have been any.
    private var lastSign: MonotonicTime
    private var alarms = 0

    init(rtp: DatagramSocket, rtcp: DatagramSocket, now: MonotonicTime) {
        lastSign = now
        self.rtp = rtp
        self.rtcp = rtcp
    }

    /// Goes on with a leg of another process, on the sockets that were handed over.
    init(continuing state: LegState.Trunk, rtp: DatagramSocket, rtcp: DatagramSocket) {
        self.rtp = rtp
        self.rtcp = rtcp
        latch = state.latch
        audio = state.audio
        controlPath = state.controlPath
        heardSince = state.heardSince
        isSilent = state.isSilent
        lastSign = state.lastSign
        alarms = state.alarms
    }

    var state: LegState.Trunk {
        LegState.Trunk(
            latch: latch, audio: audio, controlPath: controlPath, heardSince: heardSince, isSilent: isSilent,
            lastSign: lastSign, alarms: alarms)
    }

    func describe(_ audio: TrunkAudio, now: MonotonicTime) {
        self.audio = audio
        latch.describe(audio.remote, now: now)
        controlPath = nil
    }

    /// A packet of the peer's came.
    func gaveSign(now: MonotonicTime) {
        lastSign = now
        alarms = 0
    }

    /// - Returns: how long nothing has come, once for each `interval` of it.
    func alarm(each interval: Duration, now: MonotonicTime) -> Duration? {
        let quiet = now - lastSign
        let passed = Int(quiet.nanoseconds / max(interval.nanoseconds, 1))
        guard audio != nil, passed > alarms else { return nil }
        alarms = passed
        return quiet
    }

    /// Whether RTCP that came this way is the peer's: from the host whose RTP is heard, or the signalled one.
    func admitsControl(_ path: PacketPath) -> Bool {
        let host = latch.latched?.remote.host ?? audio?.remoteRTCP.host
        guard host == path.remote.host || audio?.remoteRTCP.host == path.remote.host else { return false }
        controlPath = path
        return true
    }

    /// Where our RTCP goes: where the peer's came from, or the signalled port at the latched host.
    var controlDestination: PacketPath? {
        if let controlPath { return controlPath }
        guard let audio else { return nil }
        guard let latched = latch.destination, latched.remote.host != audio.remote.host else {
            return PacketPath(remote: audio.remoteRTCP, local: latch.destination?.local)
        }
        // Behind a NAT that the description does not know of, the next port is the best guess.
        let next = NetworkAddress(host: latched.remote.host, port: latched.remote.port &+ 1)
        return PacketPath(remote: next, local: latched.local)
    }
}
