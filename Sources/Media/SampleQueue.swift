/// Samples between a decoder and an encoder whose packets differ in length: a ring made once.
final class SampleQueue {
    /// 250 ms at 8 kHz: two of the longest Opus packets, and what a frame of the other side has left over.
    static let capacity = 2000

    private let samples: UnsafeMutableBufferPointer<Int16>
    private(set) var count = 0

    init() {
        samples = .allocate(capacity: Self.capacity)
        samples.initialize(repeating: 0)
    }

    deinit {
        samples.deallocate()
    }

    func removeAll() {
        count = 0
    }

    /// The free part, into which a decoder writes before `append`.
    var room: UnsafeMutableBufferPointer<Int16> {
        UnsafeMutableBufferPointer(rebasing: samples[count...])
    }

    /// Takes over the first `added` samples of `room`.
    func append(_ added: Int) {
        count = min(Self.capacity, count + max(0, added))
    }

    /// The oldest `wanted` samples, or nil while there are fewer. `remove` frees them.
    func front(_ wanted: Int) -> UnsafeBufferPointer<Int16>? {
        guard wanted > 0, wanted <= count else { return nil }
        return UnsafeBufferPointer(rebasing: samples[0..<wanted])
    }

    /// Moves what is left to the start: a few hundred samples at most, cheaper than wrapping every reader.
    func remove(_ taken: Int) {
        guard taken > 0, taken <= count, let base = samples.baseAddress else { return }
        base.update(from: base + taken, count: count - taken)
        count -= taken
    }
}
