package import SIPMessage
package import Wire

/// Where a request for a domain goes: RFC 3263 §4. The name itself stays in the Request-URI.
///
/// ```
///   numeric host ─────────────────────────────────────────────▶ targets
///   port given ───────────────────────────────▶ A, AAAA ──────▶ targets
///   transport given ───────────▶ SRV ──none──▶ A, AAAA ──────▶ targets
///   neither ─▶ NAPTR ──none──▶ SRV of each ──none──▶ A, AAAA ─▶ targets
/// ```
/// Look-ups are asked for as effects. A domain that once had SRV records, under whatever name, is never asked for A in
/// their place: its bare name is often a web server. One whose SRV records no name server told is asked for them again, but
/// not for ever: some name servers fail at every question for SRV, and a provider may well have none. While answers are renewed, and when the DNS fails, the old targets stay in use.
package struct TargetSelection: Sendable, Equatable, Codable {
    package struct Target: Hashable, Sendable, Codable {
        package let transport: TransportProtocol
        package let address: NetworkAddress

        package init(transport: TransportProtocol, address: NetworkAddress) {
            self.transport = transport
            self.address = address
        }
    }

    package enum Effect: Hashable, Sendable {
        case lookUp(DNSQuery)
        /// ``candidates(at:)`` has targets.
        case ready
        /// Nothing was found, and nothing is known from before.
        case failed
    }

    /// Why a target was given up.
    package enum Failure: Hashable, Sendable {
        /// 503, with its Retry-After in seconds.
        case unavailable(retryAfter: Int?)
        case timeout
        case connection
    }

    package enum Limit {
        package static let records = 32
        package static let targets = 64
        /// How often SRV records that were never seen are asked for while no name server answers, before A takes their place.
        package static let tries = 3
        /// For every answer, whatever its TTL says.
        package static let lifetime: ClosedRange<Duration> = .seconds(30) ... .seconds(86_400)
        package static let penalty: Duration = .seconds(60)
        package static let longestPenalty: Duration = .seconds(3600)
    }

    private struct Known: Sendable, Equatable, Codable {
        var answer: DNSAnswer
        var expires: MonotonicTime
    }

    private struct Penalty: Sendable, Equatable, Codable {
        var end: MonotonicTime
        /// By its Retry-After: what it says to other requests meanwhile does not end it.
        var wasAskedFor: Bool
    }

    package let domain: String
    private let numeric: NetworkAddress.Host?
    private let port: UInt16?
    private let isSecure: Bool
    private let transport: TransportProtocol?
    private let supported: [TransportProtocol]

    private var known: [DNSQuery: Known] = [:]
    private var asked: Set<DNSQuery> = []
    /// SRV names that had records once, and the domain's NAPTR if it ever named a service. NAPTR may lead to other SRV
    /// names from one time to the next: what any of them said holds for the domain.
    private var hadRecords: Set<DNSQuery> = []
    /// How often in a row no name server told of an SRV name.
    private var failures: [DNSQuery: Int] = [:]
    private let tries: Int
    private var targets: [Target] = []
    private var penalties: [Target: Penalty] = [:]
    /// What the registration went to: calls go the same way.
    package private(set) var sticky: Target?

    /// - Parameters:
    ///   - uri: of the provider; its `transport` parameter and port count.
    ///   - supported: what we speak, the preferred first; `sips:` takes TLS only.
    /// - Returns: nil for a transport that we do not speak.
    package init?(_ uri: SIPURI, supported: [TransportProtocol] = [.udp, .tcp, .tls]) {
        let named = uri.parameters["transport"].map { $0.lowercased() }
        var transport = named.flatMap(TransportProtocol.init(rawValue:))
        if named != nil, transport == nil { return nil }
        // `sips:…;transport=tcp` is TLS over TCP (RFC 3261 §26.2.2).
        if uri.isSecure { transport = transport == .udp ? nil : .tls }
        guard uri.isSecure ? supported.contains(.tls) && named != "udp" : transport.map(supported.contains) ?? true,
            !supported.isEmpty
        else { return nil }
        domain = uri.host.text
        numeric = uri.host.address
        port = uri.port
        isSecure = uri.isSecure
        self.transport = transport
        self.supported = uri.isSecure ? [.tls] : supported
        tries = Limit.tries
    }

    /// - Parameters:
    ///   - domain: a name, or an address, IPv6 in brackets or bare.
    ///   - transports: what may be spoken, the preferred first; a single one is what the domain is asked for. None is all.
    ///   - tries: at SRV names that no name server tells of.
    package init(
        domain: String, port: UInt16?, transports: [TransportProtocol], tries: Int = Limit.tries
    ) {
        self.tries = tries
        self.domain = domain
        numeric = NetworkAddress.Host(domain)
        self.port = port
        isSecure = false
        transport = transports.count == 1 ? transports.first : nil
        supported = transports.isEmpty ? TransportProtocol.allCases : transports
    }

    /// Asks for what is not known; also when ``deadline`` has come.
    package mutating func start(
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        known = known.filter { $0.value.expires > now }
        return evaluate(using: &generator)
    }

    /// Asks again for what was not found or not answered, before its time: the network is another, or somebody waits.
    package mutating func retry(
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        known = known.filter { $0.value.answer != .failed && $0.value.answer != .nothing }
        return start(now: now, using: &generator)
    }

    /// Some question waits for its answer.
    package var isAsking: Bool { !asked.isEmpty }

    /// What follows may go any way again.
    package mutating func release() { sticky = nil }

    /// Whether some answer is missing because no name server gave one.
    package var isUnanswered: Bool { known.values.contains { $0.answer == .failed } }

    /// - Parameter lifetime: the smallest TTL of the answer; of a negative one the SOA's.
    package mutating func answered(
        _ query: DNSQuery, _ answer: DNSAnswer, lifetime: Duration, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard asked.remove(query) != nil else { return [] }
        let kept = min(max(lifetime, Limit.lifetime.lowerBound), Limit.lifetime.upperBound)
        known[query] = Known(answer: answer, expires: now + (answer == .failed ? Limit.lifetime.lowerBound : kept))
        failures[query] = answer == .failed ? min((failures[query] ?? 0) + 1, tries) : nil
        switch answer {
        case .srv(let records) where !records.isEmpty: hadRecords.insert(query)
        case .naptr where !naptrServices(answer).isEmpty: hadRecords.insert(query)
        default: break
        }
        return evaluate(using: &generator)
    }

    /// When an answer expires.
    package var deadline: MonotonicTime? { known.values.map(\.expires).min() }

    /// It is not being punished for a failure.
    package func isInGoodStanding(_ target: Target, at now: MonotonicTime) -> Bool {
        penalties[target].map { $0.end <= now } ?? true
    }

    /// In the order to be tried: the sticky one, those in good standing, then the others by the end of their penalty.
    package func candidates(at now: MonotonicTime) -> [Target] {
        func end(_ target: Target) -> MonotonicTime? { penalties[target].map(\.end).flatMap { $0 > now ? $0 : nil } }
        let good = targets.filter { end($0) == nil }
        let bad = targets.filter { end($0) != nil }.sorted { (end($0) ?? now) < (end($1) ?? now) }
        let first = good.filter { $0 == sticky }
        return first + good.filter { $0 != sticky } + bad
    }

    /// A registration, or a call where there is none, went through: what follows goes the same way. For the time that
    /// the server itself asked for that is no way for others than the last resort (RFC 3261 §21.5.4).
    package mutating func succeeded(_ target: Target) {
        guard targets.contains(target) else { return }
        if penalties[target]?.wasAskedFor == false { penalties[target] = nil }
        sticky = target
    }

    package mutating func failed(_ target: Target, _ failure: Failure, now: MonotonicTime) {
        guard targets.contains(target) else { return }
        if case .unavailable(let seconds?) = failure {
            let length = min(.seconds(max(seconds, 1)), Limit.longestPenalty)
            penalties[target] = Penalty(end: now + length, wasAskedFor: true)
        } else if penalties[target].map({ $0.wasAskedFor && $0.end > now + Limit.penalty }) != true {
            penalties[target] = Penalty(end: now + Limit.penalty, wasAskedFor: false)
        }
        if sticky == target { sticky = nil }
    }
}

extension DNSQuery {
    fileprivate var isSRV: Bool { if case .srv = self { true } else { false } }
}

extension TargetSelection {
    /// What is known so far leads to targets, or to more questions.
    private enum Outcome {
        case targets([Target])
        case unknown
    }

    private mutating func evaluate(using generator: inout some RandomNumberGenerator) -> [Effect] {
        var missing: [DNSQuery] = []
        let outcome = outcome(&missing, using: &generator)
        let questions = missing.filter { asked.insert($0).inserted }
        guard case .targets(let found) = outcome, missing.isEmpty else { return questions.map(Effect.lookUp) }
        if found.isEmpty { return [targets.isEmpty ? .failed : .ready] }
        targets = Array(found.prefix(Limit.targets))
        penalties = penalties.filter { targets.contains($0.key) }
        if let sticky, !targets.contains(sticky) { self.sticky = nil }
        return [.ready]
    }

    private func outcome(
        _ missing: inout [DNSQuery], using generator: inout some RandomNumberGenerator
    ) -> Outcome {
        let preferred = transport ?? supported.first ?? .udp
        if numeric != nil || port != nil {
            // §4.1: numeric or with a port, and no transport: UDP, TLS for sips.
            let chosen = transport ?? (isSecure ? .tls : supported.contains(.udp) ? .udp : preferred)
            if let address = numeric {
                return .targets([
                    Target(transport: chosen, address: NetworkAddress(host: address, port: port ?? chosen.defaultPort))
                ])
            }
            return addresses(of: domain, chosen, port ?? chosen.defaultPort, &missing).map(Outcome.targets) ?? .unknown
        }
        var services: [(name: String, transport: TransportProtocol)] = []
        // No SRV is what a name server says; that none said anything is not the same.
        var isUncertain = false
        if let transport {
            services = [(transport.service(of: domain), transport)]
        } else {
            guard let answer = answer(.naptr(domain), &missing) else { return .unknown }
            services = naptrServices(answer)
            // At first a NAPTR that fails is none: many a resolver on the way does not know the type.
            isUncertain = answer == .failed && hadRecords.contains(.naptr(domain))
            if services.isEmpty { services = supported.map { ($0.service(of: domain), $0) } }
        }
        var found: [Target] = []
        for service in services {
            guard let answer = answer(.srv(service.name), &missing) else { continue }
            // Where NAPTR named it, it is there.
            if answer == .failed,
                failures[.srv(service.name), default: 0] < tries || hadRecords.contains(.naptr(domain))
            {
                isUncertain = true
            }
            guard case .srv(let records) = answer else { continue }
            let usable = records.prefix(Limit.records).filter { $0.target != "." && !$0.target.isEmpty }
            for record in SRVRecord.ordered(Array(usable), using: &generator) {
                found += addresses(of: record.target, service.transport, record.port, &missing) ?? []
            }
        }
        guard missing.isEmpty else { return .unknown }
        if isUncertain || !found.isEmpty || hadRecords.contains(where: \.isSRV) { return .targets(found) }
        let chosen = transport ?? (isSecure ? .tls : supported.contains(.udp) ? .udp : preferred)
        return addresses(of: domain, chosen, chosen.defaultPort, &missing).map(Outcome.targets) ?? .unknown
    }

    private func naptrServices(_ answer: DNSAnswer) -> [(name: String, transport: TransportProtocol)] {
        guard case .naptr(let records) = answer else { return [] }
        return records.prefix(Limit.records)
            .filter { $0.flags.lowercased() == "s" && !$0.replacement.isEmpty }
            .sorted { ($0.order, $0.preference) < ($1.order, $1.preference) }
            .compactMap { record in
                guard let transport = TransportProtocol(naptrService: record.service),
                    supported.contains(transport)
                else { return nil }
                return (record.replacement, transport)
            }
    }

    /// - Returns: nil when it must be asked for first.
    private func answer(_ query: DNSQuery, _ missing: inout [DNSQuery]) -> DNSAnswer? {
        if let answer = known[query]?.answer { return answer }
        missing.append(query)
        return nil
    }

    private func addresses(
        of name: String, _ transport: TransportProtocol, _ port: UInt16, _ missing: inout [DNSQuery]
    ) -> [Target]? {
        guard let answer = answer(.addresses(name), &missing) else { return nil }
        guard case .addresses(let hosts) = answer else { return [] }
        return hosts.prefix(Limit.records).map {
            Target(transport: transport, address: NetworkAddress(host: $0, port: port))
        }
    }
}
