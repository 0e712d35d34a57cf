import SIPMessage
package import Wire

/// A trunk with its binding at the registrar.
struct Account: Sendable {
    let trunk: Trunk
    var registration: Registration
    var authentication = Authentication()
    /// The realm in which the registrar asked when it first let us in.
    var realm: String?
    let callID: String
    let tag: String
    var sequence: UInt32 = 0
    /// What the last REGISTER asked for, seconds.
    var asked = 0
    /// What was told last: a refresh that changes nothing is no news.
    var told: RegistrationState?
}

extension UserAgent {
    /// Takes another trunk into use; the binding of the former one is removed. Calls of the former one go on as they are.
    /// - Parameter trunk: nil for none.
    package mutating func setTrunk(
        _ trunk: Trunk?, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        if let number = current, let account = accounts[number], account.trunk == trunk {
            // The same once more: only a binding that was removed is made again.
            if account.trunk.expires > 0, account.registration.state == .idle {
                register(number, now: now, using: &generator)
            }
            return drain()
        }
        var isSameWay = false
        if let number = current, let former = accounts[number]?.trunk {
            current = nil
            isSameWay = trunk?.target == former.target
            if let trunk, trunk.bindsLike(former) {
                // The new REGISTER takes the binding over. To remove it as well would be a race that either may win.
                accounts[number] = nil
                deadlines.set(nil, for: .registration(account: number))
            } else {
                withdraw(number, now: now, using: &generator)
            }
        }
        if !isSameWay { seenAt = nil }
        deadlines.set(nil, for: .keepAlive)
        if let trunk {
            accountCount += 1
            current = accountCount
            accounts[accountCount] = Account(
                trunk: trunk, registration: Registration(expires: trunk.expires),
                callID: hexadecimal(bytes: 16, using: &generator), tag: hexadecimal(bytes: 8, using: &generator))
            if trunk.expires > 0 { register(accountCount, now: now, using: &generator) }
        }
        return drain()
    }

    /// Our socket is to be reached at another address, or by another way to the same one: the binding is made anew at
    /// once. Calls go on; what they send from now on names the new address.
    package mutating func moved(
        to contact: NetworkAddress, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        local = contact
        seenAt = nil
        guard let current else { return [] }
        // The outcome is news whatever was told before.
        accounts[current]?.told = nil
        step(current, now: now, using: &generator) { registration, _ in registration.wayChanged() }
        if accounts[current]?.registration.state == .registering { tell(.registering, current) }
        return drain()
    }

    /// Whether anything of ours still has to do with this address by this transport: the account, a call, a request
    /// without an answer.
    package func speaks(to target: NetworkAddress, over transport: TransportProtocol) -> Bool {
        let isMeant = { (trunk: Trunk) in trunk.target == target && trunk.transport == transport }
        return accounts.values.contains { isMeant($0.trunk) } || legs.values.contains { isMeant($0.trunk) }
            || layer.clients.values.contains {
                $0.target == target && $0.request.headers.topVia?.transport == transport.viaName
            }
    }

    private mutating func register(
        _ number: UInt64, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        tell(.registering, number)
        step(number, now: now, using: &generator) { registration, _ in registration.started() }
    }

    /// Removes the binding of the trunk, as before the end of the program.
    package mutating func unregister(
        now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        if let current { withdraw(current, now: now, using: &generator) }
        return drain()
    }

    private mutating func withdraw(
        _ number: UInt64, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        step(number, now: now, using: &generator) { registration, _ in registration.stopped() }
        settle(number)
    }

    /// Feeds the registration machine and does what it wants.
    private mutating func step<Generator: RandomNumberGenerator>(
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
        if current != number { accounts[number] = nil }
    }

    private mutating func tell(_ state: RegistrationState, _ number: UInt64) {
        guard accounts[number]?.told != state else { return }
        // A former trunk's binding is nobody's business any more once another took its place.
        guard current == number || current == nil else { return }
        accounts[number]?.told = state
        outbox.append(.event(.registration(state)))
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
        if let current, accounts[current]?.trunk.target == target {
            step(current, now: now, using: &generator) { registration, _ in registration.bindingChanged() }
        }
        return drain()
    }

    /// A datagram of two line ends keeps the NAT's mapping open; whoever speaks SIP ignores it (RFC 5626 §3.5.1).
    mutating func keepAliveDue(now: MonotonicTime) {
        guard let current, let account = accounts[current], case .registered = account.registration.state else {
            return
        }
        outbox.append(.send([0x0d, 0x0a, 0x0d, 0x0a], to: account.trunk.target))
        deadlines.set(now + Self.keepAliveInterval, for: .keepAlive)
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
            .register, registrar, via: via(over: trunk.transport, using: &generator), from: from, to: address,
            callID: account.callID,
            cseq: account.sequence)
        describe(&request.headers, contact: contact(trunk))
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
            let isAnswerable = DigestChallenge.strongest(of: challenges).map { mayAnswer($0.realm) } ?? false
            registrationFailed(
                number, sequence: sequence,
                isAnswerable ? .wrongPassword : .rejected(status: response.status, reason: response.reason),
                retryAfter: nil, now: now, using: &generator)
        case 403:
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
            if let failure { tell(.failed(failure), number) }
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
        let former = contactAddress
        let granted = granted(to: account, response)
        step(number, now: now, using: &generator) { registration, generator in
            registration.granted(granted, now: now, using: &generator)
            return []
        }
        guard case .registered(let expires, _, _)? = accounts[number]?.registration.state else {
            return settle(number)
        }
        guard current == number else { return }
        if let via = response.headers.topVia, let host = via.received ?? via.host.address {
            seenAt = NetworkAddress(host: host, port: via.receivedPort ?? via.port ?? 5060)
        }
        tell(.registered(expires: expires, publicAddress: seenAt), number)
        // Behind NAT the way back closes after half a minute of silence.
        let isTranslated = !transport.isReliable && seenAt.map { $0 != local } ?? false
        deadlines.set(isTranslated ? now + Self.keepAliveInterval : nil, for: .keepAlive)
        // The binding names an address where nobody can reach us: correct it at once.
        if contactAddress != former {
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
        guard accounts[number]?.sequence == sequence else { return }
        accounts[number]?.authentication.forget()
        step(number, now: now, using: &generator) { registration, generator in
            registration.failed(failure, retryAfter: retryAfter, now: now, using: &generator)
            return []
        }
        if accounts[number]?.registration.state != .idle { tell(.failed(failure), number) }
        settle(number)
    }
}
