/// Names one call on this box, from its first sound to its record: 32 lower-case hexadecimal digits.
///
/// It is made of random bits, so that no box needs to know another's and none tells when it was made.
package struct CallIdentifier: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    package init(using generator: inout some RandomNumberGenerator) {
        description = hexadecimal(bytes: 16, using: &generator)
    }

    /// - Returns: nil unless `text` is 32 lower-case hexadecimal digits.
    package init?(_ text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy(isLowerHexadecimal) else { return nil }
        description = text
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let identifier = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a call identifier")
        }
        self = identifier
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Names one leg (one party's side) of a call while this process runs.
package struct LegIdentifier: Hashable, Sendable, Codable, CustomStringConvertible {
    package let number: UInt64

    package init(number: UInt64) {
        self.number = number
    }

    package var description: String { "leg-\(number)" }
}

/// - Returns: `2 * bytes` lower-case hexadecimal digits.
package func hexadecimal(bytes: Int, using generator: inout some RandomNumberGenerator) -> String {
    hexadecimal((0..<bytes).map { _ in UInt8.random(in: 0...255, using: &generator) })
}

/// Lower-case hexadecimal digits, two a byte.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

private func isLowerHexadecimal(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
}
