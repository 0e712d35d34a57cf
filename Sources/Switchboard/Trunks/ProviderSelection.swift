import SIP
import Settings
import Wire

/// Where a provider is: its server's name and that of its backup, each looked up by itself (RFC 3263). The backup's
/// targets come after all of the server's that are in good standing.
struct ProviderSelection {
    private var places: [(name: String, selection: TargetSelection)]

    init(_ settings: TrunkSettings) {
        places = ([settings.server] + [settings.backupServer].compactMap(\.self)).map { name in
            (name, TargetSelection(domain: name, port: settings.port, transports: settings.transports))
        }
    }

    /// Asks for what is not known; also when ``deadline`` has come.
    mutating func start(
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [TargetSelection.Effect] {
        each { $0.start(now: now, using: &generator) }
    }

    /// Asks again for what was not found or not answered, before its time.
    mutating func retry(
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [TargetSelection.Effect] {
        each { $0.retry(now: now, using: &generator) }
    }

    mutating func answered(
        _ query: DNSQuery, _ answer: DNSAnswer, lifetime: Duration, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [TargetSelection.Effect] {
        each { $0.answered(query, answer, lifetime: lifetime, now: now, using: &generator) }
    }

    /// One outcome for all names: one that leads somewhere is enough, and nothing is lost while another is looked up.
    private mutating func each(_ body: (inout TargetSelection) -> [TargetSelection.Effect]) -> [TargetSelection.Effect]
    {
        var effects: [TargetSelection.Effect] = []
        for index in places.indices {
            for effect in body(&places[index].selection) where !effects.contains(effect) { effects.append(effect) }
        }
        guard effects.contains(.failed) else { return effects }
        effects.removeAll { $0 == .failed }
        if effects.contains(.ready) || places.contains(where: \.selection.isAsking) { return effects }
        let isFound = places.contains { !$0.selection.candidates(at: .zero).isEmpty }
        return effects + [isFound ? .ready : .failed]
    }

    var deadline: MonotonicTime? { places.compactMap(\.selection.deadline).min() }

    var isUnanswered: Bool { places.contains { $0.selection.isUnanswered } }

    func isInGoodStanding(_ target: TargetSelection.Target, at now: MonotonicTime) -> Bool {
        places.allSatisfy { $0.selection.isInGoodStanding(target, at: now) }
    }

    /// In the order to be tried, each with the name that it was found by.
    func candidates(at now: MonotonicTime) -> [(name: String, target: TargetSelection.Target)] {
        let all = places.flatMap { place in
            place.selection.candidates(at: now).map { (name: place.name, target: $0) }
        }
        let good = all.filter { isInGoodStanding($0.target, at: now) }
        let kept = places.compactMap(\.selection.sticky).first
        return good.filter { $0.target == kept } + good.filter { $0.target != kept }
            + all.filter { !isInGoodStanding($0.target, at: now) }
    }

    /// What follows goes the same way, whichever name led there.
    mutating func succeeded(_ target: TargetSelection.Target) {
        guard places.contains(where: { $0.selection.candidates(at: .zero).contains(target) }) else { return }
        for index in places.indices {
            places[index].selection.release()
            places[index].selection.succeeded(target)
        }
    }

    mutating func failed(_ target: TargetSelection.Target, _ failure: TargetSelection.Failure, now: MonotonicTime) {
        for index in places.indices { places[index].selection.failed(target, failure, now: now) }
    }
}
