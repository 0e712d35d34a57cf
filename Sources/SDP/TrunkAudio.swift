package import Wire

/// What the box and its telephone provider agreed on for one call.
package struct TrunkAudio: Equatable, Sendable, Codable {
    /// What the box sends, under the payload type that the provider named for it.
    package var codec: AudioCodec
    /// 0...127
    package var payloadType: UInt8
    /// The payload type to send telephone-events (RFC 4733) under; nil if the provider takes none.
    package var telephoneEvent: UInt8?
    /// Ticks of telephone-event durations in a second; 8,000 but for Opus.
    package var telephoneEventClockRate: UInt32
    /// Where RTP goes. The unspecified address (an old way to say hold) takes none.
    package var remote: NetworkAddress
    /// Where RTCP goes: `a=rtcp` (RFC 3605) or the next port. Port 0: send none.
    package var remoteRTCP: NetworkAddress
    /// Audio in each packet that the box sends, 10...60 ms.
    package var packetMilliseconds: Int
    /// Seen by the box: `recvonly` while the provider holds the call.
    package var direction: MediaDirection
    /// Everything that the provider may send, under the payload types that the *box's* description named.
    package var receivable: [AudioFormat]
    /// The payload type under which telephone-events arrive; nil if the box named none.
    package var receivableTelephoneEvent: UInt8?

    /// Leaving out the last two says that both directions use the same payload types.
    package init(
        codec: AudioCodec, payloadType: UInt8, telephoneEvent: UInt8? = nil, telephoneEventClockRate: UInt32 = 8_000,
        remote: NetworkAddress, remoteRTCP: NetworkAddress? = nil, packetMilliseconds: Int = 20,
        direction: MediaDirection = .sendrecv, receivable: [AudioFormat]? = nil,
        receivableTelephoneEvent: UInt8?? = nil
    ) {
        self.codec = codec
        self.payloadType = payloadType
        self.telephoneEvent = telephoneEvent
        self.telephoneEventClockRate = telephoneEventClockRate
        self.remote = remote
        self.remoteRTCP = remoteRTCP ?? NetworkAddress(host: remote.host, port: remote.port &+ 1)
        self.packetMilliseconds = packetMilliseconds
        self.direction = direction
        self.receivable = receivable ?? [AudioFormat(codec: codec, payloadType: payloadType)]
        self.receivableTelephoneEvent = receivableTelephoneEvent ?? telephoneEvent
    }
}
