import SIP
import SIPMessage
import Wire

/// Two user agents on virtual time, joined by a network that loses, doubles, delays and reorders.
struct LossyNetwork {
    enum Side: Int { case a, b }

    struct Weather {
        /// Nothing arrives that was sent before: as if nobody repeated anything.
        var losesRepetitions = false
        var loss = 0.0
        var duplication = 0.0
        /// Each datagram takes a random time in this range: the wider, the more they overtake one another.
        var delay: ClosedRange<Double> = 0.005...0.005
    }

    enum Occurrence {
        case datagram([UInt8], to: Side, from: NetworkAddress)
        case action(Int)
    }

    static let addresses = [
        NetworkAddress(host: .ipv4(0x0a00_0001), port: 5060), NetworkAddress(host: .ipv4(0x0a00_0002), port: 5060),
    ]

    var agents: [UserAgent]
    var random: SeededGenerator
    var weather: Weather
    var now = MonotonicTime.zero
    /// Datagrams on their way and things to do, by time; equal times in order of creation.
    var queue = DeadlineTable<Int>()
    var occurrences: [Int: Occurrence] = [:]
    var serial = 0
    /// Every event so far, by side.
    var events: [[UserAgentEvent]] = [[], []]
    var sent = 0
    var lost = 0
    /// Before the second of them.
    var door: LossyDoor?
    private var known: Set<[UInt8]> = []
    var parsed = 0

    /// - Parameters:
    ///   - asksOwner: both are asked, and make their provisional responses reliable.
    ///   - door: the first registers there, and is asked who calls.
    init(seed: UInt64, weather: Weather, asksOwner: Bool = false, door: LossyDoor? = nil) {
        self.weather = weather
        self.door = door
        random = SeededGenerator(seed: seed)
        agents = Self.addresses.map { UserAgent(contact: $0, product: "test", asksOwner: asksOwner) }
        for side in [Side.a, .b] {
            let trunk = Trunk(
                name: "the other", domain: "other.example", target: Self.addresses[1 - side.rawValue],
                user: LossyDoor.user, password: Redacted(LossyDoor.password),
                expires: side == .a && door != nil ? LossyDoor.granted : 0, prefersReliableProvisional: asksOwner)
            _ = act(side) { $0.setTrunk(trunk, now: $1, using: &$2) }
        }
    }

    mutating func at(_ time: MonotonicTime, _ occurrence: Occurrence) {
        serial += 1
        occurrences[serial] = occurrence
        queue.set(time, for: serial)
    }

    mutating func act(
        _ side: Side, _ body: (inout UserAgent, MonotonicTime, inout SeededGenerator) -> [UserAgentEffect]
    ) -> [UserAgentEvent] {
        let effects = body(&agents[side.rawValue], now, &random)
        var fresh: [UserAgentEvent] = []
        for effect in effects {
            switch effect {
            case .send(let bytes, let target): carry(bytes, from: side, to: target)
            case .event(let event):
                events[side.rawValue].append(event)
                fresh.append(event)
            }
        }
        return fresh
    }

    private mutating func carry(_ bytes: [UInt8], from side: Side, to target: NetworkAddress) {
        sent += 1
        guard let to = Self.addresses.firstIndex(of: target).flatMap(Side.init) else { return }
        var copies = Double.random(in: 0..<1, using: &random) < weather.loss ? 0 : 1
        if Double.random(in: 0..<1, using: &random) < weather.duplication { copies += 1 }
        if weather.losesRepetitions, !known.insert(bytes).inserted { copies = 0 }
        if copies == 0 { lost += 1 }
        for _ in 0..<copies {
            let delay = Double.random(in: weather.delay, using: &random)
            at(now + .seconds(delay), .datagram(bytes, to: to, from: Self.addresses[side.rawValue]))
        }
    }

    /// Whether the door lets a message in; it answers others itself.
    private mutating func passes(_ message: SIPMessage, to side: Side, from source: NetworkAddress) -> Bool {
        guard side == .b, let request = message.request,
            let verdict = door?.received(request, from: source, now: now, using: &random)
        else { return true }
        switch verdict {
        case .passes: return true
        case .goesNoFurther: return false
        case .answers(let bytes):
            carry(bytes, from: .b, to: source)
            return false
        }
    }

    /// Runs until nothing is left to happen, or `end`.
    /// - Parameter handle: gets every event and every action of the script.
    mutating func run(
        until end: MonotonicTime, event handle: (inout LossyNetwork, Side, UserAgentEvent) -> Void,
        action: (inout LossyNetwork, Int) -> Void
    ) {
        while true {
            let deadlines = agents.compactMap(\.nextDeadline) + [queue.next].compactMap(\.self)
            guard let next = deadlines.min(), next <= end else { break }
            now = max(now, next)
            while let key = queue.popDue(at: now) {
                switch occurrences.removeValue(forKey: key) {
                case .datagram(let bytes, let to, let from)?:
                    guard let message = try? SIPMessage.parse(bytes) else { continue }
                    guard passes(message, to: to, from: from) else { continue }
                    parsed += 1
                    let fresh = act(to) { $0.received(message, from: from, now: $1, using: &$2) }
                    for event in fresh { handle(&self, to, event) }
                case .action(let number)?: action(&self, number)
                case nil: break
                }
            }
            for side in [Side.a, .b] where (agents[side.rawValue].nextDeadline.map { $0 <= now }) ?? false {
                let fresh = act(side) { $0.advance(to: $1, using: &$2) }
                for event in fresh { handle(&self, side, event) }
            }
        }
        now = max(now, end)
    }
}
