package import Wire

/// Why the provider does not know where to find us.
package enum RegistrationFailure: Hashable, Sendable, Codable {
    /// Asked again after a right answer, or forbidden.
    case wrongPassword
    /// The registrar asks in a realm that is not the trunk's.
    case realmForeign(String)
    /// 64·T1 without a response.
    case noReply
    /// The network says that the target cannot be reached.
    case unreachable
    case rejected(status: Int, reason: String)
}

/// One binding at a registrar, kept alive for as long as it is wanted (RFC 3261 §10.2, RFC 5626 §4.5).
///
/// ```
///         +------+ started   +-------------+ granted    +------------+
///    ---->| idle |---------->| registering |----------->| registered |
///         +------+           +-------------+            +------------+
///            ^                  |       ^ retry time       | refresh time: REGISTER,
///            |           failed v       |                  | still registered
///            |               +---------------+    failed   |
///            |               |    waiting    |<------------+
///            |               +---------------+
///            |  answered, failed   +---------------+ stopped (from any state that may have left a binding)
///            +---------------------| unregistering |<-----
///                                  +---------------+
/// ```
/// The REGISTER itself, with its transaction and its credentials, is the business of whoever applies the effects.
package struct Registration: Hashable, Sendable, Codable {
    package enum Effect: Equatable, Sendable {
        /// Send a REGISTER that asks for so many seconds; 0 removes the binding.
        case register(expires: Int)
    }

    package enum State: Hashable, Sendable, Codable {
        case idle
        case registering
        /// - `refreshAt`: nil while the refresh is on its way.
        case registered(expires: Int, refreshAt: MonotonicTime?, endsAt: MonotonicTime)
        case waiting(retryAt: MonotonicTime, RegistrationFailure)
        case unregistering
    }

    package private(set) var state: State = .idle
    /// Seconds; raised by 423 (RFC 3261 §10.2.8).
    package private(set) var expires: Int
    private var backOff = BackOff(base: .seconds(10), maximum: .seconds(1_800))
    /// Answers 423 in a row: a registrar that keeps raising is refused in the end.
    private var raises = 0

    /// - Parameter expires: seconds to ask for; at least 60, at most a day.
    package init(expires: Int) {
        self.expires = min(max(expires, 60), 86_400)
    }

    package var nextDeadline: MonotonicTime? {
        switch state {
        case .registered(_, let refreshAt, _): refreshAt
        case .waiting(let retryAt, _): retryAt
        case .idle, .registering, .unregistering: nil
        }
    }

    package mutating func started() -> [Effect] {
        state = .registering
        return [.register(expires: expires)]
    }

    /// The binding is no longer wanted.
    package mutating func stopped() -> [Effect] {
        switch state {
        case .idle, .unregistering: return []
        case .waiting:
            state = .idle
            return []
        case .registering, .registered:
            state = .unregistering
            return [.register(expires: 0)]
        }
    }

    /// 2xx to the last REGISTER.
    /// - Parameter granted: seconds, from the Contact or the Expires header; nil when neither says.
    package mutating func granted(
        _ granted: Int?, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        switch state {
        case .unregistering, .idle: state = .idle
        case .registering, .registered, .waiting:
            backOff.succeeded()
            raises = 0
            let seconds = min(max(granted ?? expires, 1), 86_400)
            let whole = Duration.seconds(seconds)
            // 50–80 % of what was granted, but never in its last 10 s, unless it is as short as that.
            let part = whole * Double.random(in: 0.5...0.8, using: &generator)
            let latest = max(whole - .seconds(10), whole * 0.5)
            state = .registered(expires: seconds, refreshAt: now + min(part, latest), endsAt: now + whole)
        }
    }

    /// 423: the registrar wants a longer time (RFC 3261 §10.3).
    /// - Parameter minimum: its Min-Expires, seconds.
    package mutating func tooBrief(
        minimum: Int?, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard let minimum, minimum > expires, minimum <= 86_400, raises < 2 else {
            failed(
                .rejected(status: 423, reason: "Interval Too Brief"), retryAfter: nil, now: now, using: &generator)
            return []
        }
        raises += 1
        expires = minimum
        switch state {
        case .registering, .registered: return [.register(expires: expires)]
        case .idle, .waiting, .unregistering: return []
        }
    }

    /// The last REGISTER failed for good.
    /// - Parameter retryAfter: seconds that the registrar asked to be left alone.
    package mutating func failed(
        _ failure: RegistrationFailure, retryAfter: Int?, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        switch state {
        case .idle: return
        case .unregistering: state = .idle
        case .registering, .registered, .waiting:
            raises = 0
            var wait = backOff.failed(using: &generator)
            // Providers lock accounts out after a few wrong passwords: ask seldom.
            switch failure {
            case .wrongPassword, .realmForeign: wait = max(wait, .seconds(300))
            case .noReply, .unreachable, .rejected: break
            }
            if let retryAfter { wait = max(wait, .seconds(min(max(retryAfter, 0), 3_600))) }
            state = .waiting(retryAt: now + wait, failure)
        }
    }

    /// The refresh or retry time, if it has come.
    package mutating func timePassed(to now: MonotonicTime) -> [Effect] {
        switch state {
        case .registered(let granted, let refreshAt?, let endsAt) where refreshAt <= now:
            state = .registered(expires: granted, refreshAt: nil, endsAt: endsAt)
            return [.register(expires: expires)]
        case .waiting(let retryAt, _) where retryAt <= now: return started()
        case .idle, .registering, .registered, .waiting, .unregistering: return []
        }
    }

    /// The way between us and the registrar changed: what was granted or tried over the former one may be worth nothing.
    ///
    /// A refusal of the password stands: it had nothing to do with the way, and asking again may lock the account.
    package mutating func wayChanged() -> [Effect] {
        switch state {
        case .registering: return [.register(expires: expires)]
        case .registered(let granted, _, let endsAt):
            state = .registered(expires: granted, refreshAt: nil, endsAt: endsAt)
            return [.register(expires: expires)]
        case .waiting(_, .wrongPassword), .waiting(_, .realmForeign), .idle, .unregistering: return []
        case .waiting: return started()
        }
    }

    /// Something about the binding changed (the address we are seen at): register again at once.
    package mutating func bindingChanged() -> [Effect] {
        guard case .registered(let granted, _, let endsAt) = state else { return [] }
        state = .registered(expires: granted, refreshAt: nil, endsAt: endsAt)
        return [.register(expires: expires)]
    }
}
