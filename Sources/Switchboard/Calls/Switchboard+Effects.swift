import Call
import Control
import Logging
import Media
import SDP
import SIP
import SIPTransport
import Settings
import Wire

// What the machines decided, carried out.
extension Switchboard {
    /// Tells a call something and carries out what it decides.
    func update(_ identifier: CallIdentifier, _ body: (inout Call) -> [Call.Effect]) {
        guard var ongoing = calls[identifier] else { return }
        let effects = body(&ongoing.call)
        calls[identifier] = ongoing
        carryOut(effects, of: identifier)
    }

    func carryOut(_ effects: [Call.Effect], of identifier: CallIdentifier) {
        for effect in effects {
            guard let ongoing = calls[identifier] else { return }
            switch effect {
            case .dial(let leg): dial(leg, of: identifier)
            case .ring(let leg):
                perform(userAgent.ring(leg, now: .now(), using: &generator))
            case .accept(let leg):
                guard let answer = ongoing.trunkDescription else { continue }
                perform(userAgent.accept(leg, answer: answer.bytes, now: .now(), using: &generator))
                measureSession(on: leg)
                announceCodec(identifier)
            case .park(let near, let far):
                media.connect(near, far, aToB: false, bToA: false)
                media.startService(far, .music)
            case .offer(let leg):
                offerSession(on: leg, of: identifier)
            case .reportHold(let here, let there):
                reportHold(of: identifier, here: here, there: there)
            case .startService(let service, let leg):
                media.startService(leg, MediaService(service))
            case .connect(let near, let far, let bothWays):
                media.connect(near, far, aToB: bothWays, bToA: true)
            case .release(let leg, let reason):
                release(leg, reason, of: identifier)
            case .report(let state):
                record(state, of: identifier)
                for connection in ongoing.audience(phones) {
                    publish(.state(connection: connection, call: identifier, state: state))
                }
            case .notice(let problem):
                record(.callNotice, identifier, problem)
                for connection in ongoing.audience(phones) {
                    publish(.notice(connection: connection, call: identifier, problem: problem))
                }
            case .ended(let reason):
                finish(identifier, ongoing, reason)
            }
        }
    }

    private func release(_ leg: LegIdentifier, _ reason: EndReason, of identifier: CallIdentifier) {
        if isNext(leg) { dropNext(leg, status: reason == .noAnswer ? 408 : 487) }
        closeMedia(leg, of: identifier)
        guard let ongoing = calls[identifier] else { return }
        if ongoing.browserLegs[leg] == nil {
            // Whichever the state wants: an unanswered inbound invitation is refused, anything else cancelled or ended.
            perform(userAgent.reject(leg, status: reason.rejection, now: .now(), using: &generator))
            perform(userAgent.hangUp(leg, now: .now(), using: &generator))
        } else if !ongoing.call.isEnded, let connection = calls[identifier]?.browserLegs.removeValue(forKey: leg),
            reason != .answeredElsewhere
        {
            // One of several ringing pages failed: it alone is told.
            calls[identifier]?.ringing.remove(connection)
            if phones[connection] != nil {
                publish(.ended(connection: connection, call: identifier, reason: reason))
            }
            endIfNobodyRings(identifier)
        }
    }

    /// A call that no page is left to take is passed on, or over.
    func endIfNobodyRings(_ identifier: CallIdentifier) {
        guard let left = calls[identifier], left.call.isForTheTaking, left.ringing.isEmpty else { return }
        if left.call.direction == .inbound, settings.forwarding != nil { return passOn(identifier) }
        update(identifier) { $0.terminate($0.direction == .inbound ? .unavailable : .browserGone) }
    }

    private func finish(_ identifier: CallIdentifier, _ ongoing: OngoingCall, _ reason: EndReason) {
        let legs =
            Array(ongoing.browserLegs.keys)
            + [ongoing.trunkLeg, ongoing.next?.leg, ongoing.onward?.leg].compactMap(\.self)
        for leg in legs { closeMedia(leg, of: identifier) }
        recordEnd(of: identifier, ongoing, reason)
        for connection in ongoing.audience(phones) {
            publish(.ended(connection: connection, call: identifier, reason: reason))
            noteEnd(of: identifier, reason, for: connection)
        }
        calls[identifier] = nil
        releaseAll(of: identifier, ongoing)
        // Nobody will say any more how it went.
        if let partner = ongoing.partner { reason == .transferred ? expectJoining(partner) : withdraw(partner) }
    }

    /// Tells the page which codec the far end speaks, so that it sends the same and nothing is transcoded.
    func announceCodec(_ identifier: CallIdentifier) {
        guard let ongoing = calls[identifier], let codec = ongoing.trunkAudio?.codec,
            ongoing.pageCodecs.contains(codec)
        else { return }
        for connection in Set(ongoing.browserLegs.values) where phones[connection] != nil {
            publish(.codec(connection: connection, call: identifier, codec: codec.rawValue))
        }
    }

    /// The addresses that a page is told to send its sound to.
    var browserCandidates: [NetworkAddress] {
        let listen = settings.media.listen.host
        let found = listen.isUnspecified ? machineAddresses() : [listen]
        let advertised = settings.media.advertise
        // What is advertised stands for the machine's own addresses of its family.
        let hosts = advertised + found.filter { settings.media.advertised($0.family) == nil }
        // A socket of [::] takes both families; no more of one than leave room for the other.
        let isDual = listen.isUnspecified && listen.family == .ipv6
        let (own, others) = (hosts.filter { $0.family == listen.family }, hosts.filter { $0.family != listen.family })
        let chosen = isDual ? own.prefix(8 - min(others.count, 4)) + others.prefix(4) : own.prefix(8)
        return hosts.filter(chosen.contains).map { NetworkAddress(host: $0, port: media.browserPort) }
    }
}

extension Switchboard {
    /// The machine's addresses, as they were within the last second: the kernel takes its time to list them.
    private func machineAddresses() -> [NetworkAddress.Host] {
        let now = MonotonicTime.now()
        if let known = knownAddresses, now - known.at < .seconds(1) { return known.hosts }
        let hosts = LocalAddress.all()
        knownAddresses = (hosts, now)
        return hosts
    }
}

extension MediaService {
    init(_ service: BoxService) {
        switch service {
        case .echo: self = .echo
        case .milliwatt: self = .milliwatt
        case .digitReadBack: self = .digitReadBack
        }
    }
}
