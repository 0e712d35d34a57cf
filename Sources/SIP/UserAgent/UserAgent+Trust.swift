import SIPMessage
import Wire

/// Who may make us use the trunk's password: the trunk's own address, in a realm that is the trunk's.
///
/// Every answer to a challenge is something that a stranger could try passwords against, and a callee's challenge may
/// reach us through the trunk's own proxy (CVE-2021-41158).
extension UserAgent {
    /// For any request but REGISTER: the realms that are configured; else the trunk's domain, and the realm in which
    /// its registrar asked. Each is compared as a whole.
    func mayAnswer(_ trunk: Trunk, from source: NetworkAddress) -> (String) -> Bool {
        guard isTrunk(trunk, source.host) else { return { _ in false } }
        let accepted: [String]
        if !trunk.realms.isEmpty {
            accepted = trunk.realms
        } else {
            accepted =
                [trunk.domain]
                + accounts.values.filter { $0.trunk.name == trunk.name && $0.trunk.domain == trunk.domain }
                .compactMap(\.realm)
        }
        return { realm in accepted.contains { $0.lowercased() == realm.lowercased() } }
    }

    /// For REGISTER: nobody but the registrar answers it, so its realm is learnt unless one is configured.
    func mayRegister(_ trunk: Trunk, from source: NetworkAddress) -> (String) -> Bool {
        guard source.host == trunk.target.host else { return { _ in false } }
        return { realm in
            trunk.realms.isEmpty || trunk.realms.contains { $0.lowercased() == realm.lowercased() }
        }
    }

    /// The realm that the trunk's own server asks in and that is not the trunk's: nothing is wrong with the password,
    /// which nobody has seen.
    /// - Returns: nil if that is not why the challenge goes without an answer.
    func foreignRealm(
        _ challenges: [Challenge], _ trunk: Trunk, isServer: Bool, mayAnswer: (String) -> Bool
    ) -> String? {
        guard isServer, let realm = DigestChallenge.strongest(of: challenges)?.realm, !mayAnswer(realm) else {
            return nil
        }
        // Its registrar has seen the password, in this realm, and did not take it.
        let isRefused = accounts.values.contains {
            $0.trunk.name == trunk.name && $0.refusedRealm?.lowercased() == realm.lowercased()
        }
        guard !isRefused else { return nil }
        // Whoever sent it chose the words.
        let printable = realm.unicodeScalars.filter { (0x20...0x7e).contains($0.value) }.prefix(64)
        return String(String.UnicodeScalarView(printable))
    }
}
