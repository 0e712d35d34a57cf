import RTP
import SDP
import SecureMedia
import Wire

/// One party of a call as the media loop sees it: how to reach it, what was agreed on, what was counted, and
/// where its sound goes.
final class Leg {
    enum Transport {
        case browser(BrowserLeg)
        case trunk(TrunkLeg)
    }

    let identifier: LegIdentifier
    /// Another one only where a call that nobody answered yet is tried another way.
    var transport: Transport
    var formats: Formats
    /// Where what this leg says goes; to itself for the echo service. Cleared when either leg closes.
    var bridge: Bridge?

    // In
    var receiver = ReceiverStatistics()
    var digits = TelephoneEventReceiver()
    var codecIn: AudioCodec?
    var heardFirstPacket = false

    // Out
    var rewriter: StreamRewriter
    var sender: SenderStatistics
    var codecOut: AudioCodec?
    var digitSender: TelephoneEventSender?
    /// The timestamp that names the telephone-event which comes in, or came in last.
    var eventTimestamp: UInt32?
    /// Whether that event's first packet was an end packet.
    var eventBeganWithEnd = false
    /// The timestamp of the last telephone-event that was counted as a key, and whether signalling had brought that key.
    var countedEvent: (timestamp: UInt32, isTwin: Bool)?
    /// Keys of this leg's other end, by sound and by signalling.
    var heardKeys = HeardKeys()
    /// The clock and payload type that `digitSender` works with.
    var digitFormat: EventFormat?
    /// Whether digits of the other side are passed on to this leg, as events or as tones.
    var takesDigits = true
    var player: ServicePlayer?
    /// Whether `player` says this leg's own digits.
    var isReadingBack = false

    // Reports
    let cname: String
    var nextReport: MonotonicTime
    var roundTrip: Duration?
    /// RTP only, SRTP's tags not counted.
    private(set) var packetsOut: UInt64 = 0
    private(set) var bytesOut: UInt64 = 0

    init(
        _ identifier: LegIdentifier, _ transport: Transport, formats: Formats, ssrc: UInt32, cname: String,
        nextReport: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        self.identifier = identifier
        self.transport = transport
        self.formats = formats
        self.cname = cname
        rewriter = StreamRewriter(ssrc: ssrc, using: &generator)
        sender = SenderStatistics(ssrc: ssrc)
        self.nextReport = nextReport
    }

    /// Goes on with a leg of another process; `ssrc` is a fresh one. Its bridge is the caller's to restore.
    init(
        continuing state: LegState, _ transport: Transport, ssrc: UInt32,
        using generator: inout some RandomNumberGenerator
    ) {
        identifier = state.identifier
        self.transport = transport
        formats = state.formats
        receiver = state.receiver
        digits = state.digits
        codecIn = state.codecIn
        heardFirstPacket = state.heardFirstPacket
        rewriter = state.rewriter.resumed(ssrc: ssrc, using: &generator)
        sender = SenderStatistics(ssrc: ssrc)
        codecOut = state.codecOut
        digitSender = state.digitSender
        eventTimestamp = state.eventTimestamp
        eventBeganWithEnd = state.eventBeganWithEnd
        digitFormat = state.digitFormat
        takesDigits = state.takesDigits
        cname = state.cname
        nextReport = state.nextReport
        roundTrip = state.roundTrip
        packetsOut = state.packetsOut
        bytesOut = state.bytesOut
    }

    /// Whether a packet for this leg could leave now. While not, the outgoing stream keeps its numbers.
    var isReady: Bool {
        guard formats.sends else { return false }
        return switch transport {
        case .browser(let browser): browser.isReady
        case .trunk(let trunk): trunk.audio != nil && trunk.latch.destination != nil
        }
    }

    /// Whether both directions of its bridge to another leg are open.
    var isConnected: Bool {
        guard let bridge, bridge.isOpen, bridge.listener !== self, let back = bridge.listener.bridge else {
            return false
        }
        return back.listener === self && back.isOpen
    }

    /// Whether a digit or a tone of the box's own is being sent, so that other sound is kept back.
    var isOccupied: Bool {
        (player != nil && player?.givesWay != true && !isReadingBack) || digitSender?.isSending == true
    }

    /// What to send when the source's codec is `codec`: that one if it was agreed on, else the preferred one.
    func outgoing(for codec: AudioCodec?) -> (codec: AudioCodec, payloadType: UInt8)? {
        if let codec, let payloadType = formats.payloadType(codec) { return (codec, payloadType) }
        guard let preferred = formats.preferred, let payloadType = formats.payloadType(preferred) else { return nil }
        return (preferred, payloadType)
    }

    /// Sends the packet whose payload lies at `slot[12..<12 + payloadLength]`; `slot` is what the queue reserved.
    func transmit(
        _ header: RTPHeader, payloadLength: Int, in slot: UnsafeMutableRawBufferPointer, clockRate: UInt32,
        isTimed: Bool = true, _ context: LoopContext
    ) {
        guard (try? header.write(into: slot)) != nil else { return }
        let length = RTPHeader.fixedLength + payloadLength
        switch transport {
        case .browser(let browser):
            guard let srtp = browser.srtp, let path = browser.selected else { return }
            guard let protected = try? srtp.protectRTP(slot, length: length) else {
                context.dropped.count(.unsent)
                return
            }
            context.queue.commit(protected, through: context.browserSocket, along: path)
        case .trunk(let trunk):
            guard let path = trunk.latch.destination else { return }
            context.queue.commit(length, through: trunk.rtp.handle, along: path)
        }
        packetsOut &+= 1
        bytesOut &+= UInt64(length)
        sender.sent(
            timestamp: header.timestamp, payloadBytes: payloadLength, clockRate: clockRate, isTimed: isTimed,
            now: context.now)
    }
}
