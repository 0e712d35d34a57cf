package import Wire

/// Which trunks are in use, and the ways to them.
extension UserAgent {
    /// Takes this trunk into use in the place of all others; their bindings are removed. Calls go on as they are.
    /// - Parameter trunk: nil for none.
    package mutating func setTrunk(
        _ trunk: Trunk?, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        let former = trunk.flatMap { account($0.name) } ?? (trunk == nil ? nil : inUse.first)
        for number in inUse where number != former { leave(number, now: now, using: &generator) }
        if let trunk { replace(former, with: trunk, now: now, using: &generator) }
        return drain()
    }

    /// Takes a trunk into use beside the others, in the place of the one of the same name.
    package mutating func use(
        _ trunk: Trunk, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        replace(account(trunk.name), with: trunk, now: now, using: &generator)
        return drain()
    }

    /// Removes the binding of a trunk, which is no longer in use. Its calls go on.
    package mutating func leave(
        _ name: String, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        if let number = account(name) { leave(number, now: now, using: &generator) }
        return drain()
    }

    private mutating func leave(
        _ number: UInt64, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        inUse.removeAll { $0 == number }
        deadlines.set(nil, for: .keepAlive(account: number))
        withdraw(number, now: now, using: &generator)
    }

    private mutating func replace(
        _ former: UInt64?, with trunk: Trunk, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        if let former, let account = accounts[former] {
            if account.trunk == trunk {
                // The same once more: only a binding that was removed is made again.
                if trunk.expires > 0, account.registration.state == .idle {
                    register(former, now: now, using: &generator)
                }
                return
            }
            if account.trunk.target != trunk.target { ways[trunk.name]?.seenAt = nil }
            if account.trunk.domain != trunk.domain {
                ways[trunk.name]?.hosts = [:]
                ways[trunk.name]?.sessionMinimum = nil
            }
            if trunk.bindsLike(account.trunk) {
                // The new REGISTER takes the binding over. To remove it as well would be a race that either may win.
                inUse.removeAll { $0 == former }
                accounts[former] = nil
                deadlines.set(nil, for: .registration(account: former))
                deadlines.set(nil, for: .keepAlive(account: former))
            } else {
                leave(former, now: now, using: &generator)
            }
        }
        accountCount += 1
        inUse.append(accountCount)
        accounts[accountCount] = Account(
            trunk: trunk, registration: Registration(expires: trunk.expires),
            callID: hexadecimal(bytes: 16, using: &generator), tag: hexadecimal(bytes: 8, using: &generator))
        if trunk.expires > 0 { register(accountCount, now: now, using: &generator) }
    }

    /// Our socket is to be reached at another address, or by another way to the same one: the binding is made anew at
    /// once. Calls go on; what they send from now on names the new address.
    /// - Parameter name: of the trunk that this is about; nil for all.
    package mutating func moved(
        to contact: NetworkAddress, trunk name: String? = nil, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        if let name {
            ways[name, default: TrunkWay()].locals[contact.family] = contact
            ways[name]?.seenAt = nil
        } else {
            local = contact
            for name in ways.keys {
                ways[name]?.locals = [:]
                ways[name]?.seenAt = nil
            }
        }
        for number in inUse where name == nil || accounts[number]?.trunk.name == name {
            registerAnew(number, now: now, using: &generator)
        }
        return drain()
    }

    /// The way to the registrar is another: what comes of it is news whatever was told before.
    mutating func registerAnew(
        _ number: UInt64, now: MonotonicTime, using generator: inout some RandomNumberGenerator
    ) {
        accounts[number]?.told = nil
        step(number, now: now, using: &generator) { registration, _ in registration.wayChanged() }
        if accounts[number]?.registration.state == .registering { tell(.registering, number) }
    }
}
