import Control
import Logging
import SIP
import SIPTransport
import Settings
import Wire

// The machine's addresses and routes, which may change at any time.
extension Switchboard {
    /// Addresses or routes came or went: looks up the way to the provider again, and registers by a new one at once.
    /// Running calls are left alone: their own packets show whether they can go on.
    package func networkChanged() async {
        guard let trunk = settings.trunk, !stopping else { return }
        // Nothing was found without a network: now is the time to look again, whatever the pause.
        guard let route = trunkRoute else {
            if lookUpAgain != nil { await findProvider() }
            return
        }
        guard let local = LocalAddress.towards(route.target.address) else {
            guard !isCutOff else { return }
            isCutOff = true
            return setTrunk(.failed, Self.noRoute)
        }
        guard isCutOff || local != route.local else { return }
        log.notice(
            isCutOff
                ? "There is a route to the provider again." : "The address towards the provider changed.",
            metadata: ["trunk": "\(trunk.name)"])
        isCutOff = false
        connectionProblem = nil
        // Its socket or connection is bound to the former address.
        transport.disconnect(from: route.target)
        if route.target.transport == .udp { await transport.connect(to: route.target.address, from: local) }
        guard trunkRoute == route, !stopping else { return leaveUnlessUsed(route.target) }
        trunkRoute = TrunkRoute(target: route.target, local: local)
        if trunkStatus.state == .failed { setTrunk(.registering, nil) }
        perform(userAgent.moved(to: contact(from: local), now: .now(), using: &generator))
        schedule()
    }
}
