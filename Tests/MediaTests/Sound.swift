import Audio
import OpusCodec

/// 20 ms of a tone as Opus.
func opus(_ encoder: OpusEncoder, _ tone: inout ToneGenerator) throws -> [UInt8] {
    let samples = pcm(&tone)
    var payload = [UInt8](repeating: 0, count: 400)
    let length = try samples.withUnsafeBufferPointer { source in
        try payload.withUnsafeMutableBytes { try encoder.encode(source, into: $0) }
    }
    return Array(payload[..<length])
}

/// 20 ms of a tone as G.711.
func g711(_ law: G711, _ tone: inout ToneGenerator) -> [UInt8] {
    pcm(&tone).map { law.encode($0) }
}

func pcm(_ tone: inout ToneGenerator) -> [Int16] {
    var samples = [Int16](repeating: 0, count: 160)
    samples.withUnsafeMutableBufferPointer { tone.fill($0) }
    return samples
}

func decode(_ law: G711, _ payload: [UInt8]) -> [Int16] {
    payload.map { law.decode($0) }
}

func decode(_ decoder: OpusDecoder, _ payload: [UInt8]) -> [Int16] {
    var samples = [Int16](repeating: 0, count: 960)
    let count = payload.withUnsafeBytes { bytes in
        samples.withUnsafeMutableBufferPointer { try? decoder.decode(bytes, into: $0) }
    }
    return Array(samples[..<(count ?? 0)])
}

/// The share of the power that is the tone, 0...1.
func purity(_ frequency: Double, _ samples: [Int16]) -> Double {
    var meter = ToneMeter(frequency: frequency, sampleRate: 8_000)
    samples.withUnsafeBufferPointer { meter.measure($0) }
    return meter.purity
}
