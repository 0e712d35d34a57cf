package import Wire

/// Who is due when: at most one deadline for each key, the earliest found in constant time.
///
/// A binary heap whose outdated entries are skipped when they surface and swept out when they outnumber the
/// live ones, so that moving a deadline costs O(log n) and memory stays proportional to the keys.
package struct DeadlineTable<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Sendable {
        var time: MonotonicTime
        /// Equal times come out in the order in which they were set, so that a run repeats exactly.
        var order: UInt64
        var key: Key

        func isBefore(_ other: Entry) -> Bool {
            time == other.time ? order < other.order : time < other.time
        }
    }

    private var heap: [Entry] = []
    private var live: [Key: (time: MonotonicTime, order: UInt64)] = [:]
    private var orders: UInt64 = 0

    package init() {}

    package var count: Int { live.count }

    /// The earliest deadline of all.
    package var next: MonotonicTime? { heap.first?.time }

    /// Sets, moves or (with nil) removes the deadline of `key`.
    package mutating func set(_ time: MonotonicTime?, for key: Key) {
        if let time {
            guard live[key]?.time != time else { return }
            orders &+= 1
            live[key] = (time, orders)
            push(Entry(time: time, order: orders, key: key))
        } else {
            guard live.removeValue(forKey: key) != nil else { return }
        }
        dropOutdated()
        if heap.count > 2 * live.count + 64 { rebuild() }
    }

    /// Takes out one key whose deadline has come; nil when none is due.
    package mutating func popDue(at now: MonotonicTime) -> Key? {
        guard let first = heap.first, first.time <= now else { return nil }
        removeFirst()
        live[first.key] = nil
        dropOutdated()
        return first.key
    }

    private func isOutdated(_ entry: Entry) -> Bool { live[entry.key]?.order != entry.order }

    /// Keeps the invariant that the head of the heap is live.
    private mutating func dropOutdated() {
        while let first = heap.first, isOutdated(first) { removeFirst() }
    }

    private mutating func rebuild() {
        // A sorted array is a heap.
        heap = heap.filter { !isOutdated($0) }.sorted { $0.isBefore($1) }
    }

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
