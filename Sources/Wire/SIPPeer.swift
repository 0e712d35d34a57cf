/// How a SIP message travels: the transport of a Via and of a URI (RFC 3261 §25.1).
package enum TransportProtocol: String, Hashable, Sendable, Codable, CaseIterable {
    case udp, tcp, tls

    /// Loses nothing while its connection lasts: nothing is repeated on it (RFC 3261 §17).
    package var isReliable: Bool { self != .udp }

    /// How much the address that a message came from is worth: anybody can write one into a datagram, and only a
    /// certificate says whose it is.
    package var safety: Int {
        switch self {
        case .udp: 0
        case .tcp: 1
        case .tls: 2
        }
    }

    /// As it stands in a Via: `UDP`, `TCP`, `TLS`.
    package var viaName: String { rawValue.uppercased() }

    /// - Parameter viaName: in any case (RFC 3261 §7.3.1).
    package init?(viaName: String?) {
        guard let viaName, let known = Self(rawValue: viaName.lowercased()) else { return nil }
        self = known
    }

    /// RFC 3261 §19.1.2
    package var defaultPort: UInt16 { self == .tls ? 5061 : 5060 }
}

/// Whom SIP is spoken with, and over what: an address alone names neither the transport nor the certificate.
///
/// A machine keeps it and gives it back; only the sockets know what hangs on it.
package struct SIPPeer: Hashable, Sendable, Codable {
    package let transport: TransportProtocol
    package let address: NetworkAddress
    /// The name that the peer's certificate was, or is to be, verified for; in lower case. Nil unless TLS.
    ///
    /// It is part of what the peer is: a connection that was verified for one name is never used for another.
    package let name: String?

    /// - Parameter name: the provider's domain, not the host that it was found at (RFC 5922 §7.1).
    package init(_ transport: TransportProtocol, _ address: NetworkAddress, name: String? = nil) {
        self.transport = transport
        self.address = address
        self.name = transport == .tls ? name?.lowercased() : nil
    }

    /// A peer that is spoken with over UDP.
    package init(_ address: NetworkAddress) {
        self.init(.udp, address)
    }
}

extension SIPPeer: CustomStringConvertible {
    /// `tls:192.0.2.1:5061`
    package var description: String { "\(transport.rawValue):\(address)" }
}
