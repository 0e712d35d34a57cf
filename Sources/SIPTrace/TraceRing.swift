import SIPMessage
package import Wire

/// The messages of lately, within bounds that no flood can move.
///
/// A message costs a look-up and an append; it is read and redacted only when somebody asks. What a stranger sends is
/// counted and forgotten, so that it can push nothing out.
package struct TraceRing: Sendable {
    private let limits: TraceLimits
    private var stories: [TraceSubject: TraceStory] = [:]
    /// Calls, the oldest first.
    private var order: [TraceSubject] = []
    private var subjects: [String: TraceSubject] = [:]
    private var lastNumber: UInt64 = 0
    private var bytes = 0
    /// Messages of strangers and the answers to them.
    package private(set) var strangers = TraceCounts()

    /// Call-IDs that a registration may have had: a new one comes with each account.
    private static let mostCallIDs = 8

    package init(limits: TraceLimits = TraceLimits()) {
        self.limits = limits
    }

    /// A message passed by.
    /// - Parameter isProvider: the other end is a provider's address; what does not belong to a call is counted otherwise.
    package mutating func record(
        _ content: TraceContent, _ direction: TraceDirection, _ peer: SIPPeer, isProvider: Bool, at time: WallTime
    ) {
        let callID = Self.callID(of: content, mayBeUnknown: isProvider || !subjects.isEmpty)
        guard let subject = callID.flatMap({ subjects[$0] }) ?? (isProvider ? .others : nil), let callID else {
            strangers.messages &+= 1
            strangers.bytes &+= content.cost
            return
        }
        lastNumber &+= 1
        add(
            .init(
                number: lastNumber, time: time, direction: direction, peer: peer, isRepeated: false, content: content,
                callID: callID, cost: content.cost), to: subject)
        // Whoever registers with somebody else's Call-ID is no registration of ours.
        if direction == .sent, subject == .others, case .bytes(let bytes) = content,
            bytes.starts(with: "REGISTER ".utf8)
        {
            claim(callID, for: .registration)
        }
    }

    /// From now on what this Call-ID says belongs to a call, and what it said a moment ago as well.
    package mutating func claim(_ callID: String, for subject: TraceSubject, _ facts: TraceFacts? = nil) {
        guard subject != .others, subjects[callID] != subject else { return }
        if stories[subject] == nil {
            stories[subject] = TraceStory()
            if subject != .registration { order.append(subject) }
        }
        if let facts { stories[subject]?.facts = facts }
        stories[subject]?.callIDs.append(callID)
        subjects[callID] = subject
        if let ids = stories[subject]?.callIDs, ids.count > Self.mostCallIDs {
            subjects[ids[0]] = nil
            stories[subject]?.callIDs.removeFirst()
        }
        let before = stories[.others]?.bytes ?? 0
        let earlier = stories[.others]?.take(callID: callID) ?? []
        bytes -= before - (stories[.others]?.bytes ?? 0)
        for entry in earlier { add(entry, to: subject) }
        makeRoom(sparing: subject)
    }

    private mutating func add(_ entry: TraceStory.Entry, to subject: TraceSubject) {
        let isOthers = subject == .others
        let before = stories[subject]?.bytes ?? 0
        stories[subject, default: TraceStory()].add(
            entry, beginning: isOthers ? 0 : limits.beginning, messages: isOthers ? limits.others : limits.messages,
            bytes: limits.bytes)
        bytes += (stories[subject]?.bytes ?? 0) - before
        makeRoom(sparing: subject)
    }

    /// The oldest calls go first; the one that is spoken of stays.
    private mutating func makeRoom(sparing subject: TraceSubject) {
        while order.count > limits.calls || bytes > limits.allBytes,
            let index = order.firstIndex(where: { $0 != subject })
        {
            let oldest = order.remove(at: index)
            guard let story = stories.removeValue(forKey: oldest) else { continue }
            bytes -= story.bytes
            for callID in story.callIDs where subjects[callID] == oldest { subjects[callID] = nil }
        }
    }

    /// What is kept now: bytes by the estimate that the limits are held by.
    package var footprint: (calls: Int, messages: Int, bytes: Int) {
        (order.count, stories.values.reduce(0) { $0 + $1.count }, bytes)
    }
}

// MARK: - Reading

extension TraceRing {
    /// The registration, the calls with the newest first, and the rest.
    package func list(most: Int) -> [TraceSummary] {
        let subjects = [.registration] + order.suffix(max(0, most)).reversed() + [TraceSubject.others]
        return subjects.compactMap { subject in
            guard let story = stories[subject], let first = story.first, let last = story.last else { return nil }
            return TraceSummary(
                subject: subject, messages: story.count, omitted: story.omitted, first: first.time, last: last.time,
                isInbound: story.facts?.isInbound, far: story.facts?.far.masked)
        }
    }

    /// - Returns: the calls whose names begin so.
    package func calls(beginningWith prefix: String) -> [TraceSubject] {
        order.filter { $0.description.hasPrefix(prefix) }
    }

    package func summary(of subject: TraceSubject) -> TraceSummary? {
        list(most: .max).first { $0.subject == subject }
    }

    /// The oldest messages after one of them, as many as one answer may hold.
    /// - Returns: false for `isAll` when more follow.
    package func messages(
        of subject: TraceSubject, after number: UInt64, showing: TraceShowing, mostBytes: Int
    ) -> (messages: [TracedMessage], isAll: Bool) {
        var found: [TracedMessage] = []
        var size = 0
        for entry in stories[subject]?.entries ?? [] where entry.number > number {
            let message = TracedMessage(entry, showing: showing)
            size += message.size
            if size > mostBytes, !found.isEmpty { return (found, false) }
            found.append(message)
        }
        return (found, true)
    }
}

// MARK: - Call-ID

extension TraceRing {
    private static func callID(of content: TraceContent, mayBeUnknown isWanted: Bool) -> String? {
        guard isWanted else { return nil }
        switch content {
        case .message(let message): return message.headers.callID
        case .bytes(let bytes): return callID(in: bytes)
        }
    }

    /// Our own messages carry it in the one spelling that the serializer knows.
    static func callID(in bytes: [UInt8]) -> String? {
        let name = Array("\nCall-ID: ".utf8)
        var start = 0
        while let end = bytes[start...].firstIndex(of: name[0]) {
            let rest = bytes[end...]
            if rest.starts(with: name) {
                let value = rest.dropFirst(name.count).prefix { $0 != 0x0d && $0 != 0x0a }
                return String(decoding: value, as: UTF8.self)
            }
            // An empty line: the body begins.
            if rest.dropFirst().first == 0x0d { return nil }
            start = end + 1
        }
        return nil
    }
}
