import Wire

/// Who holds inbound connections, and who must give way when there are too many.
///
/// A new connection is never refused because of silent ones: the one that said nothing for the longest time goes, at
/// first among those that never said anything. Whoever holds thousands of idle connections so loses his own.
struct ConnectionTable {
    /// What one customer of the Internet is given: an IPv4 address, or 64 bits of IPv6.
    enum Source: Hashable {
        case ipv4(UInt32)
        case ipv6(UInt64)

        init(_ host: NetworkAddress.Host) {
            switch host {
            case .ipv4(let bits): self = .ipv4(bits)
            case .ipv6(let high, _): self = .ipv6(high)
            }
        }
    }

    enum Admission: Equatable {
        case admitted
        /// Close this one, the new one takes its place.
        case inPlace(of: Int)
        case refused
    }

    private struct Entry {
        let source: Source
        let isTrusted: Bool
        /// Counts up with every message heard on any connection; 0 for one that never spoke.
        var lastHeard: UInt64 = 0
    }

    private let limits: StreamLimits
    /// How many may stand now: fewer than the limits say after descriptors had run out.
    private var most: Int
    private var entries: [Int: Entry] = [:]
    /// At most ``StreamLimits/connectionsPerSource`` each, in the order in which they came.
    private var bySource: [Source: [Int]] = [:]
    private var heard: UInt64 = 0
    /// Strangers in the order in which they would go: those that never spoke, and those that did. Who left, or spoke since,
    /// stands there still and is passed over.
    private var silent = PassingQueue()
    private var spoken = PassingQueue()
    /// Providers: they need not give way.
    var trusted = TrustedSources()

    init(_ limits: StreamLimits) {
        self.limits = limits
        most = limits.connections
    }

    var count: Int { entries.count }

    /// - Parameter number: higher than all before.
    mutating func admit(_ number: Int, from host: NetworkAddress.Host) -> Admission {
        let source = Source(host)
        let isTrusted = trusted.contains(host)
        var admission = Admission.admitted
        if !isTrusted, bySource[source, default: []].count >= limits.connectionsPerSource {
            guard let oldest = giveWay(from: source) else { return .refused }
            admission = .inPlace(of: oldest)
        } else if entries.count >= most {
            guard let oldest = giveWay() else { return .refused }
            admission = .inPlace(of: oldest)
        }
        entries[number] = Entry(source: source, isTrusted: isTrusted)
        guard !isTrusted else { return admission }
        bySource[source, default: []].append(number)
        silent.append(number, 0)
        if silent.count > entries.count * 2 + 64 { silent.keep { entries[$0]?.lastHeard == $1 } }
        return admission
    }

    /// The process has no descriptor left. Until ``recovered()`` some fewer connections stand than now, so that the next
    /// one finds its place without running into the kernel's limit again.
    /// - Returns: whom to close.
    mutating func exhausted() -> [Int] {
        most = min(most, max(entries.count - Self.reserve, Self.reserve))
        var leaving: [Int] = []
        while entries.count > most, let oldest = giveWay() { leaving.append(oldest) }
        return leaving
    }

    mutating func recovered() {
        most = limits.connections
    }

    private static let reserve = 32

    /// - Returns: nil when nobody need go.
    private mutating func giveWay() -> Int? {
        let oldest =
            silent.popFirst { entries[$0]?.lastHeard == $1 } ?? spoken.popFirst { entries[$0]?.lastHeard == $1 }
        if let oldest { closed(oldest) }
        return oldest
    }

    private mutating func giveWay(from source: Source) -> Int? {
        let oldest = bySource[source]?.min { (entries[$0]?.lastHeard ?? 0, $0) < (entries[$1]?.lastHeard ?? 0, $1) }
        if let oldest { closed(oldest) }
        return oldest
    }

    /// A whole message came.
    mutating func spoke(_ number: Int) {
        guard entries[number]?.isTrusted == false else { return }
        heard += 1
        entries[number]?.lastHeard = heard
        spoken.append(number, heard)
        if spoken.count > entries.count * 2 + 64 { spoken.keep { entries[$0]?.lastHeard == $1 } }
    }

    mutating func closed(_ number: Int) {
        guard let entry = entries.removeValue(forKey: number), !entry.isTrusted else { return }
        bySource[entry.source]?.removeAll { $0 == number }
        if bySource[entry.source]?.isEmpty == true { bySource[entry.source] = nil }
    }
}

/// A queue whose entries may have become void meanwhile.
private struct PassingQueue {
    private var entries: [(number: Int, stamp: UInt64)] = []
    private var first = 0

    var count: Int { entries.count - first }

    mutating func append(_ number: Int, _ stamp: UInt64) {
        entries.append((number, stamp))
    }

    mutating func popFirst(_ isValid: (Int, UInt64) -> Bool) -> Int? {
        while first < entries.count {
            let entry = entries[first]
            first += 1
            if first > 256, first * 2 > entries.count {
                entries.removeFirst(first)
                first = 0
            }
            if isValid(entry.number, entry.stamp) { return entry.number }
        }
        return nil
    }

    mutating func keep(_ isValid: (Int, UInt64) -> Bool) {
        entries = entries[first...].filter { isValid($0.number, $0.stamp) }
        first = 0
    }
}
