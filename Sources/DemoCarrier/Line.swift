import Audio
import RTP
import SDP
import Wire

/// The sound of one call: its ports, what it says and what it hears.
struct Line: Sendable {
    enum Happening: Sendable {
        case greetingEnded
        case digit(Character)
        /// Nothing was heard for ``Line/patience``.
        case silent
    }

    /// A caller who vanished without BYE is not kept for ever.
    static let patience = Duration.seconds(60)
    /// Packets taken in one turn: more than a far end sends in 20 ms, so that a flood cannot hold the thread.
    private static let burst = 32

    private let ports: PortPair
    private var audio: TrunkAudio?
    private var voice: Voice
    private var keys = TelephoneEventReceiver()
    private var heardAt: MonotonicTime
    private var header: RTPHeader
    private var isFirst = true

    init(ports: PortPair, greeting: Prompt, now: MonotonicTime) {
        self.ports = ports
        voice = Voice(greeting: greeting)
        heardAt = now
        header = RTPHeader(
            payloadType: 0, sequenceNumber: .random(in: 0...0x7fff), timestamp: .random(in: 0...(.max)),
            ssrc: .random(in: 0...(.max)))
    }

    mutating func connect(_ audio: TrunkAudio, now: MonotonicTime) {
        self.audio = audio
        heardAt = now
    }

    mutating func play(_ source: Voice.Source) {
        voice.play(source)
    }

    /// Takes what came.
    mutating func listen(now: MonotonicTime) -> [Happening] {
        guard let audio else { return [] }
        var happenings: [Happening] = []
        withUnsafeTemporaryAllocation(byteCount: 2_048, alignment: 8) { buffer in
            for _ in 0..<Self.burst {
                let count = ports.receive(into: buffer, from: audio.remote.host)
                guard count > 0 else { break }
                hear(UnsafeRawBufferPointer(rebasing: buffer[..<count]), audio, now: now, &happenings)
            }
        }
        if let digit = keys.advance(to: now) { pressed(digit, &happenings) }
        if audio.direction.receives, now - heardAt > Self.patience {
            heardAt = now
            happenings.append(.silent)
        }
        return happenings
    }

    private mutating func hear(
        _ packet: UnsafeRawBufferPointer, _ audio: TrunkAudio, now: MonotonicTime, _ happenings: inout [Happening]
    ) {
        guard !RTCP.isRTCP(packet), let header = try? RTPHeader(parsing: packet) else { return }
        let payload = UnsafeRawBufferPointer(rebasing: packet[header.payload])
        heardAt = now
        if header.payloadType == audio.receivableTelephoneEvent {
            guard let event = try? TelephoneEvent(parsing: payload) else { return }
            let outcome = keys.received(event, header: header, clockRate: audio.telephoneEventClockRate, now: now)
            for digit in [outcome.interrupted, outcome.completed] { pressed(digit, &happenings) }
        } else if let format = audio.receivable.first(where: { $0.payloadType == header.payloadType }),
            let law = format.codec.law
        {
            voice.heard(payload.lazy.map { law.decode($0) })
        }
    }

    private mutating func pressed(_ digit: TelephoneEventReceiver.Digit?, _ happenings: inout [Happening]) {
        guard let digit else { return }
        voice.pressed(digit.character)
        happenings.append(.digit(digit.character))
    }

    /// Says the next 20 ms.
    mutating func speak() -> Happening? {
        guard let audio, let law = audio.codec.law else { return nil }
        return withUnsafeTemporaryAllocation(of: Int16.self, capacity: Voice.frame) { samples -> Happening? in
            let isGreetingOver = voice.fill(samples)
            header.payloadType = audio.payloadType
            header.marker = isFirst
            if audio.direction.sends, !audio.remote.host.isUnspecified, audio.remote.port != 0 {
                send(UnsafeBufferPointer(samples), law, to: audio.remote)
            }
            header.timestamp &+= UInt32(Voice.frame)
            return isGreetingOver ? .greetingEnded : nil
        }
    }

    private mutating func send(_ samples: UnsafeBufferPointer<Int16>, _ law: G711, to remote: NetworkAddress) {
        let length = RTPHeader.fixedLength + samples.count
        withUnsafeTemporaryAllocation(byteCount: length, alignment: 8) { packet in
            guard let start = try? header.write(into: packet) else { return }
            law.encode(samples, into: UnsafeMutableRawBufferPointer(rebasing: packet[start...]))
            ports.send(UnsafeRawBufferPointer(packet), to: remote)
        }
        header.sequenceNumber &+= 1
        isFirst = false
    }
}

extension AudioCodec {
    /// nil for Opus, which is never agreed on here.
    fileprivate var law: G711? {
        switch self {
        case .pcmu: .muLaw
        case .pcma: .aLaw
        case .opus: nil
        }
    }
}
