/// Logarithmic coding of 8 kHz sound in 8 bits a sample (ITU-T G.711).
///
///     | sign | segment (3) | step in the segment (4) |
///
/// Codes are as on the wire: µ-law with all bits inverted, A-law with the even bits inverted. The arithmetic
/// is the reference code's (ITU-T G.191); it is as quick as a table and leaves the cache to others.
package enum G711: Equatable, Sendable, CaseIterable {
    /// PCMU, payload type 0.
    case muLaw
    /// PCMA, payload type 8.
    case aLaw

    /// Hz
    package static let sampleRate = 8000

    /// The code of digital silence.
    package var silence: UInt8 {
        switch self {
        case .muLaw: 0xff
        case .aLaw: 0xd5
        }
    }

    package func encode(_ sample: Int16) -> UInt8 {
        switch self {
        case .muLaw: Self.encodeMuLaw(sample)
        case .aLaw: Self.encodeALaw(sample)
        }
    }

    package func decode(_ code: UInt8) -> Int16 {
        switch self {
        case .muLaw: Self.decodeMuLaw(code)
        case .aLaw: Self.decodeALaw(code)
        }
    }

    /// Encodes as many samples as both buffers hold.
    /// - Returns: how many.
    @discardableResult
    package func encode(_ samples: UnsafeBufferPointer<Int16>, into codes: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(samples.count, codes.count)
        switch self {
        case .muLaw: for index in 0..<count { codes[index] = Self.encodeMuLaw(samples[index]) }
        case .aLaw: for index in 0..<count { codes[index] = Self.encodeALaw(samples[index]) }
        }
        return count
    }

    /// Decodes as many codes as both buffers hold.
    /// - Returns: how many.
    @discardableResult
    package func decode(_ codes: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
        let count = min(samples.count, codes.count)
        switch self {
        case .muLaw: for index in 0..<count { samples[index] = Self.decodeMuLaw(codes[index]) }
        case .aLaw: for index in 0..<count { samples[index] = Self.decodeALaw(codes[index]) }
        }
        return count
    }

    /// Turns codes of this law into codes of the other one, in place.
    package func convert(_ codes: UnsafeMutableRawBufferPointer, to law: G711) {
        guard law != self else { return }
        for index in 0..<codes.count { codes[index] = law.encode(decode(codes[index])) }
    }
}

extension G711 {
    /// Magnitudes are 14 bits less a sign, biased by 33 so that each segment begins at a power of two.
    @inline(__always)
    private static func encodeMuLaw(_ sample: Int16) -> UInt8 {
        let bits = Int32(sample)
        let magnitude = min((bits < 0 ? ~bits : bits) >> 2 + 33, 0x1fff)
        // 33...0x1fff has its highest bit at 5...12.
        let segment = 26 - Int32(magnitude.leadingZeroBitCount)
        let step = (magnitude >> (segment + 1)) & 0x0f
        return ~(UInt8(truncatingIfNeeded: segment << 4 | step) | (bits < 0 ? 0x80 : 0))
    }

    @inline(__always)
    private static func decodeMuLaw(_ code: UInt8) -> Int16 {
        let bits = Int32(~code)
        let segment = (bits >> 4) & 7
        let magnitude = (((bits & 0x0f) << 1 + 33) << segment - 33) << 2
        return Int16(truncatingIfNeeded: bits & 0x80 != 0 ? -magnitude : magnitude)
    }

    /// Magnitudes are 12 bits; the first two segments share one step size.
    @inline(__always)
    private static func encodeALaw(_ sample: Int16) -> UInt8 {
        let bits = Int32(sample)
        let magnitude = (bits < 0 ? ~bits : bits) >> 4
        // 32...0x7ff has its highest bit at 5...10.
        let shift = 27 - Int32(magnitude.leadingZeroBitCount)
        let code = magnitude < 32 ? magnitude : (shift + 1) << 4 | (magnitude >> shift) & 0x0f
        return (UInt8(truncatingIfNeeded: code) | (bits < 0 ? 0 : 0x80)) ^ 0x55
    }

    @inline(__always)
    private static func decodeALaw(_ code: UInt8) -> Int16 {
        let bits = Int32(code ^ 0x55)
        let segment = (bits >> 4) & 7
        let step = (bits & 0x0f) << 1 + 1
        let magnitude = (segment == 0 ? step : (step + 32) << (segment - 1)) << 3
        return Int16(truncatingIfNeeded: bits & 0x80 != 0 ? magnitude : -magnitude)
    }
}
