import SIPMessage
package import Wire

/// What a user agent knows of the way to a trunk.
struct TrunkWay: Sendable {
    /// Where our socket of each family is to be reached from there; the user agent's own where that is not known.
    var locals: [AddressFamily: NetworkAddress] = [:]
    /// Where the registrar sees us (RFC 3581), if it told.
    var seenAt: NetworkAddress?
    /// Seconds below which a session timer is refused there.
    var sessionMinimum: Int?
    /// The hosts that the trunk's name leads to: each of them may call us, as safely at least as it is spoken with.
    var hosts: [NetworkAddress.Host: TransportProtocol] = [:]
}

/// Which trunk is meant.
extension UserAgent {
    /// The trunks in use, in the order of their taking.
    package var trunks: [Trunk] { inUse.compactMap { accounts[$0]?.trunk } }

    /// The trunk of a call, as it is spoken with in that call.
    package func trunk(of leg: LegIdentifier) -> Trunk? { legs[leg]?.trunk }

    /// Seconds of the session timer that was agreed on in a call; nil without one (RFC 4028).
    package func sessionInterval(of leg: LegIdentifier) -> Int? { legs[leg]?.connected?.timer?.interval }

    /// - Parameter name: nil for the first in use.
    func trunk(_ name: String?) -> Trunk? {
        guard let name else { return trunks.first }
        return account(name).flatMap { accounts[$0]?.trunk }
    }

    func account(_ name: String) -> UInt64? { inUse.first { accounts[$0]?.trunk.name == name } }

    /// Our address of the family that the trunk is spoken with over.
    func local(_ trunk: Trunk) -> NetworkAddress {
        let known = ways[trunk.name]?.locals ?? [:]
        // One of the wrong family is what there is, and behind a translator between both it may even serve.
        return known[trunk.family] ?? (local.family == trunk.family ? local : known.values.first ?? local)
    }

    /// Where our socket is to be reached from those of the trunk's servers that have addresses of this family. What is bound
    /// to another family stays.
    package mutating func know(contact: NetworkAddress, of name: String) {
        ways[name, default: TrunkWay()].locals[contact.family] = contact
    }

    /// The trunk's name leads to these servers (RFC 3263): calls from the host of each are the trunk's, and may be challenged.
    package mutating func know(_ servers: some Sequence<SIPPeer>, of name: String) {
        ways[name, default: TrunkWay()].hosts = Dictionary(
            servers.map { ($0.address.host, $0.transport) }, uniquingKeysWith: { $0.safety < $1.safety ? $0 : $1 })
    }

    /// What was found out about the trunk's provider before: the next call asks for no shorter session timer.
    package mutating func know(sessionMinimum seconds: Int?, of name: String) {
        ways[name, default: TrunkWay()].sessionMinimum = seconds.map { min(max($0, 0), Self.longestSessionMinimum) }
    }

    /// Somebody wants a longer session timer (RFC 4028 §6). It may be a callee far behind the provider, so what is beyond
    /// reason is that call's business alone.
    mutating func noteSessionMinimum(_ seconds: Int, of name: String) {
        guard account(name) != nil, (SessionTimer.minimum + 1...Self.longestSessionMinimum).contains(seconds),
            seconds > ways[name]?.sessionMinimum ?? 0
        else { return }
        ways[name, default: TrunkWay()].sessionMinimum = seconds
        outbox.append(.event(.sessionMinimum(trunk: name, seconds: seconds)))
    }

    /// A call whose other side vanished goes on for no longer than this.
    private static let longestSessionMinimum = 3_600

    /// Whether a host is one of the trunk's. What was found out about another domain of that name does not count.
    func isTrunk(_ trunk: Trunk, _ host: NetworkAddress.Host) -> Bool {
        if host == trunk.target.host { return true }
        guard let now = self.trunk(trunk.name), now.domain == trunk.domain else { return false }
        return ways[trunk.name]?.hosts[host] != nil
    }

    /// Whether a call came as safely as the trunk is spoken with: another account with the same provider may go a less
    /// safe way, and what comes by that is that one's alone.
    private func isAsSafe(_ source: SIPPeer, as trunk: Trunk) -> Bool {
        let host = source.address.host
        let known = [host == trunk.target.host ? trunk.transport : nil, ways[trunk.name]?.hosts[host]]
        let least = known.compactMap { $0?.safety }.min() ?? trunk.transport.safety
        return source.transport.safety >= least
    }

    /// Whose call this is: the trunk's from whose hosts it comes, or else from whose networks; of several accounts there, the one that it is
    /// addressed to.
    func trunk(of request: SIPRequest, from source: SIPPeer) -> Trunk? {
        let host = source.address.host
        var possible = trunks.filter { isTrunk($0, host) }
        if possible.isEmpty { possible = trunks.filter { $0.networks.contains { $0.contains(host) } } }
        possible = possible.filter { isAsSafe(source, as: $0) }
        guard possible.count > 1 else { return possible.first }
        let users = [request.uri.user, request.headers.to?.uri.user].compactMap(\.self)
        return possible.first { trunk in
            users.contains { $0 == trunk.user || $0 == trunk.displayNumber }
        } ?? possible.first
    }

    /// The trunk is spoken with at another of its addresses from now on; calls go on where they are.
    /// - Parameters:
    ///   - contact: where our socket is to be reached from there.
    ///   - registersNow: false leaves the registration to its next retry or refresh.
    package mutating func retarget(
        _ name: String, to peer: SIPPeer, from contact: NetworkAddress, registersNow: Bool, now: MonotonicTime,
        using generator: inout some RandomNumberGenerator
    ) -> [UserAgentEffect] {
        guard let number = account(name), let trunk = accounts[number]?.trunk else { return [] }
        guard trunk.target != peer.address || trunk.transport != peer.transport else { return [] }
        accounts[number]?.trunk.target = peer.address
        accounts[number]?.trunk.transport = peer.transport
        accounts[number]?.trunk.serverName = peer.name ?? trunk.serverName
        accounts[number]?.serviceRoute = []
        ways[name, default: TrunkWay()].locals[contact.family] = contact
        ways[name]?.seenAt = nil
        deadlines.set(nil, for: .keepAlive(account: number))
        if registersNow { registerAnew(number, now: now, using: &generator) }
        return drain()
    }
}
