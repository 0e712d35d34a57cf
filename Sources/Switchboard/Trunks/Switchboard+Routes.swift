import Call
import Control
import Logging
import Media
import Numbering
import SDP
import SIP
import SIPTransport
import Settings
import Wire

// Which provider, and which of its servers, takes an outbound call; and who is tried next (RFC 3263 §4.3).
extension Switchboard {
    /// The accounts that calls can go out by: first those that are registered or need not be, each in its order.
    private var callLines: [TrunkLine] {
        let found = lines.filter { $0.route != nil }
        return found.filter(\.status.isUsable) + found.filter { !$0.status.isUsable }
    }

    /// The account that a call is offered to first.
    /// - Parameter name: of the one that it has to be.
    /// - Throws: why there is none.
    func firstLine(_ name: String? = nil) throws(Problem) -> (line: TrunkLine, local: NetworkAddress.Host) {
        guard !lines.isEmpty else { throw EndReason.noTrunk.problem }
        guard let line = callLines.first(where: { name == nil || $0.name == name }), let route = line.route else {
            let problem = trunkStatus.problem
            throw EndReason(lookUp: problem)?.problem ?? problem ?? EndReason.providerUnreachable.problem
        }
        return (line, route.local)
    }

    /// The next way that was not tried: another server of the same account, then another account.
    /// - Parameter isUrgent: the providers' pace is no reason to wait.
    private func nextWay(after former: CallWay?, isUrgent: Bool) -> CallWay? {
        if let former, former.isLast { return nil }
        var order = callLines
        if let former, let index = order.firstIndex(where: { $0.name == former.trunk }) {
            order.insert(order.remove(at: index), at: 0)
        }
        let now = MonotonicTime.now()
        var doubtful: CallWay?
        for line in order
        where former?.exhausted.contains(line.name) != true && (isUrgent || line.pause(at: now) != nil) {
            for peer in peers(of: line) where former?.tried[line.name]?.contains(peer) != true {
                let local = peer == line.route?.target ? line.route?.local : LocalAddress.towards(peer.address)
                guard let local else { continue }
                var way = former ?? CallWay(trunk: line.name, peer: peer, local: local)
                (way.trunk, way.peer, way.local) = (line.name, peer, local)
                (way.isGivenUp, way.retryAfter) = (false, nil)
                way.tried[line.name, default: []].insert(peer)
                // A server that failed a moment ago comes after every other way.
                if line.isInGoodStanding(peer, at: now) { return way }
                doubtful = doubtful ?? way
            }
        }
        return doubtful
    }

    /// Sends the INVITE of a call that leaves the box: a page's, or the second half of one that is passed on.
    func dial(_ leg: LegIdentifier, of identifier: CallIdentifier) {
        if let next = calls[identifier]?.next, next.leg == leg { return dial(next, of: identifier) }
        guard let way = nextWay(after: nil, isUrgent: isUrgent(calls[identifier]?.number(dialledOn: leg))) else {
            let reason: EndReason =
                callLines.contains { $0.pause(at: .now()) == nil }
                ? .callsTooFrequent
                : EndReason(lookUp: trunkStatus.problem) ?? .providerUnreachable
            return update(identifier) { call in
                call.onward == leg ? call.nearEnded(leg, reason) : call.farEnded(reason)
            }
        }
        dial(leg, of: identifier, by: way)
    }

    private func dial(_ leg: LegIdentifier, of identifier: CallIdentifier, by way: CallWay) {
        guard let side = calls[identifier]?[side: leg], let line = line(way.trunk),
            var port = side.description.media.first?.port
        else { return }
        calls[identifier]?[way: leg] = way
        if side.description.voiceAddress?.family != way.local.family {
            do throws(Problem) {
                port = try media.moveTrunkLeg(leg, to: way.local.family)
            } catch {
                record(.callNotice, identifier, error)
                return update(identifier) { call in
                    call.onward == leg ? call.nearEnded(leg, .internalError) : call.farEnded(.internalError)
                }
            }
        }
        // What another provider answered holds no longer, nor why.
        calls[identifier]?.cause = nil
        calls[identifier]?[side: leg] = TrunkSide(
            description: offer(port: port, over: line, local: way.local))
        chooseDigitTransport(leg, line.settings)
        let pause = pause(before: leg, of: identifier, over: line.number)
        let isElsewhere = way.peer.transport == .udp && way.peer != line.route?.target
        guard isElsewhere || pause > .zero else { return invite(leg, of: identifier) }
        if isElsewhere {
            retiredTargets.insert(way.peer)
            trustProviders()
        }
        Task {
            // A socket of its own hears of a closed port at once.
            if isElsewhere { await transport.connect(to: way.peer.address, from: way.local) }
            if pause > .zero { try? await Task.sleep(for: pause) }
            invite(leg, of: identifier)
            schedule()
        }
    }

    /// How long a call is held back so that its provider gets no more new calls a second than it takes.
    private func pause(before leg: LegIdentifier, of identifier: CallIdentifier, over number: UInt64) -> Duration {
        guard let index = index(number), let most = lines[index].settings.callsPerSecond,
            !isUrgent(calls[identifier]?.number(dialledOn: leg))
        else { return .zero }
        let now = MonotonicTime.now()
        let pause = lines[index].pause(at: now) ?? .zero
        lines[index].pace.begin(most, after: pause, at: now)
        return pause
    }

    private func invite(_ leg: LegIdentifier, of identifier: CallIdentifier) {
        guard let ongoing = calls[identifier], !ongoing.call.isEnded, callOfLeg[leg] == identifier,
            let number = ongoing.number(dialledOn: leg), let offer = ongoing[side: leg]?.description,
            let way = ongoing[way: leg], let line = line(way.trunk)
        else { return }
        if way.peer != line.route?.target { retiredTargets.insert(way.peer) }
        perform(
            userAgent.invite(
                leg, to: line.settings.written(number, in: settings.dialling.country), over: way.trunk, at: way.peer,
                offer: offer.bytes, caller: CallerID(isPrivate: hidesNumber(leg, of: identifier, as: line.settings)),
                now: .now(), using: &generator))
        traceLeg(leg, of: identifier)
    }

    /// - Parameter port: where the box receives the call's sound.
    func offer(port: UInt16, over line: TrunkLine, local: NetworkAddress.Host) -> SessionDescription {
        TrunkOffer.make(
            local: NetworkAddress(host: soundHost(of: line, local: local), port: port),
            sessionID: UInt64.random(in: 1...UInt64(Int64.max), using: &generator), version: 1,
            codecs: line.settings.codecs.compactMap(AudioCodec.init))
    }

    /// Where a provider is told to send a call's sound: the address that is set, or behind NAT the one that it sees us at.
    /// The port may be another there; providers answer to where sound comes from (RFC 4961).
    func soundHost(of line: TrunkLine, local: NetworkAddress.Host) -> NetworkAddress.Host {
        let own = Self.contactHost(settings, local: local)
        guard settings.media.advertised(local.family) == nil, own.isPrivate, let seen = line.seenAt?.host,
            !seen.isPrivate
        else {
            return own
        }
        return own.family == seen.family ? seen : own
    }
}

// MARK: - Another way

extension Switchboard {
    /// A call's INVITE came to nothing: whether it is tried elsewhere, or that was done already.
    func goesElsewhere(_ leg: LegIdentifier, after end: LegEnd) -> Bool {
        guard let identifier = callOfLeg[leg], let ongoing = calls[identifier], var way = ongoing[way: leg], !stopping
        else { return false }
        if way.isGivenUp { return true }
        switch end {
        case .rejected(status: 503, _): break
        case .rejected(status: 500..., _): noteAnswer(leg, isGood: false)
        case .rejected, .authenticationFailed: noteAnswer(leg)
        default: break
        }
        // Also where this call, which rang already, stays where it is: the next ones are to know.
        if case .rejected(status: 503, _) = end { punish(way, .unavailable(retryAfter: way.retryAfter)) }
        guard ongoing.mayGoElsewhere(leg) else { return false }
        if end == .noReply { noteSilence(of: way) }
        switch end {
        case .rejected(status: 503, _): break
        case .noReply: punish(way, .timeout)
        case .unreachable: punish(way, .connection)
        // Another account may do better than one that has no credit, no valid password, or a broken server.
        case .rejected(status: 402, _), .rejected(status: 500, _), .rejected(status: 502, _),
            .rejected(status: 504, _), .authenticationFailed, .realmForeign:
            way.exhausted.insert(way.trunk)
        default: return false
        }
        guard let next = nextWay(after: way, isUrgent: isUrgent(ongoing.number(dialledOn: leg))) else { return false }
        goOn(leg, of: identifier, by: next)
        return true
    }

    /// Nothing was heard of the INVITE for four seconds: people do not wait for 32 where there is another way.
    /// - Returns: whether it is taken.
    func hurriesOn(_ leg: LegIdentifier) -> Bool {
        guard let identifier = callOfLeg[leg], let ongoing = calls[identifier], let way = ongoing[way: leg],
            ongoing.mayGoElsewhere(leg), !stopping
        else { return false }
        punish(way, .timeout)
        noteSilence(of: way)
        guard let next = nextWay(after: way, isUrgent: isUrgent(ongoing.number(dialledOn: leg))),
            let line = line(next.trunk),
            line.isInGoodStanding(next.peer, at: .now())
        else { return false }
        calls[identifier]?[way: leg]?.isGivenUp = true
        // Should an answer come after all, that call is cancelled or hung up at once.
        perform(userAgent.hangUp(leg, now: .now(), using: &generator))
        goOn(leg, of: identifier, by: next)
        return true
    }

    private func goOn(_ leg: LegIdentifier, of identifier: CallIdentifier, by next: CallWay) {
        log.notice(
            "The provider's server did not take the call; it is tried another way.",
            metadata: ["call": "\(identifier)", "trunk": "\(next.trunk)", "at": "\(next.peer)"])
        dial(leg, of: identifier, by: next)
        if leg == calls[identifier]?.trunkLeg { record(.callDialling, identifier) }
    }

    private func punish(_ way: CallWay, _ failure: TargetSelection.Failure) {
        guard let index = lines.firstIndex(where: { $0.name == way.trunk }) else { return }
        lines[index].selection.failed(.init(way.peer), failure, now: .now())
    }

    /// A provider that wants no registration shows by an answer that it is there, and which of its servers works.
    /// - Parameter isGood: not a server's own trouble.
    func noteAnswer(_ leg: LegIdentifier, isGood: Bool = true) {
        guard let way = callOfLeg[leg].flatMap({ calls[$0]?[way: leg] }),
            let index = lines.firstIndex(where: { $0.name == way.trunk }), !lines[index].settings.registers
        else { return }
        if isGood { lines[index].selection.succeeded(.init(way.peer)) }
        // Another of its servers says nothing of the one that is asked.
        if lines[index].route?.target == way.peer { noteLife(of: way.trunk) }
    }

    private func noteSilence(of way: CallWay) {
        guard let index = lines.firstIndex(where: { $0.name == way.trunk }), lines[index].route?.target == way.peer
        else { return }
        lines[index].check?.wasSilent()
    }
}

extension TrunkSettings {
    /// A number as this provider wants it in the Request-URI. What names no telephone number goes as it was dialled.
    ///
    /// - Parameter country: where the box stands: its people's national spellings are read as those of that country, or of the
    ///   country of the account's own number. Written they are the provider's, which is where that number belongs to.
    func written(_ dialled: Redacted<String>, in country: Region?) -> Redacted<String> {
        guard let numberFormat else { return dialled }
        let own = number.flatMap { TelephoneNumber(digits: String($0.revealed.drop { $0 == "+" })) }?.region
        let home = (country ?? own).flatMap { NumberingPlan.of($0) }
        let text = dialled.revealed
        let meant: TelephoneNumber?
        if let home, case .international(let number)? = try? home.normalise(text) {
            meant = number
        } else {
            meant = text.hasPrefix("+") ? TelephoneNumber(digits: String(text.dropFirst())) : nil
        }
        guard let meant else { return dialled }
        switch numberFormat {
        case .plusE164: return Redacted(meant.e164)
        case .nationalOrIDD:
            let plan = own.flatMap { NumberingPlan.of($0) } ?? home
            return Redacted(plan.map { meant.dialled(in: $0) } ?? meant.e164)
        }
    }
}
