/// What a browser and the box agreed on: all that the media path has to know of the page's description.
package struct BrowserAudio: Equatable, Sendable, Codable {
    /// Agreed codecs, the box's favourite first. Both ends may send any of them at any time; each keeps
    /// one payload type number in both directions.
    package var formats: [AudioFormat]
    /// Payload types of `telephone-event` (RFC 4733) by clock rate in Hz.
    package var telephoneEvents: [UInt32: UInt8]
    /// Seen by the box: `sendonly` for a page without a microphone.
    package var direction: MediaDirection

    package init(
        formats: [AudioFormat], telephoneEvents: [UInt32: UInt8] = [:], direction: MediaDirection = .sendrecv
    ) {
        self.formats = formats
        self.telephoneEvents = telephoneEvents
        self.direction = direction
    }

    package func payloadType(of codec: AudioCodec) -> UInt8? {
        formats.first { $0.codec == codec }?.payloadType
    }

    package func codec(of payloadType: UInt8) -> AudioCodec? {
        formats.first { $0.payloadType == payloadType }?.codec
    }

    /// The clock rate in Hz of the events under this payload type; nil if it is none of theirs.
    package func telephoneEventClockRate(of payloadType: UInt8) -> UInt32? {
        telephoneEvents.first { $0.value == payloadType }?.key
    }
}
