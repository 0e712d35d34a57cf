import RTP
import SDP
import SecureMedia
package import Wire

/// One leg as another process can go on with it: what was agreed on, the keys, and how far each stream has come.
///
/// Taken on the media loop's thread between two packets; the path of a packet knows nothing of it. It may be a little older than
/// the last packet, and need not be younger: what goes out goes on under another SSRC (`SRTPProgress`, `StreamRewriter.resumed`).
///
/// Not in it, because it ends with the process without harm: half a frame in a transcoder and its codec's memory (the next
/// packet starts afresh), and what the box itself was playing (the switchboard asks for it again). A leg to a browser whose
/// handshake has not finished has no state.
package struct LegState: Sendable, Codable, Equatable {
    /// The browser's side.
    struct Browser: Sendable, Codable, Equatable {
        var usernameFragment: String
        var password: Redacted<String>
        var remoteUsernameFragment: String
        var association: DTLSAssociation
        var progress: SRTPProgress
        var selected: PacketPath?
        var addresses: [NetworkAddress]
        var lastCheck: MonotonicTime
        var wasChecked: Bool
        var opened: MonotonicTime
        var lostConsent: Bool
    }

    /// The telephone's side. Its sockets are handed over as descriptors.
    struct Trunk: Sendable, Codable, Equatable {
        var latch: SourceLatch
        var audio: TrunkAudio?
        var controlPath: PacketPath?
        var heardSince: MonotonicTime?
        var isSilent: Bool
        var lastSign: MonotonicTime
        var alarms: Int
    }

    enum Transport: Sendable, Codable, Equatable {
        case browser(Browser)
        case trunk(Trunk)
    }

    /// Whom the leg's sound goes to.
    struct Bridge: Sendable, Codable, Equatable {
        var listener: LegIdentifier
        var isOpen: Bool
    }

    package let identifier: LegIdentifier
    let transport: Transport
    let formats: Formats
    let bridge: Bridge?

    let receiver: ReceiverStatistics
    let digits: TelephoneEventReceiver
    let codecIn: AudioCodec?
    let heardFirstPacket: Bool

    let rewriter: StreamRewriter
    let codecOut: AudioCodec?
    let digitSender: TelephoneEventSender?
    let eventTimestamp: UInt32?
    let eventBeganWithEnd: Bool
    let digitFormat: EventFormat?
    let takesDigits: Bool

    let cname: String
    let nextReport: MonotonicTime
    let roundTrip: Duration?
    let packetsOut: UInt64
    let bytesOut: UInt64
}

/// A leg's state with the descriptors that came with it.
struct ResumedLeg: Sendable {
    var state: LegState
    /// Of a leg to the provider.
    var sockets: (rtp: DatagramSocket, rtcp: DatagramSocket)?
}

extension Leg {
    /// What another process goes on with; nil for a leg that could not.
    var state: LegState? {
        let transport: LegState.Transport
        switch self.transport {
        case .browser(let browser):
            guard let state = browser.state else { return nil }
            transport = .browser(state)
        case .trunk(let trunk):
            transport = .trunk(trunk.state)
        }
        return LegState(
            identifier: identifier, transport: transport, formats: formats,
            bridge: bridge.map { LegState.Bridge(listener: $0.listener.identifier, isOpen: $0.isOpen) },
            receiver: receiver, digits: digits, codecIn: codecIn, heardFirstPacket: heardFirstPacket,
            rewriter: rewriter, codecOut: codecOut, digitSender: digitSender, eventTimestamp: eventTimestamp,
            eventBeganWithEnd: eventBeganWithEnd, digitFormat: digitFormat, takesDigits: takesDigits, cname: cname,
            nextReport: nextReport, roundTrip: roundTrip, packetsOut: packetsOut, bytesOut: bytesOut)
    }
}
