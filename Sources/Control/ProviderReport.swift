package import Wire

/// What the core knows about the way to the provider, with the answer to a question asked just now (SIP OPTIONS).
package struct ProviderReport: Codable, Sendable, Equatable {
    /// The account's name.
    package var name: String
    /// Where the provider is spoken to; nil before its name was found.
    package var address: NetworkAddress?
    /// The address of ours that its route leaves from, with the SIP port.
    package var local: NetworkAddress?
    /// Where the registrar sees us (RFC 3581); nil before it told.
    package var seenAt: NetworkAddress?
    /// The address that `media.advertise` names.
    package var advertised: NetworkAddress.Host?
    /// The status code of the answer.
    package var status: Int?
    package var roundTripMilliseconds: Double?
    /// Why there is no answer.
    package var problem: Problem?
    /// It answers no OPTIONS, but calls: the problem is none.
    package var answersCalls: Bool?

    package init(
        name: String, address: NetworkAddress? = nil, local: NetworkAddress? = nil, seenAt: NetworkAddress? = nil,
        advertised: NetworkAddress.Host? = nil
    ) {
        self.name = name
        self.address = address
        self.local = local
        self.seenAt = seenAt
        self.advertised = advertised
    }
}
