import SIPMessage
package import Wire

/// What the called person is told about who calls.
package struct CallerID: Hashable, Sendable, Codable {
    /// nil for the trunk's own.
    package var number: Redacted<String>?
    package var displayName: Redacted<String>?
    /// RFC 3323 `id`: the provider may know, the called person may not.
    package var isPrivate: Bool

    package init(number: Redacted<String>? = nil, displayName: Redacted<String>? = nil, isPrivate: Bool = false) {
        self.number = number
        self.displayName = displayName
        self.isPrivate = isPrivate
    }
}

/// Who calls, as far as the trunk vouches for it: never read from a message that came from elsewhere.
package struct CallerIdentity: Hashable, Sendable, Codable {
    /// What the provider found out about the number (ATIS-1000074 §5.2.3, `verstat`).
    package enum Verification: String, Sendable, Codable {
        case passed = "TN-Validation-Passed"
        case failed = "TN-Validation-Failed"
        case notDone = "No-TN-Validation"
    }

    package var number: Redacted<String>
    package var displayName: Redacted<String>?
    /// P-Asserted-Identity said it (RFC 3325); otherwise From, which the caller wrote.
    package var isAsserted: Bool
    /// The caller asked for privacy.
    package var isPrivate: Bool
    package var verification: Verification?

    /// - Parameter headers: of an INVITE from the trunk's own address.
    init?(_ headers: SIPHeaders) {
        guard let from = headers.from else { return nil }
        isPrivate = headers.privacy.contains { ["id", "user", "header"].contains($0) }
        let asserted = headers.assertedIdentities
        // Two may stand there, a sip and a tel URI for the same caller (RFC 3325 §9.1). Who wants to stay unknown does.
        let chosen = isPrivate ? nil : asserted.first { $0.uri.user != nil }
        let address = chosen ?? from
        isAsserted = chosen != nil
        number = Redacted(Self.userParts(address.uri).first ?? "")
        displayName = address.displayName.map { Redacted($0) }
        verification = (asserted + [from]).lazy.compactMap { Self.verification($0) }.first
    }

    /// `+1555;verstat=…` may stand in the user part, in the URI's parameters, or after a `tel:` number.
    private static func verification(_ address: NameAddress) -> Verification? {
        var places = userParts(address.uri).dropFirst().map { $0 }
        if let said = address.uri.sip?.parameters["verstat"] { places.append("verstat=" + said) }
        if let said = address.parameters["verstat"] { places.append("verstat=" + said) }
        if case .other(_, let rest) = address.uri { places += parts(rest).dropFirst() }
        for place in places where place.lowercased().hasPrefix("verstat=") {
            let value = place.dropFirst("verstat=".count).lowercased()
            // Some write the level of attestation behind it: `TN-Validation-Passed-A`.
            for known in [Verification.passed, .failed, .notDone] where value.hasPrefix(known.rawValue.lowercased()) {
                return known
            }
        }
        return nil
    }

    private static func userParts(_ uri: URI) -> [String] { parts(uri.user ?? "") }

    private static func parts(_ text: String) -> [String] {
        text.utf8.split(separator: UInt8(ascii: ";")).map { String(Substring($0)) }
    }
}

extension Trunk {
    /// Writes who calls into an INVITE: From, the header that the provider believes, and Privacy move together.
    func describe(_ caller: CallerID, domain: (String?) -> SIPURI, tag: String, in headers: inout SIPHeaders) {
        let name = caller.displayName?.revealed
        let number = NameAddress(
            displayName: name, domain(caller.number?.revealed ?? displayNumber ?? user))
        var from = identity == .from ? number : NameAddress(displayName: name, domain(user))
        if caller.isPrivate, let anonymous = try? SIPURI("sip:anonymous@anonymous.invalid") {
            // RFC 3323 §4.1.1.3
            from = NameAddress(displayName: "Anonymous", anonymous)
            headers.privacy = ["id"]
        }
        from.tag = tag
        headers.from = from
        switch identity {
        case .from: break
        case .assertedIdentity: headers.append(.pAssertedIdentity, number.text)
        case .preferredIdentity: headers.append(.pPreferredIdentity, number.text)
        case .remotePartyID:
            let privacy = caller.isPrivate ? "full" : "off"
            headers.append(.remotePartyID, number.text + ";party=calling;screen=yes;privacy=\(privacy)")
        }
    }
}
