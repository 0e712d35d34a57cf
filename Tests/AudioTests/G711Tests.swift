import Audio
import Testing

/// ITU-T G.711 as its tables 1 and 2 say it: positive output values and the decision values between them.
/// Written from the tables' construction, not from the arithmetic of the code under test.
private struct Table {
    /// Output values of codes 0...127 before inversion, in 16 bits.
    var outputs: [Int] = []
    /// `decisions[n]` is the least magnitude that is coded as n.
    var decisions: [Int] = []

    static let muLaw: Table = {
        // Table 2a: steps of 2, 4, 8 … 256 of 8159, first step half as wide; times 4 for 16 bits.
        var table = Table(outputs: [0], decisions: [0])
        var edge = 1
        for segment in 0..<8 {
            let step = 2 << segment
            for _ in 0..<(segment == 0 ? 15 : 16) {
                table.decisions.append(edge * 4)
                table.outputs.append((edge + edge + step) * 2)
                edge += step
            }
        }
        return table
    }()

    static let aLaw: Table = {
        // Table 1a: steps of 2 (twice), 4, 8 … 128 of 4096; times 8 for 16 bits.
        var table = Table()
        var edge = 0
        for segment in 0..<8 {
            let step = segment == 0 ? 2 : 1 << segment
            for _ in 0..<16 {
                table.decisions.append(edge * 8)
                table.outputs.append((edge + edge + step) * 4)
                edge += step
            }
        }
        return table
    }()

    func code(magnitude: Int) -> UInt8 {
        UInt8(decisions.lastIndex { $0 <= magnitude } ?? 0)
    }
}

@Suite("ITU-T G.711")
struct G711Tests {
    @Test("all 256 µ-law codes decode to the table's values")
    func muLawDecoding() {
        #expect(Table.muLaw.outputs.count == 128)
        #expect(Table.muLaw.outputs.last == 8031 * 4)
        for code in 0...127 {
            #expect(G711.muLaw.decode(~UInt8(code)) == Int16(Table.muLaw.outputs[code]))
            #expect(G711.muLaw.decode(~UInt8(code | 0x80)) == -Int16(Table.muLaw.outputs[code]))
        }
    }

    @Test("all 256 A-law codes decode to the table's values")
    func aLawDecoding() {
        #expect(Table.aLaw.outputs.count == 128)
        #expect(Table.aLaw.outputs.last == 4032 * 8)
        for code in 0...127 {
            #expect(G711.aLaw.decode(UInt8(code | 0x80) ^ 0x55) == Int16(Table.aLaw.outputs[code]))
            #expect(G711.aLaw.decode(UInt8(code) ^ 0x55) == -Int16(Table.aLaw.outputs[code]))
        }
    }

    @Test("all 65,536 samples are coded by the table's decision values", arguments: G711.allCases)
    func encoding(law: G711) {
        let table = law == .muLaw ? Table.muLaw : Table.aLaw
        // Magnitudes once; a negative value belongs to the step below on the very edge (ITU-T G.191: one's complement).
        let codes = (0...32767).map { table.code(magnitude: $0) }
        var wrong = 0
        for value in Int16.min...Int16.max {
            let magnitude = value < 0 ? Int(~value) : Int(value)
            let expected: UInt8 =
                switch law {
                case .muLaw: ~(codes[magnitude] | (value < 0 ? 0x80 : 0))
                case .aLaw: (codes[magnitude] | (value < 0 ? 0 : 0x80)) ^ 0x55
                }
            if law.encode(value) != expected { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test("coding a second time changes nothing, for all 65,536 samples", arguments: G711.allCases)
    func idempotence(law: G711) {
        var wrong = 0
        for value in Int16.min...Int16.max {
            let once = law.decode(law.encode(value))
            if law.decode(law.encode(once)) != once { wrong += 1 }
        }
        #expect(wrong == 0)
        // The one code that may change is µ-law's negative zero.
        let changed = (0...255 as ClosedRange<UInt8>).filter { law.encode(law.decode($0)) != $0 }
        #expect(changed == (law == .muLaw ? [0x7f] : []))
    }

    @Test("silence is the code of zero", arguments: G711.allCases)
    func silence(law: G711) {
        #expect(law.encode(0) == law.silence)
        #expect(abs(Int(law.decode(law.silence))) <= 8)
    }

    @Test("whole buffers, and no more than the smaller one holds", arguments: G711.allCases)
    func buffers(law: G711) {
        let samples = (0..<160).map { Int16($0 * 199 - 16_000) }
        var codes = [UInt8](repeating: 0xaa, count: 170)
        let count = samples.withUnsafeBufferPointer { source in
            codes.withUnsafeMutableBytes { law.encode(source, into: $0) }
        }
        #expect(count == 160)
        #expect(Array(codes[..<160]) == samples.map { law.encode($0) })
        #expect(codes[160...].allSatisfy { $0 == 0xaa })
        var decoded = [Int16](repeating: 1, count: 100)
        let back = codes.withUnsafeBytes { source in
            decoded.withUnsafeMutableBufferPointer { law.decode(source, into: $0) }
        }
        #expect(back == 100)
        #expect(decoded == codes[..<100].map { law.decode($0) })
    }

    @Test("one law becomes the other within a quarter of a decibel of noise")
    func conversion() {
        for value in Int16(-30_000)...30_000 where value % 7 == 0 {
            var code = [G711.muLaw.encode(value)]
            code.withUnsafeMutableBytes { G711.muLaw.convert($0, to: .aLaw) }
            let error = abs(Int(G711.aLaw.decode(code[0])) - Int(value))
            #expect(error <= 16 + abs(Int(value)) / 16)
        }
        var same: [UInt8] = [1, 2, 3]
        same.withUnsafeMutableBytes { G711.aLaw.convert($0, to: .aLaw) }
        #expect(same == [1, 2, 3])
    }
}
