import Call
import Control
import Logging
import Media
import SDP
import SIP
import SIPTransport
import Settings
import Wire

// The provider: where it is, what it says, calls from and to it.
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
            transport.send(bytes, to: provider)
        } else {
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

    private func take(_ event: UserAgentEvent) {
        switch event {
        case .registration(let state): take(state)
        case .incoming(let leg, let from, let name, _, let offer): ring(leg, from: from, name: name, offer: offer)
        case .ringing(let leg): update(leg) { $0.farRinging() }
        case .noReplyYet(let leg): update(leg) { $0.farSilent() }
        case .progress(let leg, let body):
            guard agree(leg, on: body) else { return }
            update(leg) { $0.farProgressed() }
        case .answered(let leg, let body):
            guard agree(leg, on: body) else {
                update(leg) { $0.terminate(.noCommonCodec) }
                return
            }
            update(leg) { $0.farAnswered(now: .now()) }
        case .ended(let leg, let end):
            let reason = EndReason(end)
            update(leg) { $0.farEnded(reason) }
        case .asked(let number, let outcome): answered(number, outcome)
        // The user agent is not told to ask: it answers offers and declines transfers by itself.
        case .renegotiated, .offered, .agreed, .offerRefused, .digit, .digitsRefused, .transferRequested,
            .transferProgress, .incomingReplacement, .reason:
            break
        }
    }

    private func update(_ leg: LegIdentifier, _ body: (inout Call) -> [Call.Effect]) {
        guard let identifier = callOfLeg[leg] else { return }
        update(identifier, body)
    }

    /// Reads the far side's answer; an empty one means that an earlier one still holds.
    /// - Returns: whether there is something both sides can hear.
    private func agree(_ leg: LegIdentifier, on body: [UInt8]) -> Bool {
        guard let identifier = callOfLeg[leg], let ongoing = calls[identifier] else { return false }
        if body.isEmpty { return ongoing.trunkAudio != nil }
        do {
            guard let offer = ongoing.trunkDescription else { return false }
            let audio = try TrunkOffer.agreed(offer: offer, answer: SessionDescription(body))
            guard audio != ongoing.trunkAudio else { return true }
            calls[identifier]?.trunkAudio = audio
            media.setTrunkAudio(leg, audio)
            announceCodec(identifier)
            return true
        } catch {
            log.warning(
                "The provider's SDP cannot be used.", metadata: ["call": "\(identifier)", "error": "\(error)"])
            return false
        }
    }

    /// - Returns: our offer.
    func openTrunkLeg(_ leg: LegIdentifier) throws(Problem) -> SessionDescription {
        guard let trunk = settings.trunk else { throw EndReason.noTrunk.problem }
        guard let route = trunkRoute else { throw trunkStatus.problem ?? EndReason.providerUnreachable.problem }
        let port = try media.openTrunkLeg(leg)
        return TrunkOffer.make(
            local: NetworkAddress(host: Self.contactHost(settings, local: route.local), port: port),
            sessionID: UInt64.random(in: 1...UInt64(Int64.max), using: &generator), version: 1,
            codecs: trunk.codecs.compactMap(AudioCodec.init))
    }

    /// Calls that may ring at a time: invitations can be forged, and each holds ports and disturbs people.
    static let ringingLimit = 16

    private func ring(
        _ leg: LegIdentifier, from: Redacted<String>, name: Redacted<String>?, offer: [UInt8]?
    ) {
        let idle = freePages
        guard ringingHere < Self.ringingLimit else {
            recordRefusal(from: from, Self.tooManyRing)
            perform(userAgent.reject(leg, status: 503, now: .now(), using: &generator))
            return
        }
        guard !draining else {
            recordRefusal(from: from, Self.isDrained)
            perform(userAgent.reject(leg, status: 480, now: .now(), using: &generator))
            return
        }
        guard !stopping, !idle.isEmpty else {
            recordRefusal(
                from: from,
                stopping ? EndReason.boxStopping.problem : pageCount == 0 ? Self.noPageOpen : Self.pagesBusy)
            perform(
                userAgent.reject(
                    leg, status: phones.values.allSatisfy(\.isLost) || stopping ? 480 : 486, now: .now(),
                    using: &generator))
            return
        }
        let identifier = CallIdentifier(using: &generator)
        do {
            let (description, audio) = try answer(offer, on: leg)
            let (call, effects) = Call.inbound(identifier, far: leg, now: .now())
            callOfLeg[leg] = identifier
            calls[identifier] = OngoingCall(
                call: call, ringing: idle, from: from, name: name, trunkDescription: description, trunkAudio: audio)
            media.setTrunkAudio(leg, audio)
            record(.callCreated, identifier) { $0.pages = idle.count }
            for connection in idle.sorted(by: { $0.description < $1.description }) {
                publish(.incoming(connection: connection, call: identifier, from: from, name: name))
            }
            carryOut(effects, of: identifier)
        } catch {
            media.close(leg)
            log.debug("A call's sound offer cannot be used.", metadata: ["error": "\(error)"])
            recordRefusal(from: from, (error as? Problem) ?? EndReason.noCommonCodec.problem)
            perform(userAgent.reject(leg, status: 488, now: .now(), using: &generator))
        }
    }

    private func answer(_ offer: [UInt8]?, on leg: LegIdentifier) throws -> (SessionDescription, TrunkAudio) {
        guard let trunk = settings.trunk, let route = trunkRoute, let offer else {
            throw EndReason.noCommonCodec.problem
        }
        let port = try media.openTrunkLeg(leg)
        let (answer, audio) = try TrunkAnswer.make(
            to: SessionDescription(offer),
            local: NetworkAddress(host: Self.contactHost(settings, local: route.local), port: port),
            sessionID: UInt64.random(in: 1...UInt64(Int64.max), using: &generator),
            codecs: trunk.codecs.compactMap(AudioCodec.init))
        return (answer, audio)
    }
}

// MARK: - Registration

extension Switchboard {
    private func take(_ state: RegistrationState) {
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
