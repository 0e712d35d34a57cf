import Wire

/// Who may make us use the trunk's password: the trunk's own address, in a realm that is the trunk's.
///
/// Every answer to a challenge is something that a stranger could try passwords against, and a callee's challenge may
/// reach us through the trunk's own proxy (CVE-2021-41158).
extension UserAgent {
    /// For any request but REGISTER: the realm that is configured; else the trunk's domain, and the realm in which
    /// its registrar asked. Each is compared as a whole.
    func mayAnswer(_ trunk: Trunk, from source: NetworkAddress) -> (String) -> Bool {
        guard isTrunk(trunk, source.host) else { return { _ in false } }
        let accepted: [String]
        if let realm = trunk.realm {
            accepted = [realm]
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
        return { realm in trunk.realm.map { $0.lowercased() == realm.lowercased() } ?? true }
    }
}
