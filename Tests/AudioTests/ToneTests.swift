import Audio
import Testing

private func samples(_ tone: inout ToneGenerator, _ count: Int) -> [Int16] {
    var buffer = [Int16](repeating: 0, count: count)
    buffer.withUnsafeMutableBufferPointer { tone.fill($0) }
    return buffer
}

private func purity(_ samples: [Int16], at frequency: Double, rate: Int = 8000) -> Double {
    var meter = ToneMeter(frequency: frequency, sampleRate: rate)
    samples.withUnsafeBufferPointer { meter.measure($0) }
    return meter.purity
}

private func level(_ samples: [Int16]) -> Double {
    var meter = LevelMeter()
    samples.withUnsafeBufferPointer { meter.measure($0) }
    return meter.dBm0
}

@Suite("Tones and what measures them")
struct ToneTests {
    @Test(
        "a tone is pure and as loud as asked, at any rate", arguments: [8000, 16_000, 44_100, 48_000], [0.0, -20, -40])
    func pureTone(rate: Int, dBm0: Double) {
        var tone = ToneGenerator(frequency: 440, dBm0: dBm0, sampleRate: rate)
        let second = samples(&tone, rate)
        #expect(purity(second, at: 440, rate: rate) > 0.9999)
        #expect(purity(second, at: 450, rate: rate) < 0.001)
        #expect(abs(level(second) - dBm0) < 0.02)
    }

    @Test("buffers join without a seam, whatever their sizes")
    func phaseContinuous() {
        var whole = ToneGenerator(frequency: 1004, second: 350, dBm0: -10, sampleRate: 8000)
        var pieces = whole
        let expected = samples(&whole, 1600)
        var joined: [Int16] = []
        for size in [1, 160, 80, 7, 0, 480, 872] { joined += samples(&pieces, size) }
        #expect(joined == expected)
        #expect(whole == pieces)
    }

    @Test("a tone does not drift in an hour")
    func noDrift() {
        var tone = ToneGenerator(frequency: 1000, dBm0: 0, sampleRate: 8000)
        let first = samples(&tone, 8)
        for _ in 0..<3600 { _ = samples(&tone, 8000) }
        // An hour and eight samples later it is at the same eighth of a turn.
        let last = samples(&tone, 8)
        #expect(zip(first, last).allSatisfy { abs(Int($0) - Int($1)) <= 2 })
    }

    @Test("the milliwatt is 1004 Hz at 0 dBm0 after both laws", arguments: G711.allCases)
    func milliwatt(law: G711) {
        var tone = ToneGenerator.milliwatt(sampleRate: 8000)
        let second = samples(&tone, 8000)
        let coded = second.map { law.decode(law.encode($0)) }
        #expect(purity(coded, at: 1004) > 0.999)
        #expect(abs(level(coded)) < 0.1)
    }

    @Test("the digital milliwatt is the sequence of G.711 tables 5 and 6, at 0 dBm0", arguments: G711.allCases)
    func digitalMilliwatt(law: G711) {
        var tone = DigitalMilliwatt()
        var codes = [UInt8](repeating: 0, count: 805)
        codes.withUnsafeMutableBytes { bytes in
            tone.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[..<5]), law: law)
            tone.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[5...]), law: law)
        }
        let sequence: [UInt8] =
            law == .muLaw
            ? [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e] : [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4]
        #expect(codes.enumerated().allSatisfy { $0.element == sequence[$0.offset % 8] })
        let sound = codes[..<800].map { law.decode($0) }
        #expect(purity(sound, at: 1000) > 0.999)
        #expect(abs(level(sound)) < 0.1)
    }

    @Test("every key is its two tones and none of the others", arguments: Array("0123456789*#ABCD"))
    func keys(digit: Character) throws {
        var tone = try #require(ToneGenerator(digit: digit, sampleRate: 8000))
        let pair = try #require(DTMF.pair(for: digit))
        let half = samples(&tone, 4000)
        for frequency in [697.0, 770, 852, 941, 1209, 1336, 1477, 1633] {
            let share = purity(half, at: frequency)
            if frequency == pair.low {
                #expect(share > 0.36 && share < 0.42)
            } else if frequency == pair.high {
                #expect(share > 0.58 && share < 0.64)
            } else {
                #expect(share < 0.001)
            }
        }
        #expect(half.allSatisfy { $0 != .max && $0 != .min })
    }

    @Test("the sixteen pairs are different")
    func pairs() {
        let all = "0123456789*#ABCD".compactMap { DTMF.pair(for: $0) }
        #expect(Set(all.map { "\($0.low)+\($0.high)" }).count == 16)
        #expect(DTMF.pair(for: "x") == nil)
        #expect(ToneGenerator(digit: "x", sampleRate: 8000) == nil)
    }

    @Test(
        "absurd tones are silent or clipped and never trap",
        arguments: [Double.nan, .infinity, -1, 0, 4000, 1e300], [0, -5, 8000])
    func absurd(frequency: Double, rate: Int) {
        var silent = ToneGenerator(frequency: frequency, dBm0: 0, sampleRate: rate)
        #expect(samples(&silent, 100).allSatisfy { $0 == 0 })
    }

    @Test("too loud is clipped", arguments: [40.0, 1e9, .infinity, .nan])
    func clipped(dBm0: Double) {
        var loud = ToneGenerator(frequency: 1000, dBm0: dBm0, sampleRate: 8000)
        let sound = samples(&loud, 100)
        if dBm0 == 40 {
            #expect(sound.contains(.max))
            #expect(sound.contains(.min))
        }
    }

    @Test("meters say nothing of silence, and begin anew when told")
    func silence() {
        let zeros = [Int16](repeating: 0, count: 160)
        #expect(level(zeros) == -.infinity)
        #expect(purity(zeros, at: 1000) == 0)
        var meter = LevelMeter()
        [Int16.min].withUnsafeBufferPointer { meter.measure($0) }
        #expect(meter.peak == 32768)
        #expect(meter.samples == 1)
        meter.reset()
        #expect(meter == LevelMeter())
        #expect(meter.rootMeanSquare == 0)
    }
}
