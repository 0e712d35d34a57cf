import Control
import Logging
import SIP
import SIPMessage
import SIPTransport
import Settings
import Wire

// What goes to the providers, and whether they know us.
extension Switchboard {
    func perform(_ effects: [UserAgentEffect]) {
        for effect in effects {
            switch effect {
            case .send(let bytes, let target): send(bytes, to: target)
            case .event(let event): take(event)
            }
        }
    }

    /// A provider is spoken with the way that was found or configured, also while it is being left.
    private func send(_ bytes: [UInt8], to target: NetworkAddress) {
        let providers = Set(lines.compactMap(\.route?.target)).union(retiredTargets).filter { $0.address == target }
        if providers.count > 1, let over = Self.transport(of: bytes),
            let provider = providers.first(where: { $0.transport == over })
        {
            traceSent(bytes, to: provider)
            transport.send(bytes, to: provider)
        } else if let provider = providers.first {
            traceSent(bytes, to: provider)
            transport.send(bytes, to: provider)
        } else if !bytes.starts(with: "SIP/".utf8), let over = Self.transport(of: bytes), over.isReliable {
            // In the call of another server of the provider's: over the connection that it called on.
            traceSent(bytes, to: SIPPeer(over, target))
            transport.send(bytes, to: SIPPeer(over, target))
        } else {
            traceSent(bytes, to: SIPPeer(target))
            transport.send(bytes, to: target)
        }
    }

    /// Two accounts may speak with one address, each its own way: a message says which is meant.
    private static func transport(of bytes: [UInt8]) -> TransportProtocol? {
        guard let via = (try? SIPMessage.parse(bytes))?.headers.topVia else { return nil }
        return TransportProtocol(viaName: via.transport)
    }

    /// The provider's way to us was that connection, so it is made again at once; a provider who closes each one at once
    /// is asked again only when the registration is due.
    func connectionLost(to peer: SIPPeer) {
        guard !stopping else { return }
        let now = MonotonicTime.now()
        var (isAnybodys, isFrequent) = (false, false)
        for index in lines.indices where lines[index].route?.target == peer {
            isAnybodys = true
            if let last = lines[index].connectionLostAt, now - last < .seconds(30) { isFrequent = true }
            lines[index].connectionLostAt = now
        }
        guard isAnybodys else { return }
        perform(
            isFrequent
                ? userAgent.transportFailed(to: peer.address, now: now, using: &generator)
                : userAgent.connectionLost(to: peer.address, now: now, using: &generator))
    }
}

// MARK: - Registration

extension Switchboard {
    func take(_ state: RegistrationState, of name: String) {
        guard let line = line(name), let index = index(line.number) else { return }
        switch state {
        case .registering: setTrunk(line.number, .registering, nil)
        case .registered(let expires, let publicAddress):
            lines[index].seenAt = publicAddress
            lines[index].connectionProblem = nil
            lines[index].isMovingOn = false
            measure(name) { $0.grantedExpires = expires }
            setTrunk(line.number, .registered, nil, expires: expires)
        case .failed where line.isMovingOn: lines[index].isMovingOn = false
        case .failed(.unreachable):
            // Without a route no connection comes about either, and that is only what follows from it.
            setTrunk(
                line.number, .failed,
                line.isCutOff ? Self.noRoute : line.connectionProblem ?? RegistrationFailure.unreachable.problem)
        case .failed(let failure): setTrunk(line.number, .failed, failure.problem)
        // Of a former configuration; the next one's news follow.
        case .unregistered where !stopping: break
        case .unregistered: setTrunk(line.number, .none, nil)
        }
    }

    /// A REGISTER found its registrar, or not.
    func take(_ failure: TargetSelection.Failure?, at peer: SIPPeer, of name: String) {
        guard let line = line(name), let index = index(line.number) else { return }
        if let failure {
            moveOn(line.number, from: peer, failure)
        } else {
            lines[index].selection.succeeded(.init(peer))
        }
    }

    func setTrunk(_ number: UInt64, _ state: TrunkStatus.State, _ problem: Problem?, expires: Int? = nil) {
        guard let index = index(number) else { return }
        let former = lines[index].status
        var next = TrunkStatus(name: lines[index].name, state: state, problem: problem, expires: expires)
        next.target = lines[index].route.map { "\($0.target)" }
        next.answers = lines[index].answers
        next.isAsked = lines[index].settings.registers ? nil : lines[index].check != nil
        // A refresh goes through "registering" without anything having changed for the user.
        guard next != former, !(state == .registering && former.state == .registered) else { return }
        lines[index].status = next
        let isNews = former.state != state || former.problem != problem || former.expires != expires
        if isNews { record(next) }
        tellTrunk()
    }

    func record(_ trunk: TrunkStatus) {
        let kind: BoxEvent.Kind =
            switch trunk.state {
            case .none: .trunkUnregistered
            case .registering: .trunkRegistering
            case .registered: .trunkRegistered
            case .ready: .trunkReady
            case .failed: .trunkFailed
            }
        record(kind) { event in
            event.trunk = trunk.name
            event.code = trunk.problem?.code
            event.sentence = trunk.problem.map { "\($0.sentence) \($0.remedy)" }
        }
    }

    /// Tells the pages how the accounts stand all together, if that is another than before.
    func tellTrunk() {
        let next = trunkStatus
        guard next != toldTrunk else { return }
        toldTrunk = next
        publish(.trunk(next))
    }

    /// How the accounts stand all together: as the one that the next call would go out by.
    var trunkStatus: TrunkStatus { Self.summary(lines) }

    static func summary(_ lines: [TrunkLine]) -> TrunkStatus {
        let best =
            lines.first { $0.status.isUsable } ?? lines.first { $0.status.state == .registering } ?? lines.first
        return best?.status ?? TrunkStatus()
    }
}
