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
    ///
    /// - Parameter isChoice: it was chosen in the page; the web process has let hold what is its own.
    /// - Returns: what of it does not hold before a restart.
    package func apply(_ wanted: BoxSettings, isChoice: Bool = false) -> [Problem] {
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
        // These are the web process's, which reads them once; here they are kept so that a change is told once.
        if next.web != former.web { notices.append(Self.restartNeeded("[web]", "sipcall-web", "")) }
        if next.ledger != former.ledger, !isChoice { notices.append(Self.restartNeeded("[ledger]", "sipcall-web", "")) }
        guard next != former, !stopping else { return notices }
        settings = next
        var ours = former
        (ours.web, ours.ledger) = (next.web, next.ledger)
        guard next != ours else { return notices }
        if next.media.ports != former.media.ports { media.setTrunkPorts(next.media.ports) }
        if next.media.advertise != former.media.advertise {
            for line in lines {
                guard let route = line.route else { continue }
                perform(
                    userAgent.moved(
                        to: contact(from: route.local), trunk: line.name, now: .now(), using: &generator))
            }
        }
        if next.trunks != former.trunks { changeTrunks(to: next.trunks) }
        log.notice("Another configuration holds.")
        return notices
    }

    /// Accounts are told apart by their names.
    private func changeTrunks(to next: [TrunkSettings]) {
        for line in lines where !next.contains(where: { $0.name == line.name }) { leave(line) }
        var changed: [TrunkLine] = []
        for trunk in next {
            if let line = line(trunk.name), line.settings.leads(to: trunk) {
                changed.append(line)
            } else {
                if let former = line(trunk.name) { leave(former) }
                lastLine += 1
                changed.append(TrunkLine(trunk, number: lastLine))
            }
        }
        lines = changed
        transport.setAuthorities(settings.authorityFiles)
        trustProviders()
        for (line, trunk) in zip(changed, next) {
            guard let index = index(line.number) else { continue }
            let former = lines[index].settings
            lines[index].settings = trunk
            if let route = line.route {
                // What concerns the next call alone is told to nobody.
                if !former.isSameAccount(as: trunk) { use(line.number, at: route.target) }
            } else if line.lookUpAgain == nil {
                record(line.status)
                find(line.number)
            }
        }
        tellTrunk()
    }

    /// An account is no longer configured, or its provider is another.
    private func leave(_ line: TrunkLine) {
        lines.removeAll { $0.number == line.number }
        if let target = line.route?.target { retiredTargets.insert(target) }
        perform(userAgent.leave(line.name, now: .now(), using: &generator))
        if let target = line.route?.target {
            let next = settings.trunks.first { $0.server == line.settings.server }
            // Whom the former authorities vouched for is asked again; the removal of the registration went before.
            if target.transport == .tls, next?.authorityFile != line.settings.authorityFile {
                transport.disconnect(from: target)
            }
        }
        record(TrunkStatus(name: line.name, state: .none))
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
        guard !lines.contains(where: { $0.route?.target == target }), !isUsed else { return }
        retiredTargets.remove(target)
        transport.disconnect(from: target)
    }
}

extension TrunkSettings {
    /// The same provider, found and spoken with in the same way.
    fileprivate func leads(to other: TrunkSettings) -> Bool {
        server == other.server && port == other.port && transports == other.transports
            && authorityFile == other.authorityFile && backupServer == other.backupServer
    }

    /// Nothing differs that the provider is told at once.
    fileprivate func isSameAccount(as other: TrunkSettings) -> Bool {
        user == other.user && password == other.password && expires == other.expires
            && domain == other.domain && authUser == other.authUser && realms == other.realms
            && networks == other.networks && registers == other.registers && optionsInterval == other.optionsInterval
            && number == other.number
            && identity == other.identity
            && prefersReliableProvisional == other.prefersReliableProvisional
    }
}

extension BoxSettings {
    /// The authorities for single providers, by their domain.
    package var authorityFiles: [String: String] {
        Dictionary(
            trunks.flatMap { trunk in
                [trunk.server, trunk.backupServer].compactMap { name in
                    name.flatMap { name in trunk.authorityFile.map { (name.lowercased(), $0) } }
                }
            },
            uniquingKeysWith: { first, _ in first })
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
