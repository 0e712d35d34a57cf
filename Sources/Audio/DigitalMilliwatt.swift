/// 1 kHz at 0 dBm0 as eight codes that repeat (ITU-T G.711 tables 5 and 6): the tone by which coders are measured.
package struct DigitalMilliwatt: Equatable, Sendable, Codable {
    /// How many codes one turn of the sine has.
    package static let period = 8

    /// 0..<8
    private var position = 0

    package init() {}

    /// Fills the whole buffer and goes on in the next one.
    package mutating func fill(_ codes: UnsafeMutableRawBufferPointer, law: G711) {
        for index in 0..<codes.count {
            codes[index] = Self.code(position, law: law)
            position = (position + 1) % Self.period
        }
    }

    private static func code(_ position: Int, law: G711) -> UInt8 {
        let sign: UInt8 = position % 8 < 4 ? 0 : 0x80
        let isPeak = (1...2).contains(position % 4)
        return switch law {
        case .muLaw: (isPeak ? 0x0b : 0x1e) | sign
        case .aLaw: (isPeak ? 0x21 : 0x34) ^ sign
        }
    }
}
