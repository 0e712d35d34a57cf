import Control
import Logging
import SIP
import SIPTransport
import Settings
import Wire

// The provider: where it is, and whether it knows us.
extension Switchboard {
    /// Looks the provider up and registers; tried again with growing pauses while its name does not resolve.
    func findProvider() async {
        guard let trunk = settings.trunk else { return }
        do {
            let target = try await target(of: trunk)
            // The configuration may have changed meanwhile; then another search is under way.
            guard settings.trunk == trunk, !stopping else { return }
            lookUpAgain = nil
            await connect(trunk, at: target)
        } catch {
            guard settings.trunk == trunk, !stopping else { return }
            searchAgainLater(because: error)
        }
        schedule()
    }

    func searchAgainLater(because problem: Problem) {
        let delay = min((lookUpAgain?.delay ?? .milliseconds(2500)) * 2, .seconds(300))
        lookUpAgain = (.now() + delay, delay)
        setTrunk(.failed, problem)
    }

    private func target(of trunk: TrunkSettings) async throws(Problem) -> NetworkAddress {
        let addresses = try await NameLookup.addresses(of: trunk.server, port: trunk.port)
        let listensOnIPv6 = transport.localAddress.isIPv6
        guard let target = addresses.first(where: { $0.isIPv6 == listensOnIPv6 }) else {
            throw Problem(
                code: "trunk.no-common-address-family",
                sentence: "The provider has no address of the kind that the box listens on.",
                remedy: "Let sip.listen be an IPv4 address, for example 0.0.0.0:5060.")
        }
        return target
    }

    private func connect(_ trunk: TrunkSettings, at target: NetworkAddress) async {
        guard let local = LocalAddress.towards(target) else { return searchAgainLater(because: Self.noRoute) }
        let peer = SIPPeer(trunk.transport, target, name: trunk.server)
        if peer.transport == .udp { await transport.connect(to: target, from: local) }
        guard settings.trunk == trunk, !stopping else { return leaveUnlessUsed(peer) }
        trunkRoute = TrunkRoute(target: peer, local: local)
        isCutOff = false
        connectionProblem = nil
        connectionLostAt = nil
        retiredTargets.remove(peer)
        transport.trust(Set(([peer] + retiredTargets).map(\.address.host)))
        perform(userAgent.moved(to: contact(from: local), now: .now(), using: &generator))
        setTrunk(.registering, nil)
        use(trunk, at: target)
    }

    static let noRoute = Problem(
        code: "trunk.no-route", sentence: "There is no route to the provider.",
        remedy: "Check the box's network connection.")

    /// Where the provider is told to find us.
    func contact(from local: NetworkAddress.Host) -> NetworkAddress {
        NetworkAddress(host: settings.media.advertise.first ?? local, port: transport.localAddress.port)
    }

    /// Takes an account into use, whose provider was found.
    func use(_ trunk: TrunkSettings, at target: NetworkAddress) {
        let account = Trunk(
            name: trunk.name, domain: trunk.server, target: target, user: trunk.user, password: trunk.password,
            displayNumber: trunk.number?.revealed, expires: trunk.expires, transport: trunk.transport)
        perform(userAgent.setTrunk(account, now: .now(), using: &generator))
        schedule()
    }

    func perform(_ effects: [UserAgentEffect]) {
        for effect in effects {
            switch effect {
            case .send(let bytes, let target): send(bytes, to: target)
            case .event(let event): take(event)
            }
        }
    }

    /// A provider is spoken with the way that was configured, also while it is being left.
    private func send(_ bytes: [UInt8], to target: NetworkAddress) {
        let providers = [trunkRoute?.target].compactMap(\.self) + retiredTargets
        if let provider = providers.first(where: { $0.address == target }) {
            traceSent(bytes, to: provider)
            transport.send(bytes, to: provider)
        } else {
            traceSent(bytes, to: SIPPeer(target))
            transport.send(bytes, to: target)
        }
    }

    /// The provider's way to us was that connection, so it is made again at once; a provider who closes each one at once
    /// is asked again only when the registration is due.
    func connectionLost(to peer: SIPPeer) {
        guard peer == trunkRoute?.target, !stopping else { return }
        let now = MonotonicTime.now()
        let isFrequent = connectionLostAt.map { now - $0 < .seconds(30) } ?? false
        connectionLostAt = now
        perform(
            isFrequent
                ? userAgent.transportFailed(to: peer.address, now: now, using: &generator)
                : userAgent.connectionLost(to: peer.address, now: now, using: &generator))
    }
}

// MARK: - Registration

extension Switchboard {
    func take(_ state: RegistrationState) {
        switch state {
        case .registering: setTrunk(.registering, nil)
        case .registered(let expires, let publicAddress):
            seenAt = publicAddress
            connectionProblem = nil
            setTrunk(.registered, nil, expires: expires)
        case .failed(.unreachable):
            // Without a route no connection comes about either, and that is only what follows from it.
            setTrunk(.failed, isCutOff ? Self.noRoute : connectionProblem ?? RegistrationFailure.unreachable.problem)
        case .failed(let failure): setTrunk(.failed, failure.problem)
        // A former provider's; the next one's news follow.
        case .unregistered where settings.trunk != nil && !stopping: break
        case .unregistered: setTrunk(.none, nil)
        }
    }

    func setTrunk(_ state: TrunkStatus.State, _ problem: Problem?, expires: Int? = nil) {
        let next = TrunkStatus(name: settings.trunk?.name ?? "", state: state, problem: problem, expires: expires)
        // A refresh goes through "registering" without anything having changed for the user.
        guard next != trunkStatus, !(state == .registering && trunkStatus.state == .registered) else { return }
        trunkStatus = next
        let kind: BoxEvent.Kind =
            switch state {
            case .none: .trunkUnregistered
            case .registering: .trunkRegistering
            case .registered: .trunkRegistered
            case .failed: .trunkFailed
            }
        record(kind) { event in
            event.trunk = next.name
            event.code = problem?.code
            event.sentence = problem.map { "\($0.sentence) \($0.remedy)" }
        }
        publish(.trunk(next))
    }
}
