/// The SSRCs that one direction of a session has used, in room reserved once.
final class SourceList {
    private let storage: UnsafeMutableBufferPointer<UInt32>
    private var count = 0
    /// Almost every packet comes from the source of the packet before.
    private var latest: UInt32 = 0

    /// - Parameter limit: how many different sources are admitted.
    init(limit: Int) {
        storage = .allocate(capacity: limit)
        storage.initialize(repeating: 0)
    }

    deinit {
        storage.deallocate()
    }

    /// Whether a packet of this source may go on to libsrtp, which would set up a stream for a new one.
    @inline(__always)
    func admits(_ source: UInt32) -> Bool {
        count < storage.count || knows(source)
    }

    /// To be called after the packet was authenticated: what strangers send takes no room.
    @inline(__always)
    func remember(_ source: UInt32) {
        if count > 0, source == latest { return }
        if !knows(source), count < storage.count {
            storage[count] = source
            count += 1
        }
        latest = source
    }

    private func knows(_ source: UInt32) -> Bool {
        storage[..<count].contains(source)
    }
}
