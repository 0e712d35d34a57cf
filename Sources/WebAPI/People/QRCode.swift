/// A QR code (ISO/IEC 18004:2015) of bytes, error correction level M, versions 1 to 9: what an authenticator app's camera reads.
///
///     finder  timing   finder       the path of the codewords: two columns at a time, from the right,
///     ▣ · · · ▣         up, down, up …, past everything that has its place already
///     ·  data ·
///     ▣ · · ▫           ▫ alignment, from version 2
struct QRCode: Sendable {
    /// What is the same in every code of a version: ISO/IEC 18004 tables 9 and E.1.
    private struct Version {
        let number: Int
        let codewords: Int
        let correctionPerBlock: Int
        let blocks: Int
        let alignment: [Int]

        var size: Int { 17 + 4 * number }
        var dataCodewords: Int { codewords - correctionPerBlock * blocks }
        /// Mode and count take 12 bits.
        var bytes: Int { dataCodewords - 2 }
    }

    private static let versions = [
        Version(number: 1, codewords: 26, correctionPerBlock: 10, blocks: 1, alignment: []),
        Version(number: 2, codewords: 44, correctionPerBlock: 16, blocks: 1, alignment: [6, 18]),
        Version(number: 3, codewords: 70, correctionPerBlock: 26, blocks: 1, alignment: [6, 22]),
        Version(number: 4, codewords: 100, correctionPerBlock: 18, blocks: 2, alignment: [6, 26]),
        Version(number: 5, codewords: 134, correctionPerBlock: 24, blocks: 2, alignment: [6, 30]),
        Version(number: 6, codewords: 172, correctionPerBlock: 16, blocks: 4, alignment: [6, 34]),
        Version(number: 7, codewords: 196, correctionPerBlock: 18, blocks: 4, alignment: [6, 22, 38]),
        Version(number: 8, codewords: 242, correctionPerBlock: 22, blocks: 4, alignment: [6, 24, 42]),
        Version(number: 9, codewords: 292, correctionPerBlock: 22, blocks: 5, alignment: [6, 26, 46]),
    ]

    private let version: Version
    private var dark: [Bool]
    /// Has its place in every code of the version; masks leave it alone.
    private var isFixed: [Bool]

    /// The smallest version that holds it, under the mask that cameras read best (§7.8.3).
    ///
    /// - Returns: nil for more than 180 bytes.
    init?(_ text: String) {
        guard let version = Self.versions.first(where: { $0.bytes >= text.utf8.count }) else { return nil }
        let plain = QRCode(version, Array(text.utf8))
        let masked = (0..<8).map { plain.masked($0) }
        guard let best = masked.min(by: { $0.penalty < $1.penalty }) else { return nil }
        self = best
    }

    /// The same under a mask of one's own choice, to be compared with what others make.
    init?(_ text: String, mask: Int) {
        guard (0..<8).contains(mask), let version = Self.versions.first(where: { $0.bytes >= text.utf8.count }) else {
            return nil
        }
        self = QRCode(version, Array(text.utf8)).masked(mask)
    }

    /// A text for each row, `1` for a dark module; without the quiet zone of four modules that has to stand around it.
    var rows: [String] {
        (0..<size).map { row in (0..<size).map { self[row, $0] ? "1" : "0" }.joined() }
    }

    private var size: Int { version.size }

    private subscript(row: Int, column: Int) -> Bool { dark[row * size + column] }

    private init(_ version: Version, _ bytes: [UInt8]) {
        self.version = version
        dark = Array(repeating: false, count: version.size * version.size)
        isFixed = dark
        drawFixed()
        place(Self.codewords(bytes, version))
    }

    // MARK: What has its place in every code

    private mutating func fix(_ row: Int, _ column: Int, _ isDark: Bool) {
        guard (0..<size).contains(row), (0..<size).contains(column) else { return }
        dark[row * size + column] = isDark
        isFixed[row * size + column] = true
    }

    private mutating func drawFixed() {
        for index in 0..<size {
            fix(6, index, index.isMultiple(of: 2))
            fix(index, 6, index.isMultiple(of: 2))
        }
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] {
            // With the light line around it.
            drawSquares(row, column, reach: 4) { $0 != 2 && $0 != 4 }
        }
        let last = version.alignment.last ?? 0
        for row in version.alignment {
            for column in version.alignment {
                let isAtFinder =
                    (row == 6 && column == 6) || (row == 6 && column == last) || (row == last && column == 6)
                if !isAtFinder { drawSquares(row, column, reach: 2) { $0 != 1 } }
            }
        }
        drawFormat(mask: 0)
        drawVersion()
    }

    private mutating func drawSquares(_ row: Int, _ column: Int, reach: Int, isDark: (Int) -> Bool) {
        for down in -reach...reach {
            for across in -reach...reach { fix(row + down, column + across, isDark(max(abs(down), abs(across)))) }
        }
    }

    /// Level and mask, twice, with a BCH code (§7.9).
    private mutating func drawFormat(mask: Int) {
        // Level M is 00.
        let data = mask
        var remainder = data
        for _ in 0..<10 { remainder = remainder << 1 ^ (remainder >> 9) * 0x537 }
        let bits = (data << 10 | remainder) ^ 0x5412
        func bit(_ index: Int) -> Bool { bits >> index & 1 == 1 }
        for index in 0...5 { fix(index, 8, bit(index)) }
        fix(7, 8, bit(6))
        fix(8, 8, bit(7))
        fix(8, 7, bit(8))
        for index in 9..<15 { fix(8, 14 - index, bit(index)) }
        for index in 0..<8 { fix(8, size - 1 - index, bit(index)) }
        for index in 8..<15 { fix(size - 15 + index, 8, bit(index)) }
        fix(size - 8, 8, true)
    }

    /// The version, twice, from version 7 (§7.10).
    private mutating func drawVersion() {
        guard version.number >= 7 else { return }
        var remainder = version.number
        for _ in 0..<12 { remainder = remainder << 1 ^ (remainder >> 11) * 0x1f25 }
        let bits = version.number << 12 | remainder
        for index in 0..<18 {
            let (far, near) = (size - 11 + index % 3, index / 3)
            fix(far, near, bits >> index & 1 == 1)
            fix(near, far, bits >> index & 1 == 1)
        }
    }

    // MARK: Data

    /// Mode, count, bytes and padding, in blocks with their correction, interleaved (§7.4 to §7.6).
    private static func codewords(_ bytes: [UInt8], _ version: Version) -> [UInt8] {
        // 0100, eight bits of count, the bytes, 0000: everything moved by four bits.
        var data: [UInt8] = [0x40 | UInt8(bytes.count >> 4)]
        var rest = UInt8(bytes.count & 15)
        for byte in bytes {
            data.append(rest << 4 | byte >> 4)
            rest = byte & 15
        }
        data.append(rest << 4)
        var padding: UInt8 = 0xec
        while data.count < version.dataCodewords {
            data.append(padding)
            padding ^= 0xec ^ 0x11
        }
        let divisor = ReedSolomon(version.correctionPerBlock)
        let length = version.dataCodewords / version.blocks
        let longer = version.dataCodewords % version.blocks
        var blocks: [(data: ArraySlice<UInt8>, correction: [UInt8])] = []
        var rows = data[...]
        for index in 0..<version.blocks {
            let block = rows.prefix(length + (index < version.blocks - longer ? 0 : 1))
            rows = rows.dropFirst(block.count)
            blocks.append((block, divisor.remainder(of: block)))
        }
        var codewords: [UInt8] = []
        for index in 0...length { codewords += blocks.compactMap { $0.data.dropFirst(index).first } }
        for index in 0..<version.correctionPerBlock {
            codewords += blocks.compactMap { $0.correction.dropFirst(index).first }
        }
        return codewords
    }

    private mutating func place(_ codewords: [UInt8]) {
        var bits = codewords.lazy.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 == 1 } }.makeIterator()
        var isUp = true
        for pair in stride(from: size - 1, through: 1, by: -2) {
            // The timing column is passed over.
            let right = pair <= 6 ? pair - 1 : pair
            for step in 0..<size {
                let row = isUp ? size - 1 - step : step
                for column in [right, right - 1] where !isFixed[row * size + column] {
                    dark[row * size + column] = bits.next() ?? false
                }
            }
            isUp.toggle()
        }
    }

    // MARK: Masks

    private func masked(_ mask: Int) -> QRCode {
        var code = self
        for row in 0..<size {
            for column in 0..<size where !isFixed[row * size + column] && Self.inverts(mask, row, column) {
                code.dark[row * size + column].toggle()
            }
        }
        code.drawFormat(mask: mask)
        return code
    }

    /// Table 10.
    private static func inverts(_ mask: Int, _ row: Int, _ column: Int) -> Bool {
        switch mask {
        case 0: (row + column).isMultiple(of: 2)
        case 1: row.isMultiple(of: 2)
        case 2: column.isMultiple(of: 3)
        case 3: (row + column).isMultiple(of: 3)
        case 4: (row / 2 + column / 3).isMultiple(of: 2)
        case 5: row * column % 2 + row * column % 3 == 0
        case 6: (row * column % 2 + row * column % 3).isMultiple(of: 2)
        default: ((row + column) % 2 + row * column % 3).isMultiple(of: 2)
        }
    }

    /// What makes a code hard to read: long runs, squares of one colour, what looks like a finder, and an uneven share of dark.
    private var penalty: Int {
        var penalty = 0
        let finder = [true, false, true, true, true, false, true]
        for isColumn in [false, true] {
            for line in 0..<size {
                let modules = (0..<size).map { isColumn ? self[$0, line] : self[line, $0] }
                var run = 0
                for (index, isDark) in modules.enumerated() {
                    run = index > 0 && modules[index - 1] == isDark ? run + 1 : 1
                    if run == 5 { penalty += 3 } else if run > 5 { penalty += 1 }
                }
                for start in 0...(size - 7) where Array(modules[start..<start + 7]) == finder {
                    let before = modules[max(0, start - 4)..<start]
                    let after = modules[(start + 7)..<min(size, start + 11)]
                    if !before.contains(true) || !after.contains(true) { penalty += 40 }
                }
            }
        }
        for row in 1..<size {
            for column in 1..<size {
                let colour = self[row, column]
                if self[row - 1, column] == colour, self[row, column - 1] == colour, self[row - 1, column - 1] == colour
                {
                    penalty += 3
                }
            }
        }
        let percent = dark.count(where: { $0 }) * 100 / dark.count
        return penalty + abs(percent - 50) / 5 * 10
    }
}

/// Correction codewords over GF(2⁸) with the polynomial 0x11d (ISO/IEC 18004 annex A).
private struct ReedSolomon {
    private var divisor: [UInt8]

    init(_ degree: Int) {
        divisor = Array(repeating: 0, count: degree - 1) + [1]
        var root: UInt8 = 1
        for _ in 0..<degree {
            for index in divisor.indices {
                divisor[index] = Self.product(divisor[index], root)
                if index + 1 < degree { divisor[index] ^= divisor[index + 1] }
            }
            root = Self.product(root, 2)
        }
    }

    func remainder(of data: some Sequence<UInt8>) -> [UInt8] {
        var remainder = Array(repeating: UInt8(0), count: divisor.count)
        for byte in data {
            let factor = byte ^ remainder.removeFirst()
            remainder.append(0)
            for index in remainder.indices { remainder[index] ^= Self.product(divisor[index], factor) }
        }
        return remainder
    }

    private static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var product = UInt8(0)
        for bit in stride(from: 7, through: 0, by: -1) {
            product = product << 1 ^ (product >> 7) * 0x1d
            product ^= (right >> UInt8(bit) & 1) * left
        }
        return product
    }
}
