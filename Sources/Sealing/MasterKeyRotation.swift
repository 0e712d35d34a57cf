package import Wire

/// Changing the master key, as steps that whoever owns the files takes one after another.
///
///     store new + old ─▶ rewrap one key ─▶ … ─▶ rewrap the last ─▶ store new alone ─▶ done
///
/// Each step is found anew from what lies on the disk, so the change goes on where a crash, a power cut or a full disk left it:
/// at every moment each wrapped key opens with a master key that is in the ring. Each step replaces one file whole.
package enum MasterKeyRotation {
    package enum Step: Sendable, Equatable {
        /// Write this keyring in place of the other, durably. With systemd only root can: see systemd-creds(1).
        case store(MasterKeyring)
        /// Unwrap this key and wrap it with the current master key, durably.
        case rewrap(KeyPurpose)
        case done
    }

    /// The first step; the others follow from ``next(_:wrapped:)``.
    package static func begin(_ keyring: MasterKeyring) -> Step {
        .store(keyring.keys.count > 1 ? keyring : keyring.adding())
    }

    /// - Parameter wrapped: every wrapped key that lies on the disk and the name of its master key, all of them: the last
    ///   step throws the old master key away.
    /// - Throws: ``SealingProblem/masterKeyMissing`` when one of them opens with no key of the ring: nothing is thrown away then.
    package static func next(
        _ keyring: MasterKeyring, wrapped: [KeyPurpose: MasterKeyring.Name]
    ) throws(Problem) -> Step {
        guard wrapped.values.allSatisfy(keyring.names.contains) else { throw SealingProblem.masterKeyMissing }
        let old = wrapped.filter { $0.value != keyring.current }.keys.sorted { $0.description < $1.description }
        if let purpose = old.first { return .rewrap(purpose) }
        return keyring.keys.count > 1 ? .store(keyring.onlyCurrent) : .done
    }
}
