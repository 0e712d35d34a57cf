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
        knownAddresses = nil
        for line in lines { await networkChanged(line.number) }
    }

    private func networkChanged(_ number: UInt64) async {
        guard let index = index(number), !stopping else { return }
        let line = lines[index]
        // Nothing was found without a network: now is the time to look again, whatever the pause.
        guard let route = line.route else {
            if line.lookUpAgain != nil { find(number) }
            return
        }
        guard let local = LocalAddress.towards(route.target.address) else {
            // The other family may lead there still.
            if let next = nextPeer(of: line) {
                log.notice(
                    "There is no route to the provider's server any more; another one of the provider's is asked.",
                    metadata: ["trunk": "\(line.name)", "at": "\(route.target)", "next": "\(next)"])
                return await connect(number, to: next, registersNow: true)
            }
            guard !line.isCutOff else { return }
            lines[index].isCutOff = true
            return setTrunk(number, .failed, Self.noRoute)
        }
        learnContacts(number)
        guard line.isCutOff || local != route.local else { return }
        log.notice(
            line.isCutOff
                ? "There is a route to the provider again." : "The address towards the provider changed.",
            metadata: ["trunk": "\(line.name)"])
        lines[index].isCutOff = false
        lines[index].connectionProblem = nil
        // Its socket or connection is bound to the former address.
        transport.disconnect(from: route.target)
        if route.target.transport == .udp { await transport.connect(to: route.target.address, from: local) }
        guard let index = self.index(number), lines[index].route == route, !stopping else {
            return leaveUnlessUsed(route.target)
        }
        lines[index].route?.local = local
        watch(number)
        if lines[index].status.state == .failed {
            setTrunk(number, line.settings.registers ? .registering : .ready, nil)
        }
        perform(userAgent.moved(to: contact(from: local), trunk: line.name, now: .now(), using: &generator))
        schedule()
    }
}
