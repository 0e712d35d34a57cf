import Control
import Logging
import Media
import SIP
import SIPTransport
package import Settings
package import Wire

// Another configuration, and an end of new calls, both without touching the calls that run.
extension Switchboard {
    /// Lets another configuration hold. Calls go on as they began, with their provider.
    /// - Returns: what of it does not hold before a restart.
    package func apply(_ wanted: BoxSettings) -> [Problem] {
        defer { schedule() }
        var next = wanted
        let former = settings
        var notices: [Problem] = []
        if next.sip != former.sip {
            let key = next.sip.listen == former.sip.listen ? "sip.certificate" : "sip.listen"
            notices.append(Self.restartNeeded(key, "sipcall-core", " This ends the running calls."))
            next.sip = former.sip
        }
        if next.media.listen != former.media.listen {
            notices.append(Self.restartNeeded("media.listen", "sipcall-core", " This ends the running calls."))
            next.media.listen = former.media.listen
        }
        if next.web != former.web { notices.append(Self.restartNeeded("[web]", "sipcall-web", "")) }
        guard next != former, !stopping else { return notices }
        settings = next
        if next.media.ports != former.media.ports { media.setTrunkPorts(next.media.ports) }
        if next.media.advertise != former.media.advertise, let route = trunkRoute {
            perform(userAgent.moved(to: contact(from: route.local), now: .now(), using: &generator))
        }
        if next.trunk != former.trunk { changeTrunk(from: former.trunk, to: next.trunk) }
        log.notice("Another configuration holds.")
        return notices
    }

    private func changeTrunk(from former: TrunkSettings?, to next: TrunkSettings?) {
        guard var onlyCodecs = former, let next else { return searchProvider(leaving: former) }
        onlyCodecs.codecs = next.codecs
        // They are for the next call; the provider is told nothing.
        if onlyCodecs == next { return }
        let isSameWay = former?.transport == next.transport && former?.authorityFile == next.authorityFile
        guard former?.server == next.server, former?.port == next.port, isSameWay, let route = trunkRoute else {
            return searchProvider(leaving: former)
        }
        announce(next, .registering)
        use(next, at: route.target.address)
    }

    /// The configured provider is another one, or none.
    private func searchProvider(leaving former: TrunkSettings?) {
        let formerTarget = trunkRoute?.target
        if let formerTarget { retiredTargets.insert(formerTarget) }
        trunkRoute = nil
        connectionProblem = nil
        lookUpAgain = nil
        announce(settings.trunk, settings.trunk == nil ? .none : .registering)
        perform(userAgent.setTrunk(nil, now: .now(), using: &generator))
        if former?.authorityFile != settings.trunk?.authorityFile {
            transport.setAuthorities(settings.trunk?.authorityFile)
            // Whom the former authorities vouched for is asked again; the removal of the registration went before.
            if let formerTarget, formerTarget.transport == .tls { transport.disconnect(from: formerTarget) }
        }
        if settings.trunk != nil { Task { await findProvider() } }
    }

    private func announce(_ trunk: TrunkSettings?, _ state: TrunkStatus.State) {
        trunkStatus = TrunkStatus(name: trunk?.name ?? "", state: state)
        publish(.trunk(trunkStatus))
    }

    private static func restartNeeded(_ key: String, _ unit: String, _ price: String) -> Problem {
        Problem(
            code: "settings.needs-restart", sentence: "The change of \(key) takes effect after a restart.",
            remedy: "Restart with: systemctl restart \(unit).\(price)")
    }

    /// Gives up the sockets to providers that nobody speaks to any more.
    func leaveRetiredTargets() {
        for target in retiredTargets { leaveUnlessUsed(target) }
    }

    /// - Parameter target: of a provider that is not the configured one.
    func leaveUnlessUsed(_ target: SIPPeer) {
        let isUsed = userAgent.speaks(to: target.address, over: target.transport)
        guard trunkRoute?.target != target, !isUsed else { return }
        retiredTargets.remove(target)
        transport.disconnect(from: target)
    }
}

// MARK: - No new calls

extension Switchboard {
    func setDraining(_ isWanted: Bool) {
        guard draining != isWanted else { return }
        draining = isWanted
        if isWanted {
            log.notice("No new calls are taken until \"sipcall drain --cancel\" or a restart.")
        } else {
            log.notice("New calls are taken again.")
        }
    }

    static let isDrained = Problem(
        code: "box.draining", sentence: "The box takes no new calls at the moment, because it is about to be serviced.",
        remedy: "Try again in a few minutes; whoever looks after the box can end this with: sipcall drain --cancel")
    static let notHere = Problem(
        code: "core.not-supported", sentence: "This part of the box cannot do that.", remedy: "")
}
