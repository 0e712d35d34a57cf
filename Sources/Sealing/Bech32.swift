/// Bech32 (BIP-173): a readable prefix, five bits a sign, and a checksum that finds every mistake in up to four signs.
///
/// Without the limit of 90 signs, as age has it.
enum Bech32 {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    /// - Parameter prefix: lower case.
    static func encode(_ bytes: [UInt8], prefix: String) -> String {
        let values = regrouped(bytes, from: 8, to: 5, padding: true) ?? []
        let expanded = expand(prefix)
        let checksum = polymod(expanded + values + [UInt8](repeating: 0, count: 6)) ^ 1
        let signs = values + (0..<6).map { UInt8(truncatingIfNeeded: checksum >> UInt32(5 * (5 - $0))) & 31 }
        return prefix + "1" + String(decoding: signs.map { alphabet[Int($0 & 31)] }, as: UTF8.self)
    }

    /// - Returns: nil for another prefix, a wrong checksum, mixed case or bits left over.
    static func decode(_ text: String, prefix: String) -> [UInt8]? {
        guard !prefix.isEmpty, text == text.lowercased() || text == text.uppercased() else { return nil }
        let text = Array(text.lowercased().utf8)
        guard let one = text.lastIndex(of: 0x31), text[..<one].elementsEqual(prefix.utf8) else { return nil }
        var values: [UInt8] = []
        for sign in text[(one + 1)...] {
            guard let value = alphabet.firstIndex(of: sign) else { return nil }
            values.append(UInt8(value))
        }
        guard values.count >= 6, polymod(expand(prefix) + values) == 1 else { return nil }
        return regrouped(Array(values.dropLast(6)), from: 5, to: 8, padding: false)
    }

    private static func expand(_ prefix: String) -> [UInt8] {
        prefix.utf8.map { $0 >> 5 } + [0] + prefix.utf8.map { $0 & 31 }
    }

    /// The remainder over GF(32), as in BIP-173.
    private static func polymod(_ values: [UInt8]) -> UInt32 {
        let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
        var checksum: UInt32 = 1
        for value in values {
            let top = checksum >> 25
            checksum = (checksum & 0x1ff_ffff) << 5 ^ UInt32(value)
            for (index, term) in generator.enumerated() where top >> UInt32(index) & 1 == 1 { checksum ^= term }
        }
        return checksum
    }

    private static func regrouped(_ values: [UInt8], from: UInt32, to: UInt32, padding: Bool) -> [UInt8]? {
        var (accumulator, bits, result): (UInt32, UInt32, [UInt8]) = (0, 0, [])
        for value in values {
            accumulator = (accumulator << from | UInt32(value)) & 0xfff
            bits += from
            while bits >= to {
                bits -= to
                result.append(UInt8(truncatingIfNeeded: accumulator >> bits & (1 << to - 1)))
            }
        }
        if padding {
            if bits > 0 { result.append(UInt8(truncatingIfNeeded: accumulator << (to - bits) & (1 << to - 1))) }
        } else if bits >= from || accumulator << (to - bits) & (1 << to - 1) != 0 {
            return nil
        }
        return result
    }
}
