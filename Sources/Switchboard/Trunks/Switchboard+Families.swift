import SDP
import SIP
import SIPTransport
import Settings
import Wire

// IPv4 and IPv6 beside each other: which of them leads to a provider, and which of our addresses it is told.
extension Switchboard {
    /// Where the account can be spoken to, in the order to be tried; also where this machine has no route to just now.
    func peers(of line: TrunkLine) -> [SIPPeer] {
        line.peers(at: .now()).filter { transport.speaks($0.address.family) }
    }

    /// The first of them that there is a route to: what cannot be reached from here is passed over, and not waited for.
    func nextPeer(of line: TrunkLine) -> SIPPeer? {
        peers(of: line).first { LocalAddress.towards($0.address) != nil }
    }

    /// Tells the user agent where it is to be reached from those of the provider's servers that it is not registered with, and
    /// whose addresses are of the other family: they may call all the same.
    func learnContacts(_ number: UInt64) {
        guard let index = index(number), let used = lines[index].route?.local.family else { return }
        let line = lines[index]
        for family in AddressFamily.allCases where family != used {
            let others = peers(of: line).lazy.filter { $0.address.family == family }
            guard let local = others.compactMap({ LocalAddress.towards($0.address) }).first else { continue }
            userAgent.know(contact: contact(from: local), of: line.name)
        }
    }

    /// Where the provider is told to find us.
    func contact(from local: NetworkAddress.Host) -> NetworkAddress {
        NetworkAddress(host: settings.media.advertised(local.family) ?? local, port: sipPort(local.family))
    }

    /// Of the sockets of this family, or of those that there are.
    func sipPort(_ family: AddressFamily) -> UInt16 {
        (transport.localAddress(of: family) ?? transport.localAddress).port
    }

    /// Which of our addresses the sound of a call that came in leaves from.
    /// - Parameters:
    ///   - family: that the call came by.
    ///   - offer: whose sound may want the other one; then the route to it decides.
    func soundSource(
        of line: TrunkLine, in family: AddressFamily, for offer: SessionDescription?
    ) -> NetworkAddress.Host {
        if let remote = offer?.voiceAddress, remote.family != family, !remote.host.isUnspecified,
            transport.speaks(remote.family), let local = LocalAddress.towards(remote)
        {
            return local
        }
        if let local = line.route?.local, local.family == family { return local }
        let others = peers(of: line).lazy.filter { $0.address.family == family }
        if let local = others.compactMap({ LocalAddress.towards($0.address) }).first { return local }
        // The provider's further networks have no address of their own to be asked about.
        let own = LocalAddress.all()
        return own.first { $0.family == family } ?? line.route?.local ?? transport.localAddress.host
    }

    var noCommonFamily: Problem {
        let spoken = transport.localAddresses.map(\.family.rawValue).joined(separator: " and ")
        return Problem(
            code: "trunk.no-common-address-family",
            sentence: "The provider has no address of the kind that the box listens on (\(spoken)).",
            remedy: "Let sip.listen name both kinds: [\"0.0.0.0:5060\", \"[::]:5060\"].")
    }
}

extension DNSAnswer {
    /// The addresses of one host in the order to be tried. Which host comes first is for the provider to say, by its SRV records;
    /// which of its families, for us.
    func preferring(_ family: AddressFamily) -> DNSAnswer {
        guard case .addresses(let hosts) = self else { return self }
        return .addresses(hosts.sorted(first: family, by: \.family))
    }
}
