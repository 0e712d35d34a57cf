package import Wire

/// An account with a provider.
package struct Trunk: Hashable, Sendable, Codable {
    /// What people call it; never sent. No two trunks in use have the same.
    package var name: String
    /// The provider's name; it stays in the Request-URI whatever address is spoken to.
    package var domain: String
    /// Where `domain`, or the server before it, was found.
    package var target: NetworkAddress
    /// What the certificate of `target` has to name, if that is not `domain`.
    package var serverName: String?
    /// How `target` is spoken with.
    package var transport: TransportProtocol
    package var user: String
    package var password: Redacted<String>
    /// The name in the credentials, if it is not `user`.
    package var authUser: String?
    /// The user part of From in calls, if it is not `user`.
    package var displayNumber: String?
    /// Seconds to ask for at the registrar; 0 for a provider that knows our address and wants no REGISTER.
    package var expires: Int
    /// The only realms whose challenges are answered; empty for `domain` and whatever the registrar asks in.
    package var realms: [String]
    /// Calls from here are the provider's too, but nobody there may ask for the password.
    package var networks: [AddressBlock]
    /// Where the provider looks for our number.
    package var identity: Identity
    /// Provisional responses are made reliable for every caller that can (RFC 3262), not only for those that insist.
    package var prefersReliableProvisional: Bool

    /// What carries the caller's number. With any but `from`, From names the account.
    package enum Identity: String, Sendable, Codable, CaseIterable {
        case from
        /// P-Asserted-Identity (RFC 3325 §9.1)
        case assertedIdentity
        /// P-Preferred-Identity (RFC 3325 §9.2)
        case preferredIdentity
        /// Remote-Party-ID, the draft that never became an RFC
        case remotePartyID
    }

    package init(
        name: String, domain: String, target: NetworkAddress, user: String, password: Redacted<String>,
        authUser: String? = nil, displayNumber: String? = nil, expires: Int = 300, realms: [String] = [],
        networks: [AddressBlock] = [], serverName: String? = nil, transport: TransportProtocol = .udp,
        identity: Identity = .from, prefersReliableProvisional: Bool = false
    ) {
        self.name = name
        self.domain = domain
        self.target = target
        self.user = user
        self.password = password
        self.authUser = authUser
        self.displayNumber = displayNumber
        self.expires = expires
        self.realms = realms
        self.networks = networks
        self.serverName = serverName
        self.identity = identity
        self.prefersReliableProvisional = prefersReliableProvisional
        self.transport = transport
    }

    /// Of a call that one of the trunk's other servers made, whose address is of another family than `target`.
    var callFamily: AddressFamily?

    /// Of the addresses that it is spoken with over: ours towards it is of the same one.
    package var family: AddressFamily { callFamily ?? target.family }

    /// Where it is spoken with, and how.
    package var peer: SIPPeer { SIPPeer(transport, target, name: serverName ?? domain) }

    /// Whether a registration of this one replaces that of the other (RFC 3261 §10.3): the same address of record at the
    /// same registrar.
    func bindsLike(_ other: Trunk) -> Bool {
        domain == other.domain && target == other.target && transport == other.transport && user == other.user
            && expires > 0
    }
}
