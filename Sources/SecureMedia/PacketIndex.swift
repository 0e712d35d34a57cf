/// The index of an SRTP packet: the rollover counter, which is on no wire, and the sequence number (RFC 3711 §3.3.1).
///
///     | 16 bits unused |  rollover counter, 32 bits  | sequence number, 16 bits |
///
/// libsrtp keeps one for each stream and tells its upper part only, so the session keeps its own beside it, by the same rule.
package struct PacketIndex: Sendable, Codable, Hashable, Comparable {
    package let value: UInt64

    init(value: UInt64) {
        self.value = value & 0xffff_ffff_ffff
    }

    /// The index of a stream's first packet: its counter starts at zero.
    init(first sequenceNumber: UInt16) {
        value = UInt64(sequenceNumber)
    }

    /// - Throws: `DecodingError` for a number beyond 48 bits.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        value = try container.decode(UInt64.self)
        guard value <= 0xffff_ffff_ffff else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "an SRTP index has 48 bits")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    package var rolloverCounter: UInt32 { UInt32(truncatingIfNeeded: value >> 16) }
    package var sequenceNumber: UInt16 { UInt16(truncatingIfNeeded: value) }

    /// The index that a packet with this sequence number has if this one is the newest: the counter of the three
    /// possible ones that brings it closest (RFC 3711 §3.3.1); never before the stream's beginning.
    func estimate(_ sequenceNumber: UInt16) -> PacketIndex {
        let ahead = Int(sequenceNumber) - Int(self.sequenceNumber)
        var counter = rolloverCounter
        // Below the first half of its first round a stream has no round before.
        if value > 0x8000 {
            if ahead > 0x8000, self.sequenceNumber < 0x8000 {
                counter &-= 1
            } else if ahead < -0x8000, self.sequenceNumber >= 0x8000 {
                counter &+= 1
            }
        }
        return PacketIndex(value: UInt64(counter) << 16 | UInt64(sequenceNumber))
    }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}
