import SIPMessage
package import Wire

/// A trunk with its binding at the registrar.
struct Account: Sendable {
    var trunk: Trunk
    var registration: Registration
    var authentication = Authentication()
    /// The realm in which the registrar asked when it first let us in.
    var realm: String?
    /// The realm in which it did not let us in: there the password is wrong, and not another one's.
    var refusedRealm: String?
    let callID: String
    let tag: String
    var sequence: UInt32 = 0
    /// What the last REGISTER asked for, seconds.
    var asked = 0
    /// What requests outside of dialogs go by way of, as the registrar said last (RFC 3608).
    var serviceRoute: [NameAddress] = []
    /// What was told last: a refresh that changes nothing is no news.
    var told: RegistrationState?
}

/// The bindings (RFC 3261 §10.2).
extension UserAgent {
    /// Whether anything of ours still has to do with this address by this transport: the account, a call, a request
    /// without an answer.
    package func speaks(to target: NetworkAddress, over transport: TransportProtocol) -> Bool {
        let isMeant = { (trunk: Trunk) in trunk.target == target && trunk.transport == transport }
        return accounts.values.contains { isMeant($0.trunk) } || legs.values.contains { isMeant($0.trunk) }
            || layer.clients.values.contains {
                $0.target == target && $0.request.headers.topVia?.transport == transport.viaName
            }
    }

    mutating func register(
        _ number: UInt64, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        tell(.registering, number)
        step(number, now: now, using: &generator) { registration, _ in registration.started() }
    }

    /// Removes the bindings of all trunks, as before the end of the program.
    package mutating func unregister(
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        for number in inUse { withdraw(number, now: now, using: &generator) }
        return drain()
    }

    mutating func withdraw(
        _ number: UInt64, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        step(number, now: now, using: &generator) { registration, _ in registration.stopped() }
        settle(number)
    }

    /// Feeds the registration machine and does what it wants.
    mutating func step<Generator: RandomNumberGenerator>(
        _ number: UInt64, now: MonotonicTime, using generator: inout Generator,
        _ input: (inout Registration, inout Generator) -> [Registration.Effect]
    ) {
        guard var account = accounts[number] else { return }
        let effects = input(&account.registration, &generator)
        accounts[number] = account
        deadlines.set(account.registration.nextDeadline, for: .registration(account: number))
        for case .register(let expires) in effects {
            sendRegister(number, expires: expires, now: now, using: &generator)
        }
    }

    /// Forgets an account whose binding is gone.
    private mutating func settle(_ number: UInt64) {
        guard let account = accounts[number], account.registration.state == .idle else { return }
        tell(.unregistered, number)
        if !inUse.contains(number) { accounts[number] = nil }
    }

    mutating func tell(_ state: RegistrationState, _ number: UInt64) {
        guard let account = accounts[number], account.told != state else { return }
        // A former trunk's binding is nobody's business any more once another took its place.
        guard inUse.contains(number) || self.account(account.trunk.name) == nil else { return }
        accounts[number]?.told = state
        outbox.append(.event(.registration(trunk: account.trunk.name, state)))
    }

    mutating func registrationDue(
        _ number: UInt64, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        step(number, now: now, using: &generator) { registration, _ in registration.timePassed(to: now) }
    }

    /// The connection to the trunk's target ended: what waits for an answer on it fails, and the registrar, whose way to
    /// us it was, is told the new one (RFC 5626 §4.5).
    package mutating func connectionLost(
        to target: NetworkAddress, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        apply(layer.transportFailed(to: target), now: now, using: &generator)
        for number in inUse where accounts[number]?.trunk.target == target {
            step(number, now: now, using: &generator) { registration, _ in registration.bindingChanged() }
        }
        return drain()
    }

    /// A datagram of two line ends keeps the NAT's mapping open; whoever speaks SIP ignores it (RFC 5626 §3.5.1).
    mutating func keepAliveDue(_ number: UInt64, now: MonotonicTime) {
        guard inUse.contains(number), let account = accounts[number], isTranslated(account.trunk) else { return }
        if case .registered = account.registration.state {} else if account.trunk.expires > 0 { return }
        outbox.append(.send([0x0d, 0x0a, 0x0d, 0x0a], to: account.trunk.target))
        deadlines.set(now + Self.keepAliveInterval, for: .keepAlive(account: number))
    }

    private mutating func sendRegister(
        _ number: UInt64, expires: Int, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard var account = accounts[number] else { return }
        account.sequence &+= 1
        account.asked = expires
        let trunk = account.trunk
        let registrar = Self.uri(trunk, user: nil)
        let address = NameAddress(Self.uri(trunk, user: trunk.user))
        var from = address
        from.tag = account.tag
        var request = SIPRequest(
            .register, registrar, via: via(trunk, using: &generator), from: from, to: address,
            callID: account.callID,
            cseq: account.sequence)
        describe(&request.headers, contact: contact(trunk))
        // Proxies on the way may put themselves between the registrar and us (RFC 3327 §5.1).
        request.headers.supported = extensions + ["path"]
        request.headers.expires = expires
        request.headers.setCredentials(
            account.authentication.credentials(
                of: trunk, method: .register, uri: registrar.text, using: &generator))
        accounts[number] = account
        _ = send(
            request, to: trunk.target, for: .registering(account: number, sequence: account.sequence), now: now,
            using: &generator)
    }

    mutating func registrationAnswered(
        _ number: UInt64, sequence: UInt32, _ response: SIPResponse, from source: NetworkAddress, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard response.status >= 200, var account = accounts[number], account.sequence == sequence else { return }
        switch response.status {
        case ..<300:
            account.authentication.succeeded()
            if account.realm == nil { account.realm = account.authentication.realm }
            accounts[number] = account
            registrationGranted(number, response, now: now, using: &generator)
        case 401, 407:
            let mayAnswer = mayRegister(account.trunk, from: source)
            let challenges = response.headers.challenges(response.status)
            let isAnswered = account.authentication.receivedChallenge(
                response.status, challenges, mayAnswer: mayAnswer)
            if isAnswered {
                accounts[number] = account
                sendRegister(number, expires: account.asked, now: now, using: &generator)
                return
            }
            let realm = DigestChallenge.strongest(of: challenges)?.realm
            let isAnswerable = realm.map(mayAnswer) ?? false
            if isAnswerable { accounts[number]?.refusedRealm = realm }
            let isServer = source.host == account.trunk.target.host
            let foreign = foreignRealm(challenges, account.trunk, isServer: isServer, mayAnswer: mayAnswer)
            let failure =
                foreign.map(RegistrationFailure.realmForeign)
                ?? .rejected(status: response.status, reason: response.reason)
            registrationFailed(
                number, sequence: sequence, isAnswerable ? .wrongPassword : failure,
                retryAfter: nil, now: now, using: &generator)
        case 403:
            accounts[number]?.refusedRealm = account.authentication.realm
            registrationFailed(
                number, sequence: sequence, .wrongPassword, retryAfter: response.headers.retryAfter, now: now,
                using: &generator)
        case 423:
            var failure: RegistrationFailure?
            step(number, now: now, using: &generator) { registration, generator in
                let effects = registration.tooBrief(
                    minimum: response.headers.minExpires, now: now, using: &generator)
                if case .waiting(_, let reason) = registration.state { failure = reason }
                return effects
            }
            if let failure {
                accounts[number]?.serviceRoute = []
                tell(.failed(failure), number)
            }
            settle(number)
        default:
            registrationFailed(
                number, sequence: sequence, .rejected(status: response.status, reason: response.reason),
                retryAfter: response.headers.retryAfter, now: now, using: &generator)
        }
    }

    private mutating func registrationGranted(
        _ number: UInt64, _ response: SIPResponse, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        guard let account = accounts[number] else { return }
        let former = contactAddress(account.trunk)
        let granted = granted(to: account, response)
        step(number, now: now, using: &generator) { registration, generator in
            registration.granted(granted, now: now, using: &generator)
            return []
        }
        guard case .registered(let expires, _, _)? = accounts[number]?.registration.state else {
            accounts[number]?.serviceRoute = []
            return settle(number)
        }
        accounts[number]?.serviceRoute = response.headers.serviceRoute
        guard inUse.contains(number) else { return }
        outbox.append(.event(.targetReached(trunk: account.trunk.name, account.trunk.peer)))
        if let seenAt = response.headers.seenAt { ways[account.trunk.name, default: TrunkWay()].seenAt = seenAt }
        let seenAt = ways[account.trunk.name]?.seenAt
        tell(.registered(expires: expires, publicAddress: seenAt), number)
        // Behind NAT the way back closes after half a minute of silence.
        deadlines.set(
            isTranslated(account.trunk) ? now + Self.keepAliveInterval : nil, for: .keepAlive(account: number))
        // The binding names an address where nobody can reach us: correct it at once.
        if contactAddress(account.trunk) != former {
            step(number, now: now, using: &generator) { registration, _ in registration.bindingChanged() }
        }
    }

    /// Seconds granted to our own binding: its Contact's `expires`, else Expires (RFC 3261 §10.2.4); nil for neither.
    private func granted(to account: Account, _ response: SIPResponse) -> Int? {
        let own = contact(account.trunk).uri.sip
        let bindings = (try? response.headers.addresses(.contact)) ?? []
        let ours = bindings.first { binding in
            guard let own, let theirs = binding.uri.sip else { return false }
            return theirs.user == own.user && theirs.numericAddress == own.numericAddress
        }
        return ours?.expires ?? (bindings.count == 1 ? bindings.first?.expires : nil) ?? response.headers.expires
    }

    mutating func registrationFailed(
        _ number: UInt64, sequence: UInt32, _ failure: RegistrationFailure, retryAfter: Int?, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let account = accounts[number], account.sequence == sequence else { return }
        accounts[number]?.authentication.forget()
        // It was the way for as long as the registration lasts (RFC 3608 §6.1).
        accounts[number]?.serviceRoute = []
        if let reason = failure.ofTarget(retryAfter), inUse.contains(number), account.registration.state != .idle {
            outbox.append(.event(.targetFailed(trunk: account.trunk.name, account.trunk.peer, reason)))
            // Whoever heard of this decides by it what comes next.
            accounts[number]?.told = nil
        }
        step(number, now: now, using: &generator) { registration, generator in
            registration.failed(failure, retryAfter: retryAfter, now: now, using: &generator)
            return []
        }
        if accounts[number]?.registration.state != .idle { tell(.failed(failure), number) }
        settle(number)
    }
}

extension RegistrationFailure {
    /// Whether it speaks against where the REGISTER went, not against the account (RFC 3263 §4.3).
    fileprivate func ofTarget(_ retryAfter: Int?) -> TargetSelection.Failure? {
        switch self {
        case .noReply: .timeout
        case .unreachable: .connection
        case .rejected(status: 503, _): .unavailable(retryAfter: retryAfter)
        case .rejected, .wrongPassword, .realmForeign: nil
        }
    }
}

/// Trunks without registration.
extension UserAgent {
    /// Nobody's registrar tells where we are seen, so the server's answers to OPTIONS and INVITE do; behind NAT the way
    /// in is kept open from then on.
    mutating func noteWay(of name: String, _ response: SIPResponse, from source: NetworkAddress, now: MonotonicTime) {
        guard let number = account(name), let trunk = accounts[number]?.trunk, trunk.expires == 0,
            source.host == trunk.target.host, let seenAt = response.headers.seenAt,
            seenAt != ways[name]?.seenAt ?? local(trunk)
        else { return }
        ways[name, default: TrunkWay()].seenAt = seenAt
        outbox.append(.event(.seen(trunk: name, at: seenAt)))
        deadlines.set(isTranslated(trunk) ? now + Self.keepAliveInterval : nil, for: .keepAlive(account: number))
    }

    /// Behind NAT, which forgets a way that nothing goes by.
    private func isTranslated(_ trunk: Trunk) -> Bool {
        !trunk.transport.isReliable && ways[trunk.name]?.seenAt.map { $0 != local(trunk) } ?? false
    }
}

extension SIPHeaders {
    /// Where the other side saw the request come from that this response answers (RFC 3581 §4).
    fileprivate var seenAt: NetworkAddress? {
        guard let via = topVia, let host = via.received ?? via.host.address else { return nil }
        return NetworkAddress(host: host, port: via.receivedPort ?? via.port ?? 5060)
    }

    /// More hops make requests that no datagram holds.
    private static let mostServiceRoutes = 8

    /// Service-Route if it can be used as it is: every hop has to route loosely (RFC 3608 §5).
    fileprivate var serviceRoute: [NameAddress] {
        guard let routes = try? serviceRoutes(), routes.count <= Self.mostServiceRoutes,
            routes.allSatisfy({ $0.uri.sip?.isLooseRouter == true })
        else { return [] }
        return routes
    }
}
