package import SIPMessage
package import Wire

/// A message as it passed by. It is what the sockets' side holds anyway, so that keeping it costs no copy.
package enum TraceContent: Sendable, Equatable {
    /// Ours, as it left.
    case bytes([UInt8])
    /// One that came.
    case message(SIPMessage)

    /// What it may cost to keep, in bytes: an estimate from above.
    var cost: Int {
        switch self {
        case .bytes(let bytes): return bytes.count + 64
        case .message(let message):
            let fields = message.headers.fields.reduce(0) { $0 + $1.value.utf8.count + 64 }
            let request = message.request.map { $0.uri.text.utf8.count } ?? 0
            let reason = message.response.map { $0.reason.utf8.count } ?? 0
            return fields + request + reason + message.body.count + 128
        }
    }
}

/// The messages of one call, or of the registration: the first ones, then the newest.
struct TraceStory: Sendable {
    struct Entry: Sendable {
        var number: UInt64
        var time: WallTime
        var direction: TraceDirection
        var peer: SIPPeer
        /// Sent or received before, byte for byte.
        var isRepeated: Bool
        var content: TraceContent
        var callID: String
        var cost: Int
    }

    private(set) var beginning: [Entry] = []
    private(set) var newest: [Entry] = []
    /// What fell out between the two.
    private(set) var omitted = 0
    private(set) var bytes = 0
    /// The Call-IDs that lead here, the oldest first.
    var callIDs: [String] = []
    /// What the story is about, for the list.
    var facts: TraceFacts?

    var entries: [Entry] { beginning + newest }
    var count: Int { beginning.count + newest.count }
    var first: Entry? { beginning.first ?? newest.first }
    var last: Entry? { newest.last ?? beginning.last }

    mutating func add(_ entry: Entry, beginning most: Int, messages: Int, bytes limit: Int) {
        var entry = entry
        entry.isRepeated = hasHeard(entry)
        // Who answers an address does not always know what it was heard over.
        let isHeard = { (one: Entry) in one.direction == .received && one.peer.address == entry.peer.address }
        if entry.direction == .sent, let heard = newest.last(where: isHeard) ?? beginning.last(where: isHeard) {
            entry.peer = heard.peer
        }
        bytes += entry.cost
        // Once something fell out, what is new follows it.
        let isEarly = newest.isEmpty && omitted == 0 && beginning.count < most && bytes <= limit / 2
        if isEarly { beginning.append(entry) } else { newest.append(entry) }
        while count > messages || bytes > limit, newest.count > 1 {
            bytes -= newest.removeFirst().cost
            omitted += 1
        }
    }

    /// Takes out what one Call-ID said, because it turned out to belong elsewhere.
    mutating func take(callID: String) -> [Entry] {
        let taken = entries.filter { $0.callID == callID }
        guard !taken.isEmpty else { return [] }
        beginning.removeAll { $0.callID == callID }
        newest.removeAll { $0.callID == callID }
        bytes -= taken.reduce(0) { $0 + $1.cost }
        return taken
    }

    /// Retransmissions follow one another closely.
    private func hasHeard(_ entry: Entry) -> Bool {
        let near = newest.suffix(8).reversed() + beginning.suffix(8).reversed()
        return near.contains { $0.direction == entry.direction && $0.cost == entry.cost && $0.content == entry.content }
    }
}

/// What a call's line in the list says of it.
package struct TraceFacts: Sendable, Equatable {
    package var isInbound: Bool
    package var far: Redacted<String>

    package init(isInbound: Bool, far: Redacted<String>) {
        self.isInbound = isInbound
        self.far = far
    }
}
