/// A timestamp of the Network Time Protocol (RFC 5905 §6): seconds since 1900 in 32.32 fixed point,
/// as RTCP sender reports carry it (RFC 3550 §6.4.1).
package struct NTPTime: Hashable, Sendable {
    package var bits: UInt64

    package init(bits: UInt64) {
        self.bits = bits
    }

    /// - Parameters:
    ///   - unixSeconds: since 1970-01-01T00:00:00Z; wraps with the NTP era in 2036, as the wire format does.
    ///   - nanoseconds: 0..<1,000,000,000
    package init(unixSeconds: Int64, nanoseconds: UInt32) {
        let seconds = UInt64(truncatingIfNeeded: unixSeconds &+ 2_208_988_800) & 0xffff_ffff
        let fraction = (UInt64(nanoseconds) << 32) / 1_000_000_000
        bits = seconds << 32 | (fraction & 0xffff_ffff)
    }

    /// The middle 32 bits, as LSR carries them (RFC 3550 §6.4.1); unit 1/65536 s.
    package var middle: UInt32 { UInt32(truncatingIfNeeded: bits >> 16) }
}
