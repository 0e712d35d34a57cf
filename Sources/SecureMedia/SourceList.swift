/// The SSRCs that one direction of a session has used, and how far each has come, in room reserved once.
final class SourceList {
    /// One stream. What came before a restart is known by its newest index alone, so nothing up to there passes again.
    struct Source {
        var ssrc: UInt32 = 0
        /// The newest packet's rollover counter and sequence number, as libsrtp has it too.
        var index: PacketIndex?
        /// The newest SRTCP index.
        var controlIndex: UInt32?
        /// The same when the session was restored: not later than these is a replay.
        var indexBefore: PacketIndex?
        var controlIndexBefore: UInt32?
    }

    private let storage: UnsafeMutableBufferPointer<Source>
    private var count = 0
    /// Almost every packet comes from the source of the packet before.
    private var latest = 0

    /// - Parameter limit: how many different sources are admitted.
    init(limit: Int) {
        storage = .allocate(capacity: limit)
        storage.initialize(repeating: Source())
    }

    deinit {
        storage.deallocate()
    }

    /// Whether a source that is not known yet may go on to libsrtp, which would set up a stream for it.
    var hasRoom: Bool { count < storage.count }

    /// The source's place; nil for one that is not known.
    @inline(__always)
    func place(of ssrc: UInt32) -> Int? {
        if latest < count, storage[latest].ssrc == ssrc { return latest }
        return storage[..<count].firstIndex { $0.ssrc == ssrc }
    }

    subscript(place: Int) -> Source {
        @inline(__always) get { storage[place] }
        @inline(__always) set { storage[place] = newValue }
    }

    /// To be called after the packet was authenticated: what strangers send takes no room.
    /// - Returns: the source's place; nil without room for another.
    @inline(__always)
    func remember(_ ssrc: UInt32) -> Int? {
        if let known = place(of: ssrc) {
            latest = known
            return known
        }
        guard hasRoom else { return nil }
        storage[count] = Source(ssrc: ssrc)
        latest = count
        count += 1
        return latest
    }

    /// Every source, for a snapshot.
    var all: [Source] { Array(storage[..<count]) }
}
