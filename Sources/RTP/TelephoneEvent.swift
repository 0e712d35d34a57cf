package import Wire

/// Why a payload is not a telephone-event.
package enum TelephoneEventError: Error, Equatable, Sendable {
    /// Fewer than the four bytes of one event.
    case tooShort(count: Int)
}

/// The payload of a telephone-event packet (RFC 4733 §2.3).
///
///     |     event     |E|R| volume    |          duration             |
package struct TelephoneEvent: Equatable, Sendable {
    package static let length = 4

    /// 0...9 are the digits, 10 is `*`, 11 is `#`, 12...15 are A...D, 16 is flash (RFC 4733 §3.2).
    package var event: UInt8
    package var isEnd: Bool
    /// Power below 0 dBm0 in dB, 0...63.
    package var volume: UInt8
    /// Since the packet's timestamp, in ticks of the event's clock rate.
    package var duration: UInt16

    package init(event: UInt8, isEnd: Bool, volume: UInt8 = 10, duration: UInt16) {
        self.event = event
        self.isEnd = isEnd
        self.volume = volume
        self.duration = duration
    }

    /// Reads the first event of a payload; what may follow it (RFC 4733 allows more) is not looked at.
    package init(parsing payload: UnsafeRawBufferPointer) throws(TelephoneEventError) {
        guard payload.count >= Self.length else { throw .tooShort(count: payload.count) }
        event = payload[0]
        isEnd = payload[1] & 0x80 != 0
        volume = payload[1] & 0x3f
        duration = bigEndian16(payload, at: 2)
    }

    /// - Returns: 4, the bytes written.
    /// - Throws: `noRoom` if the buffer is shorter.
    @discardableResult
    package func write(into buffer: UnsafeMutableRawBufferPointer) throws(WireError) -> Int {
        guard buffer.count >= Self.length else { throw .noRoom(needed: Self.length, left: buffer.count) }
        buffer[0] = event
        buffer[1] = (isEnd ? 0x80 : 0) | min(volume, 63)
        putBigEndian(duration, into: buffer, at: 2)
        return Self.length
    }

    /// The same event with its duration in another clock; it stays at the field's maximum when it does not fit
    /// (at 48 kHz that is 1.37 s), because a receiver takes a duration that stops growing as a held key.
    package func converted(from: UInt32, to: UInt32) -> TelephoneEvent {
        var copy = self
        copy.duration = UInt16(clamping: rescale(Int64(duration), from: from, to: to))
        return copy
    }

    /// The key, or nil for events that are no key (flash, tones of faxes and modems).
    package var digit: Character? {
        switch event {
        case 0...9: Character(Unicode.Scalar(0x30 + event))
        case 10: "*"
        case 11: "#"
        case 12...15: Character(Unicode.Scalar(0x41 + event - 12))
        default: nil
        }
    }

    /// - Parameter digit: `0`...`9`, `*`, `#`, `A`...`D` in either case.
    /// - Returns: the event code, or nil for anything else.
    package static func code(for digit: Character) -> UInt8? {
        guard let ascii = digit.asciiValue else { return nil }
        switch ascii {
        case 0x30...0x39: return ascii - 0x30
        case 0x2a: return 10
        case 0x23: return 11
        case 0x41...0x44: return ascii - 0x41 + 12
        case 0x61...0x64: return ascii - 0x61 + 12
        default: return nil
        }
    }
}
