import RTP
import SDP
import SecureMedia
import Wire

/// What the engine asks for, done on the loop's thread.
extension MediaLoop {
    func apply(_ command: MediaCommand) {
        switch command {
        case .openBrowserLeg(let description):
            open(description)
        case .openTrunkLeg(let identifier, let rtp, let rtcp):
            open(identifier, rtp: rtp, rtcp: rtcp)
        case .moveTrunkLeg(let identifier, let rtp, let rtcp):
            move(identifier, rtp: rtp, rtcp: rtcp)
        case .setTrunkAudio(let identifier, let audio):
            guard let leg = legs[identifier], case .trunk(let trunk) = leg.transport else { return }
            leg.formats = Formats(audio)
            trunk.describe(audio, now: context.now)
        case .connect(let first, let second, let forth, let back):
            guard first != second, let one = legs[first], let other = legs[second] else { return }
            connect(one, to: other, isOpen: forth)
            connect(other, to: one, isOpen: back)
        case .startService(let identifier, let service):
            if let leg = legs[identifier] { start(service, leg) }
        case .setDigitsInSound(let identifier, let areWanted):
            legs[identifier]?.takesDigits = areWanted
        case .sendDigits(let identifier, let digits):
            if let leg = legs[identifier] { send(digits, to: leg) }
        case .relayDigit(let digit, let source, let target):
            if let source = legs[source], let target = legs[target] { relay(digit, from: source, to: target) }
        case .close(let identifier):
            if let leg = legs[identifier] { close(leg) }
        case .checkpoint(let continuation):
            continuation.resume(returning: states())
        case .resume(let legs):
            resume(legs)
        case .snapshot(let continuation):
            continuation.resume(returning: snapshot())
        case .probe(let turned):
            turned()
        case .stop:
            isRunning = false
        }
    }

    private func open(_ description: BrowserLegDescription) {
        if let former = legs[description.identifier] { close(former) }
        guard legs.count < Self.maximumLegs else {
            return context.emit(.failed(description.identifier, Self.tooManyLegs))
        }
        guard let browser = try? BrowserLeg(description, identity: identity, now: context.now) else {
            let problem = Problem(
                code: "media.fingerprint-unsupported",
                sentence: "The page names its key in a way that is not accepted.",
                remedy: "Use a current version of Firefox, Chrome, Edge or Safari.")
            return context.emit(.failed(description.identifier, problem))
        }
        let leg = Leg(
            description.identifier, .browser(browser), formats: Formats(description.audio), ssrc: description.ssrc,
            cname: description.cname, nextReport: context.now + patience.reports, using: &generator)
        legs[leg.identifier] = leg
        byFragment[browser.usernameFragment] = leg
    }

    private func open(_ identifier: LegIdentifier, rtp: DatagramSocket, rtcp: DatagramSocket) {
        if let former = legs[identifier] { close(former) }
        guard legs.count < Self.maximumLegs else { return context.emit(.failed(identifier, Self.tooManyLegs)) }
        let trunk = TrunkLeg(rtp: rtp, rtcp: rtcp, now: context.now)
        // A name that tells nobody anything and differs with each call (RFC 7022 §4.2).
        let cname = hexadecimal(bytes: 12, using: &generator)
        let leg = Leg(
            identifier, .trunk(trunk), formats: .provisional, ssrc: .random(in: 1...(.max), using: &generator),
            cname: cname, nextReport: context.now + patience.reports, using: &generator)
        do throws(Problem) {
            try watch(leg, trunk)
            legs[identifier] = leg
        } catch {
            unwatch(leg, trunk)
            context.emit(.failed(identifier, error))
        }
    }

    private func move(_ identifier: LegIdentifier, rtp: DatagramSocket, rtcp: DatagramSocket) {
        guard let leg = legs[identifier], case .trunk(let former) = leg.transport else { return }
        // What waits to be sent names the former sockets.
        context.queue.flush()
        unwatch(leg, former)
        let trunk = TrunkLeg(rtp: rtp, rtcp: rtcp, now: context.now)
        leg.transport = .trunk(trunk)
        leg.formats = .provisional
        do throws(Problem) {
            try watch(leg, trunk)
        } catch {
            // It stays, deaf and mute, until whoever is told closes it.
            context.emit(.failed(identifier, error))
        }
    }

    private func connect(_ leg: Leg, to listener: Leg, isOpen: Bool) {
        if let bridge = leg.bridge, bridge.listener === listener {
            bridge.isOpen = isOpen
            return
        }
        leg.bridge = Bridge(to: listener, isOpen: isOpen)
        leg.isReadingBack = false
        if leg.player?.givesWay != true { leg.player = nil }
    }

    private func start(_ service: MediaService, _ leg: Leg) {
        leg.bridge = nil
        leg.player = nil
        leg.isReadingBack = false
        switch service {
        case .echo:
            leg.bridge = Bridge(to: leg, isOpen: true)
        case .milliwatt:
            leg.player = ServicePlayer(.milliwatt)
        case .digitReadBack:
            leg.player = ServicePlayer(.digits(steady: true))
            leg.isReadingBack = true
        case .silence:
            leg.player = ServicePlayer(.silence)
        case .music:
            leg.player = ServicePlayer(.music)
        }
    }

    /// Says goodbye and frees everything of the leg.
    func close(_ leg: Leg) {
        ControlReports.send(for: leg, isGoodbye: true, context)
        switch leg.transport {
        case .browser(let browser):
            browser.dtls.close(now: context.now) { datagram in
                guard let path = browser.selected else { return }
                context.queue.send(datagram, through: context.browserSocket, along: path)
            }
            if byFragment[browser.usernameFragment] === leg { byFragment[browser.usernameFragment] = nil }
            for address in browser.addresses where byAddress[address] === leg { byAddress[address] = nil }
        case .trunk(let trunk):
            unwatch(leg, trunk)
        }
        // The goodbyes leave before their sockets close.
        context.queue.flush()
        context.emit(.closed(leg.identifier, figures(of: leg)))
        legs[leg.identifier] = nil
        leg.bridge = nil
        leg.player = nil
        for other in legs.values where other.bridge?.listener === leg { other.bridge = nil }
    }

    static let tooManyLegs = Problem(
        code: "media.too-many-legs", sentence: "The box carries as many calls as it can.",
        remedy: "Try again when another call has ended.")
}
