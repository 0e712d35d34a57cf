package import Wire

/// What is known of a provider before the box has ever spoken to it; a file of `/usr/share/sipcall/presets`.
///
/// Every value carries where it is from and when that was read. What a provider does not publish is nil: it is measured
/// with the first registration and the first call, never guessed.
package struct ProviderPreset: Sendable, Equatable {
    /// How the provider knows that a call is the customer's.
    package enum Authentication: String, Sendable, CaseIterable {
        /// REGISTER with user name and password.
        case registration
        /// The box's public address.
        case address
        /// No REGISTER, but the INVITE is challenged for user name and password.
        case invite
    }

    package enum Transport: String, Sendable, CaseIterable {
        case udp, tcp, tls
    }

    /// Whether sound is encrypted by SDES (RFC 4568).
    package enum Encryption: String, Sendable, CaseIterable {
        case optional
        /// A call offers SRTP alone or RTP alone, as the account is set.
        case allOrNothing = "all-or-nothing"
    }

    /// The header that carries the caller's number.
    package enum Identity: String, Sendable, CaseIterable {
        case from
        case assertedIdentity = "p-asserted-identity"
        case preferredIdentity = "p-preferred-identity"
        case remotePartyID = "remote-party-id"
    }

    /// How a number is written in the Request-URI.
    package enum NumberFormat: String, Sendable, CaseIterable {
        /// `+493012345678`
        case plusE164 = "plus-e164"
        /// Nationally at home, abroad with the prefix for it (`00`, `011`).
        case nationalOrIDD = "national-or-idd"
    }

    /// The file's name without its ending: `telnyx`.
    package var identifier: String
    package var name: String
    package var website: String?
    /// In order of preference.
    package var authentication: [Authentication]
    /// Names to choose one of, the first by default.
    package var servers: [String] = []
    /// A name with a part in capitals that belongs to the account: `NAME.pstn.twilio.com`.
    package var serverPattern: String?
    package var backupServerPattern: String?
    /// The domain in addresses, where it is not the server's name.
    package var domain: String?
    /// Of the digest challenge, where it is not the domain.
    package var realms: [String] = []
    /// Whence calls come besides the servers.
    package var networks: [AddressBlock] = []
    /// In order of preference.
    package var transports: [Transport] = []
    /// Where its sound comes from and goes to, and whether it is encrypted: for people who set up a firewall or read on.
    /// The box latches on to what really sends, and offers RTP alone.
    package var mediaNetworks: [String] = []
    package var mediaPorts: ClosedRange<UInt16>?
    package var encryption: Encryption?
    /// Seconds of registration, as the provider's own examples have it.
    package var expires: Int?
    package var identity: Identity?
    package var numberFormat: NumberFormat?
    /// In order of preference; may name formats that the box does not speak.
    package var codecs: [String] = []
    /// A number that plays back what is said.
    package var echoTest: String?
    /// A number that repeats pressed digits.
    package var digitTest: String?
    /// New calls a second that the provider takes.
    package var callsPerSecond: Int?
    /// How pressed keys travel: `telephone-event` (RFC 4733).
    package var digits: String?
    /// Whether reliable provisional responses (RFC 3262) are understood.
    package var reliableProvisional: Bool?
    package var userHint: String?
    /// Characters that the provider's passwords may not have.
    package var passwordExcludes: String?
    /// Where each value is from and when it was read, by its key.
    package var sources: [String: String]

    /// The backup of a server that is named as `serverPattern` says: the account's own part stands in both.
    func backup(of server: String) -> String? {
        guard let serverPattern, let backupServerPattern,
            let blank = serverPattern.split(separator: ".").first(where: { $0.allSatisfy(\.isUppercase) })
        else { return nil }
        let (head, tail) = (serverPattern[..<blank.startIndex], serverPattern[blank.endIndex...])
        guard server.hasPrefix(head), server.hasSuffix(tail), server.utf8.count > head.utf8.count + tail.utf8.count
        else {
            return nil
        }
        let own = server.dropFirst(head.count).dropLast(tail.count)
        return backupServerPattern.replacing(blank, with: own)
    }
}
