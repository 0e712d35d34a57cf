import Logging
import SIP
import SIPMessage
import SIPTransport
import Settings
import Wire

// Who is taken for the provider.
extension Switchboard {
    /// Whether a message may be what its source says. The user agent knows the provider by the host alone, which anybody
    /// can write into a datagram: where the provider is spoken with over a connection, what comes from its host without
    /// one, or without a certificate that was asked for, is not the provider's.
    ///
    /// The other way round is no danger: large requests of a provider of UDP come over TCP (RFC 3261 §18.1.1).
    func isBelievable(_ message: SIPMessage, from source: SIPPeer) -> Bool {
        let isProvider = { (peer: SIPPeer) in peer.address.host == source.address.host }
        let isAsSafe = { (peer: SIPPeer) in source.transport.safety >= peer.transport.safety }
        let known = lines.flatMap { line in [line.route?.target].compactMap(\.self) + peers(of: line) }
        // Nobody else's name stands for the provider's further networks: what comes from there came as safely as to its
        // server, too.
        let relayed = lines.filter { $0.settings.networks.contains { $0.contains(source.address.host) } }
        let providers = known.filter(isProvider) + relayed.compactMap(\.route?.target)
        let former = retiredTargets.filter(isProvider)
        if providers.isEmpty && former.isEmpty { return true }
        // Calls of a former configuration go on over its transport; new ones do not begin there.
        let beginsNothing = message.request.map { $0.headers.to?.tag != nil } ?? true
        let mayBeFormer = providers.isEmpty || beginsNothing
        if providers.contains(where: isAsSafe) || mayBeFormer && former.contains(where: isAsSafe) { return true }
        if let missing = forgeryLines.admits(at: .now()) {
            log.warning(
                "A message from the provider's address came by a less safe way than the provider's, and was dropped.",
                metadata: [
                    "code": "trunk.less-safe-way",
                    "from": "\(source.address.host)", "transport": "\(source.transport.rawValue)",
                    "unreported": "\(missing)",
                ])
        }
        return false
    }
}
