import Wire

/// Which outgoing sequence number an incoming one gets, and which were given already.
struct SequenceMap: Equatable, Sendable, Codable {
    /// A jump ahead beyond this needs a second packet to be believed (MAX_DROPOUT, RFC 3550 A.1).
    static let maximumDropout = 3000
    /// How far back a late packet may lie; the width of `given`.
    static let maximumMisorder = 64

    struct Place: Equatable {
        enum Kind: Equatable {
            case newest, late, newSource
        }
        let kind: Kind
        let outgoing: UInt16
        /// How many packets after the newest this one is, in the source's count; 0 for a late one.
        let step: Int
    }

    private struct Source: Equatable, Sendable, Codable {
        var ssrc: UInt32
        var highest: UInt16
        /// Outgoing minus incoming for numbers from `from` on.
        var offset: UInt16
        var from: UInt16
        /// The same for the numbers just before `from`.
        var earlierOffset: UInt16
        var earlierFrom: UInt16
        /// What would confirm a jump (bad_seq, RFC 3550 A.1).
        var suspect: UInt16?

        mutating func shift(to offset: UInt16, from: UInt16) {
            guard offset != self.offset else { return }
            if from != self.from {
                earlierOffset = self.offset
                earlierFrom = self.from
            }
            self.offset = offset
            self.from = from
        }
    }

    /// The newest number given.
    private(set) var highest: UInt16
    /// Bit n: `highest − n` was given.
    private var given: UInt64 = 0
    private var source: Source?
    var isPaused = false

    init(first: UInt16) {
        highest = first &- 1
    }

    /// - Returns: nil for a duplicate, a packet that is too old, and a jump that is not yet confirmed.
    mutating func place(_ incoming: UInt16, ssrc: UInt32) -> Place? {
        guard let known = source, known.ssrc == ssrc else {
            return Place(kind: .newSource, outgoing: highest &+ 1, step: 1)
        }
        let ahead = incoming.distance(after: known.highest)
        if ahead > 0, ahead < Self.maximumDropout {
            guard !isPaused else { return Place(kind: .newest, outgoing: highest &+ 1, step: ahead) }
            return Place(kind: .newest, outgoing: incoming &+ known.offset, step: ahead)
        }
        if ahead <= 0, ahead > -Self.maximumMisorder {
            let offset: UInt16
            if incoming.distance(after: known.from) >= 0 {
                offset = known.offset
            } else if incoming.distance(after: known.earlierFrom) >= 0 {
                offset = known.earlierOffset
            } else {
                return nil
            }
            let behind = highest.distance(after: incoming &+ offset)
            guard behind >= 0, behind < Self.maximumMisorder, given & (1 << UInt64(behind)) == 0 else { return nil }
            return Place(kind: .late, outgoing: incoming &+ offset, step: 0)
        }
        guard known.suspect == incoming else {
            source?.suspect = incoming &+ 1
            return nil
        }
        return Place(kind: .newSource, outgoing: highest &+ 1, step: 1)
    }

    /// Gives a place away: what `place` returned for the same packet, with nothing in between.
    mutating func take(_ place: Place, sequenceNumber incoming: UInt16, ssrc: UInt32) {
        let offset = place.outgoing &- incoming
        switch place.kind {
        case .late:
            let behind = highest.distance(after: place.outgoing)
            given |= 1 << UInt64(max(0, behind))
            return
        case .newest:
            source?.shift(to: offset, from: incoming)
            source?.highest = incoming
            source?.suspect = nil
        case .newSource:
            source = Source(
                ssrc: ssrc, highest: incoming, offset: offset, from: incoming, earlierOffset: offset,
                earlierFrom: incoming)
        }
        isPaused = false
        give(place.outgoing)
    }

    /// The next number, for a packet of the box's own; what the source sends from now on moves up by one.
    mutating func insert() -> UInt16 {
        let number = highest &+ 1
        if let known = source { source?.shift(to: known.offset &+ 1, from: known.highest &+ 1) }
        give(number)
        return number
    }

    private mutating func give(_ number: UInt16) {
        let ahead = number.distance(after: highest)
        given = ahead < Self.maximumMisorder ? given << UInt64(max(0, ahead)) | 1 : 1
        highest = number
    }
}
