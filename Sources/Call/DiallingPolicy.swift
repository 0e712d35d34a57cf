package import Numbering
package import Settings
package import Wire

/// Decides whether the box dials a number for somebody, before any invitation leaves; what it allows is reserved at once.
///
/// ```
///             ┌─ emergency ────────────────────────────────▶ allow, never counted
///   number ───┤
///             └─ blocked? ─ risk? ─ country? ─ running? ─ rate? ─▶ allow: counted as running until `ended`,
///                    │        │        │          │        │      and for 60 s as new
///                    └────────┴────────┴──────────┴────────┴─────▶ refuse(rule)
/// ```
/// Its state is a value: it is kept with the calls, so that a restart forgives nobody's calls a minute.
package struct DiallingPolicy: Sendable, Equatable, Codable {
    package enum Decision: Sendable, Equatable {
        case allow
        case refuse(DiallingRefusal)
    }

    /// What "a minute" is.
    package static let window: Duration = .seconds(60)

    /// Every call that somebody here answers for. At most `callsAtOnce` of them were dialled.
    private var running: [CallIdentifier: RunningCall] = [:]
    /// When calls began, the oldest first; nothing older than the window once somebody dials.
    private var recent: [RecentCall] = []

    private struct RunningCall: Sendable, Equatable, Codable {
        var owner: CallOwner
        /// False for an inbound call, which costs nothing and is not capped.
        var isDialled: Bool
    }

    private struct RecentCall: Sendable, Equatable, Codable {
        var owner: CallOwner
        var start: MonotonicTime
    }

    package init() {}

    /// - Parameters:
    ///   - owner: who dials, and pays.
    ///   - call: counts as running from an `.allow` on, until ``ended(_:)``.
    package mutating func decide(
        _ number: DialledNumber, by owner: CallOwner, as call: CallIdentifier, rules: DiallingRules, now: MonotonicTime
    ) -> Decision {
        if case .emergency = number { return .allow }
        if let refusal = Self.refusal(of: number, rules) ?? capRefusal(owner, rules, now) { return .refuse(refusal) }
        running[call] = RunningCall(owner: owner, isDialled: true)
        recent.append(RecentCall(owner: owner, start: now))
        return .allow
    }

    /// A transfer or redirection of a running call, whoever asks for it: the call's owner pays, so the owner's rules and
    /// caps decide. The new leg counts as a call of its own.
    package mutating func decide(
        transferOf call: CallIdentifier, to number: DialledNumber, as leg: CallIdentifier, rules: DiallingRules,
        now: MonotonicTime
    ) -> Decision {
        guard let owner = running[call]?.owner else { return .refuse(.nobodysCall) }
        return decide(number, by: owner, as: leg, rules: rules, now: now)
    }

    /// An inbound call was answered: from now on it has an owner.
    package mutating func answered(_ call: CallIdentifier, by owner: CallOwner) {
        running[call] = RunningCall(owner: owner, isDialled: running[call]?.isDialled ?? false)
    }

    package mutating func ended(_ call: CallIdentifier) {
        running[call] = nil
    }

    /// Calls that count against the caps.
    package var runningCount: Int { running.values.reduce(0) { $0 + ($1.isDialled ? 1 : 0) } }
}

extension DiallingPolicy {
    /// What the number itself says, whoever dials it.
    private static func refusal(of number: DialledNumber, _ rules: DiallingRules) -> DiallingRefusal? {
        switch number {
        case .emergency: nil
        case .service: rules.allowsProviderCodes ? nil : .providerCode
        case .short(_, let isFree): isFree || rules.allowsShortNumbers ? nil : .shortNumber
        case .international(let number): refusal(of: number, rules)
        }
    }

    private static func refusal(of number: TelephoneNumber, _ rules: DiallingRules) -> DiallingRefusal? {
        if rules.blockedPrefixes.contains(where: { !$0.isEmpty && number.digits.hasPrefix($0) }) {
            return .blockedPrefix
        }
        let kind = number.kind
        let region = number.region
        switch kind.risk {
        case .premium where !rules.allowsPremium: return .premium
        case .satellite where !rules.allowsSatellite: return .satellite
        // What belongs to no country was decided by its risk.
        case _ where region == .world: return nil
        case _: return region == rules.country || rules.countries.contains(region) ? nil : .country
        }
    }

    private mutating func capRefusal(
        _ owner: CallOwner, _ rules: DiallingRules, _ now: MonotonicTime
    ) -> DiallingRefusal? {
        recent.removeFirst(recent.firstIndex { now - $0.start < Self.window } ?? recent.count)
        let own = running.values.reduce(0) { $0 + ($1.isDialled && $1.owner == owner ? 1 : 0) }
        if own >= rules.callsAtOncePerUser { return .userBusy }
        if runningCount >= rules.callsAtOnce { return .boxBusy }
        let ownRecent = recent.reduce(0) { $0 + ($1.owner == owner ? 1 : 0) }
        if ownRecent >= rules.newCallsPerMinutePerUser { return .userTooFast }
        return recent.count >= rules.newCallsPerMinute ? .boxTooFast : nil
    }
}
