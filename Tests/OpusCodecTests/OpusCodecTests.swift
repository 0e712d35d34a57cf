import Foundation
import OpusCodec
import Testing

@Suite("RFC 6716 Opus at the 8 kHz API rate")
struct OpusCodecTests {
    /// A sine at half of full scale.
    static func tone(_ hertz: Double, samples: Int) -> [Int16] {
        (0..<samples).map { Int16(16_000 * sin(2 * .pi * hertz * Double($0) / 8_000)) }
    }

    /// The share of the energy that lies at one frequency: 1 for a pure tone. A least-squares fit of sine, cosine
    /// and mean, so that any number of samples will do.
    static func purity(_ samples: ArraySlice<Int16>, at hertz: Double) -> Double {
        let step = 2 * Double.pi * hertz / 8_000
        var (inPhase, quadrature, energy) = (0.0, 0.0, 0.0)
        for (index, sample) in samples.enumerated() {
            inPhase += Double(sample) * cos(step * Double(index))
            quadrature += Double(sample) * sin(step * Double(index))
            energy += Double(sample) * Double(sample)
        }
        guard energy > 0 else { return 0 }
        return 2 * (inPhase * inPhase + quadrature * quadrature) / (Double(samples.count) * energy)
    }

    static func level(_ samples: some Collection<Int16>) -> Double {
        (samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(samples.count, 1))).squareRoot()
    }

    static func encode(_ samples: [Int16], frame: Int = 160, with encoder: OpusEncoder) throws -> [[UInt8]] {
        try stride(from: 0, through: samples.count - frame, by: frame).map { start in
            var payload = [UInt8](repeating: 0, count: 400)
            let length = try samples[start..<start + frame].withUnsafeBufferPointer { source in
                try payload.withUnsafeMutableBytes { try encoder.encode(source, into: $0) }
            }
            return Array(payload.prefix(length))
        }
    }

    /// Gives a decoding step room for the longest packet and returns what it wrote.
    static func decoded(
        _ step: (UnsafeMutableBufferPointer<Int16>) throws -> Int, room: Int = OpusFormat.longestPacketSamples
    ) throws -> [Int16] {
        var samples = [Int16](repeating: 0, count: room)
        let count = try samples.withUnsafeMutableBufferPointer { try step($0) }
        return Array(samples.prefix(count))
    }

    static func decode(_ payload: [UInt8], with decoder: OpusDecoder) throws -> [Int16] {
        try payload.withUnsafeBytes { bytes in try decoded { try decoder.decode(bytes, into: $0) } }
    }

    @Test("a tone keeps its frequency and a purity of 0.99", arguments: [300.0, 440, 1_000, 1_004, 2_000, 3_000])
    func toneSurvives(hertz: Double) throws {
        let (encoder, decoder) = (try OpusEncoder(), try OpusDecoder())
        let packets = try Self.encode(Self.tone(hertz, samples: 16_000), with: encoder)
        let heard = try packets.flatMap { try Self.decode($0, with: decoder) }
        #expect(heard.count == 16_000)
        let settled = heard[4_000..<12_000]
        let purity = Self.purity(settled, at: hertz)
        print("\(hertz) Hz: purity \(purity), \(packets.map(\.count).reduce(0, +) * 4) bit/s")
        #expect(purity >= 0.99)
        #expect(Self.level(settled) / (16_000 / 2.0.squareRoot()) > 0.8)
        #expect(Self.purity(settled, at: hertz * 1.05) < 0.1)
    }

    @Test("every frame size comes back in full", arguments: [20, 40, 80, 160, 320, 480])
    func frameSizes(samples: Int) throws {
        let (encoder, decoder) = (try OpusEncoder(), try OpusDecoder())
        for payload in try Self.encode(Self.tone(440, samples: samples * 10), frame: samples, with: encoder) {
            #expect(try payload.withUnsafeBytes { try OpusDecoder.samples(in: $0) } == samples)
            #expect(try Self.decode(payload, with: decoder).count == samples)
        }
    }

    @Test("other frame sizes and too small buffers are errors", arguments: [0, 1, 159, 161, 960, 8_000])
    func wrongFrameSize(samples: Int) throws {
        let encoder = try OpusEncoder()
        var payload = [UInt8](repeating: 0, count: 400)
        let sound = [Int16](repeating: 1, count: samples)
        #expect(throws: OpusError.wrongFrameSize) {
            try sound.withUnsafeBufferPointer { source in
                try payload.withUnsafeMutableBytes { try encoder.encode(source, into: $0) }
            }
        }
        let frame = [Int16](repeating: 1, count: 160)
        #expect(throws: OpusError.noRoom) {
            try frame.withUnsafeBufferPointer { source in
                try payload.withUnsafeMutableBytes { try encoder.encode(source, into: .init(rebasing: $0[..<1])) }
            }
        }
    }

    @Test("a gap is concealed by something like what was before, which fades out")
    func concealment() throws {
        let (encoder, decoder) = (try OpusEncoder(), try OpusDecoder())
        let packets = try Self.encode(Self.tone(440, samples: 8_000), with: encoder)
        for packet in packets { _ = try Self.decode(packet, with: decoder) }
        let first = try Self.decoded { try decoder.conceal(160, into: $0) }
        #expect(first.count == 160)
        #expect(Self.level(first) > 3_000)
        var last = first
        for _ in 0..<50 { last = try Self.decoded { try decoder.conceal(160, into: $0) } }
        #expect(Self.level(last) < 500)
        for count in [0, -20, 1, 30, 980, .max] {
            #expect(throws: OpusError.wrongFrameSize) { try Self.decoded { try decoder.conceal(count, into: $0) } }
        }
        #expect(throws: OpusError.noRoom) { try Self.decoded({ try decoder.conceal(160, into: $0) }, room: 159) }
    }

    @Test("a lost packet comes back from the FEC of the next one, nearer to the truth than concealment")
    func forwardErrorCorrection() throws {
        // Sound that changes from packet to packet: concealment cannot guess it.
        let sound = (0..<200).flatMap { packet in
            (0..<160).map { index in
                let hertz = Double(200 + packet % 7 * 90)
                return Int16(
                    9_000 * sin(2 * .pi * hertz * Double(packet * 160 + index) / 8_000)
                        + 5_000 * sin(2 * .pi * 2.3 * hertz * Double(packet * 160 + index) / 8_000))
            }
        }
        let packets = try Self.encode(sound, with: OpusEncoder(expectedLossPercent: 25))
        var (repairedError, concealedError, recoveries) = (0.0, 0.0, 0)
        for lost in stride(from: 20, to: 180, by: 8) {
            let (whole, repaired, concealed) = (try OpusDecoder(), try OpusDecoder(), try OpusDecoder())
            for packet in packets[..<lost] {
                for decoder in [whole, repaired, concealed] { _ = try Self.decode(packet, with: decoder) }
            }
            let truth = try Self.decode(packets[lost], with: whole)
            let next = packets[lost + 1]
            let repair = try next.withUnsafeBytes { bytes in
                try Self.decoded { try repaired.recover(160, before: bytes, into: $0) }
            }
            let guess = try Self.decoded { try concealed.conceal(160, into: $0) }
            #expect(repair.count == 160 && guess.count == 160)
            #expect(try Self.decode(next, with: repaired).count == 160)
            repairedError += zip(truth, repair).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
            concealedError += zip(truth, guess).reduce(0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
            if repair != guess { recoveries += 1 }
        }
        print("squared error of FEC over concealment: \(repairedError / concealedError), \(recoveries) of 20 with FEC")
        #expect(recoveries >= 15)
        #expect(repairedError < 0.6 * concealedError)
    }

    @Test("payloads that are no Opus packets are errors, and the decoder goes on")
    func garbage() throws {
        let (encoder, decoder) = (try OpusEncoder(), try OpusDecoder())
        let invalid: [[UInt8]] = [
            [],  // nothing: a loss is said with conceal
            [0x01, 1, 2, 3],  // two equal frames of an odd number of bytes
            [0x02, 200, 1],  // a first frame longer than the packet
            [0x03],  // a count of frames is missing
            [0x03, 0x00],  // no frames
            [0x03, 0x3f, 1, 2, 3],  // 63 frames: more than 120 ms
            [0x1b, 0x05, 1, 2, 3, 4, 5],  // five times 60 ms
            [0x03, 0x42, 0xff, 0xff, 0xff],  // padding longer than the packet
        ]
        for payload in invalid {
            #expect(throws: OpusError.invalidPacket, "\(payload)") { try Self.decode(payload, with: decoder) }
            #expect(throws: OpusError.invalidPacket) {
                try payload.withUnsafeBytes { bytes in
                    try Self.decoded { try decoder.recover(160, before: bytes, into: $0) }
                }
            }
        }
        for payload in try Self.encode(Self.tone(440, samples: 1_600), with: encoder) {
            #expect(try Self.decode(payload, with: decoder).count == 160)
        }
    }

    @Test("20,000 random and mutated payloads never trap and never write past the buffer")
    func mutations() throws {
        let (encoder, decoder) = (try OpusEncoder(), try OpusDecoder())
        let packets = try Self.encode(Self.tone(440, samples: 16_000), with: encoder)
        var generator = Sequence64(state: 99)
        var (decodedCount, refused) = (0, 0)
        for round in 0..<20_000 {
            var payload = packets[round % packets.count]
            switch Int.random(in: 0..<4, using: &generator) {
            case 0:
                payload = (0..<Int.random(in: 0..<300, using: &generator)).map { _ in
                    .random(in: 0...255, using: &generator)
                }
            case 1: payload = Array(payload.prefix(Int.random(in: 0...payload.count, using: &generator)))
            case 2: payload[0] = .random(in: 0...255, using: &generator)
            default:
                payload[Int.random(in: 0..<payload.count, using: &generator)] ^= .random(in: 1...255, using: &generator)
            }
            var samples = [Int16](repeating: 0x5a5a, count: 1_000)
            let count = payload.withUnsafeBytes { bytes in
                samples.withUnsafeMutableBufferPointer { target in
                    try? decoder.decode(bytes, into: .init(rebasing: target[..<960]))
                }
            }
            if let count {
                decodedCount += 1
                #expect(count > 0 && count <= 960)
            } else {
                refused += 1
            }
            #expect(samples[960...].allSatisfy { $0 == 0x5a5a })
        }
        print("\(decodedCount) decoded, \(refused) refused")
        #expect(decodedCount > 1_000 && refused > 1_000)
    }

    @Test("a packet that decodes to more than the buffer holds is an error before anything is written")
    func smallBuffer() throws {
        let packet = try #require(try Self.encode(Self.tone(440, samples: 160), with: OpusEncoder()).first)
        let decoder = try OpusDecoder()
        #expect(throws: OpusError.noRoom) {
            try packet.withUnsafeBytes { bytes in try Self.decoded({ try decoder.decode(bytes, into: $0) }, room: 159) }
        }
    }

    @Test("settings outside their ranges are refused")
    func settings() throws {
        #expect(throws: OpusError.self) { try OpusEncoder(complexity: 11) }
        #expect(throws: OpusError.self) { try OpusEncoder(expectedLossPercent: 101) }
        try OpusEncoder().expectLoss(percent: 30)
        #expect(throws: OpusError.self) { try OpusEncoder().expectLoss(percent: -1) }
    }

    /// In a process of its own, because other suites have coders too.
    @Test("the counters follow what lives, half-made encoders too")
    func counters() async {
        await #expect(processExitsWith: .success) {
            try #require(OpusObjects.encoders == 0 && OpusObjects.decoders == 0)
            var coders: [(OpusEncoder, OpusDecoder)] = []
            for _ in 0..<10 { coders.append((try OpusEncoder(), try OpusDecoder())) }
            try #require(OpusObjects.encoders == 10 && OpusObjects.decoders == 10)
            coders.removeAll()
            try #require((try? OpusEncoder(complexity: 11)) == nil)
            try #require(OpusObjects.encoders == 0 && OpusObjects.decoders == 0)
        }
    }
}

/// A 64-bit generator that repeats.
private struct Sequence64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 29
    }
}
