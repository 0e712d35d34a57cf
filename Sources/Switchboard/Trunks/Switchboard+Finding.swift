import Control
import Logging
import SIP
import SIPTransport
import Settings
import Wire

// Where the providers are (RFC 3263).
extension Switchboard {
    /// Looks for every provider that was not found yet.
    func findProviders() {
        for line in lines where line.route == nil { find(line.number) }
    }

    /// Looks for one provider; tried again with growing pauses while its name leads nowhere.
    func find(_ number: UInt64) {
        guard let index = index(number), !stopping else { return }
        follow(lines[index].selection.retry(now: .now(), using: &generator), number)
        schedule()
    }

    func lookUpWhatIsDue(now: MonotonicTime) {
        for line in lines {
            guard let deadline = line.deadline, deadline <= now, let index = index(line.number) else { continue }
            if let again = lines[index].lookUpAgain, again.at <= now {
                // Until this look-up has an outcome of its own.
                lines[index].lookUpAgain?.at = now + .seconds(3600)
                follow(lines[index].selection.retry(now: now, using: &generator), line.number)
            } else {
                follow(lines[index].selection.start(now: now, using: &generator), line.number)
            }
        }
    }

    private func follow(_ effects: [TargetSelection.Effect], _ number: UInt64) {
        for effect in effects {
            switch effect {
            case .lookUp(let query):
                Task {
                    let finding = await resolver.ask(query)
                    answered(query, finding, number)
                }
            case .ready: Task { await settle(number) }
            case .failed:
                guard let index = index(number) else { return }
                searchAgainLater(
                    number, because: lines[index].selection.isUnanswered ? NameLookup.failed : NameLookup.unknown)
            }
        }
    }

    private func answered(_ query: DNSQuery, _ finding: DNSClient.Finding, _ number: UInt64) {
        guard let index = index(number), !stopping else { return }
        follow(
            lines[index].selection.answered(
                query, finding.answer.preferring(transport.localAddress.family), lifetime: finding.lifetime,
                now: .now(), using: &generator), number)
        schedule()
    }

    func searchAgainLater(_ number: UInt64, because problem: Problem) {
        guard let index = index(number) else { return }
        let delay = min((lines[index].lookUpAgain?.delay ?? .milliseconds(2500)) * 2, .seconds(300))
        lines[index].lookUpAgain = (.now() + delay, delay)
        setTrunk(number, .failed, problem)
        schedule()
    }

    /// The provider was found, or found again: the way to it is kept while it leads there, or else another is taken.
    private func settle(_ number: UInt64) async {
        guard let index = index(number), !stopping else { return }
        let line = lines[index]
        let peers = peers(of: line)
        guard let first = peers.first else { return searchAgainLater(number, because: noCommonFamily) }
        // What there is no route to is passed over, and not waited for.
        let best = peers.first { LocalAddress.towards($0.address) != nil } ?? first
        lines[index].lookUpAgain = nil
        userAgent.know(peers, of: line.name)
        userAgent.know(sessionMinimum: measured[line.name]?.minimumSession, of: line.name)
        trustProviders()
        if let route = line.route, peers.contains(route.target) {
            learnContacts(number)
            return schedule()
        }
        await connect(number, to: best, registersNow: true)
    }

    /// - Parameter registersNow: for an account that is in use already: false leaves that to its next try.
    func connect(_ number: UInt64, to peer: SIPPeer, registersNow: Bool) async {
        guard let local = LocalAddress.towards(peer.address) else {
            return searchAgainLater(number, because: Self.noRoute)
        }
        if peer.transport == .udp { await transport.connect(to: peer.address, from: local) }
        guard let index = index(number), !stopping else { return leaveUnlessUsed(peer) }
        let former = lines[index].route
        lines[index].route = TrunkLine.Route(target: peer, local: local)
        lines[index].isCutOff = false
        lines[index].connectionProblem = nil
        lines[index].connectionLostAt = nil
        lines[index].status.target = "\(peer)"
        if let former, former.target != peer { retiredTargets.insert(former.target) }
        retiredTargets.remove(peer)
        trustProviders()
        let line = lines[index]
        if former == nil {
            perform(userAgent.moved(to: contact(from: local), trunk: line.name, now: .now(), using: &generator))
            use(number, at: peer)
        } else {
            watch(number)
            perform(
                userAgent.retarget(
                    line.name, to: peer, from: contact(from: local), registersNow: registersNow, now: .now(),
                    using: &generator))
        }
        learnContacts(number)
        schedule()
    }

    /// Takes an account into use, whose provider was found.
    func use(_ number: UInt64, at peer: SIPPeer) {
        guard let index = index(number) else { return }
        watch(number)
        setTrunk(number, lines[index].settings.registers ? .registering : .ready, nil)
        perform(userAgent.use(lines[index].account(at: peer), now: .now(), using: &generator))
        // Under another domain the user agent takes the name's servers for nobody's until it is told of them again.
        userAgent.know(peers(of: lines[index]), of: lines[index].name)
        schedule()
    }

    /// A registration failed because of where it went: the next server is asked, or later the one that comes first then.
    func moveOn(_ number: UInt64, from peer: SIPPeer, _ failure: TargetSelection.Failure) {
        guard let index = index(number) else { return }
        let now = MonotonicTime.now()
        lines[index].selection.failed(.init(peer), failure, now: now)
        let line = lines[index]
        guard let next = nextPeer(of: line), next != peer, line.route?.target == peer, !stopping else { return }
        let isHopeful = line.isInGoodStanding(next, at: now)
        lines[index].isMovingOn = isHopeful
        log.notice(
            "The provider's server does not do its work; another one of the provider's is asked.",
            metadata: ["trunk": "\(line.name)", "at": "\(peer)", "next": "\(next)"])
        Task { await connect(number, to: next, registersNow: isHopeful) }
    }

    /// Whom connections and the last room for messages are kept for.
    func trustProviders() {
        let peers = lines.flatMap { self.peers(of: $0) + [$0.route?.target].compactMap(\.self) }
        transport.trust(
            TrustedSources(
                hosts: Set((peers + retiredTargets).map(\.address.host)),
                networks: Set(lines.flatMap(\.settings.networks))))
    }

    func index(_ number: UInt64) -> Int? { lines.firstIndex { $0.number == number } }

    func line(_ name: String) -> TrunkLine? { lines.first { $0.name == name } }

    static let noRoute = Problem(
        code: "trunk.no-route", sentence: "There is no route to the provider.",
        remedy: "Check the box's network connection.")

}
