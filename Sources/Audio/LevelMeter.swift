/// How loud sound is: collects over buffers what an indicator or a log line shows.
package struct LevelMeter: Equatable, Sendable, Codable {
    private var sumOfSquares = 0.0
    /// Measured so far.
    package private(set) var samples = 0
    /// The largest magnitude, 0...32768.
    package private(set) var peak = 0

    package init() {}

    package mutating func measure(_ buffer: UnsafeBufferPointer<Int16>) {
        var sum: Int64 = 0
        for sample in buffer {
            let value = Int64(sample)
            sum += value * value
            peak = max(peak, Int(value.magnitude))
        }
        sumOfSquares += Double(sum)
        samples += buffer.count
    }

    /// Root mean square in samples' units, 0...32768.
    package var rootMeanSquare: Double {
        samples == 0 ? 0 : (sumOfSquares / Double(samples)).squareRoot()
    }

    /// −∞ for digital silence; a full-scale sine is about +3.2.
    package var dBm0: Double { ToneLevel.dBm0(rootMeanSquare: rootMeanSquare) }

    /// Begins anew, for the next interval.
    package mutating func reset() {
        self = LevelMeter()
    }
}
