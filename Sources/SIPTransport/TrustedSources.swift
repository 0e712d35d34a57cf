package import Wire

/// Where providers speak from: the hosts that they were found at, and the networks that they are said to call from.
package struct TrustedSources: Hashable, Sendable {
    package var hosts: Set<NetworkAddress.Host>
    /// Few: every connection and every message that cannot be read is compared with each of them.
    package var networks: Set<AddressBlock>

    package init(hosts: Set<NetworkAddress.Host> = [], networks: Set<AddressBlock> = []) {
        self.hosts = hosts
        self.networks = networks
    }

    func contains(_ host: NetworkAddress.Host) -> Bool {
        hosts.contains(host) || networks.contains { $0.contains(host) }
    }
}
