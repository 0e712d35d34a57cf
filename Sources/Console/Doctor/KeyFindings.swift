/// What can be seen of a file with a key, without reading the key.
package enum KeyFile: Sendable, Equatable {
    case missing
    /// This user may not look.
    case hidden
    /// - Parameter mode: the permission bits.
    case present(mode: UInt32)
}

extension Finding {
    /// The public key that records are sealed with, and the secret one that opens the ledger.
    /// - Parameters:
    ///   - sealing: the core's `sealing-key`.
    ///   - master: the web process's `master.key`.
    ///   - credential: where systemd has the master key from instead; nil if it hands none over.
    ///   - hasLedger: whether there is something that only the master key opens; nil if this user may not look.
    package static func keys(
        sealing: KeyFile, master: KeyFile, credential: (path: String, file: KeyFile)?, hasLedger: Bool?
    ) -> Finding {
        if let credential, case .present(let mode) = credential.file, mode & 0o077 != 0 {
            return Finding(
                .fault, "Others than root may read the ledger's master key.", remedy: "chmod 600 \(credential.path)")
        }
        if credential == nil {
            switch master {
            case .hidden: return Finding(.unchecked, "Only root sees whether the keys are there.")
            case .present(let mode) where mode & 0o077 != 0:
                return Finding(
                    .fault, "Others than the web process may read the ledger's master key (master.key).",
                    remedy: "chmod 600 /var/lib/sipcall/web/master.key")
            case .present: break
            case .missing where hasLedger != false:
                return Finding(
                    .fault, "The ledger's master key is missing: what the ledger holds cannot be opened.",
                    remedy:
                        "Put master.key back from a backup into the directory of the web process, or the credential "
                        + "into /etc/credstore/sipcall.master-key.")
            case .missing:
                return Finding(
                    .warning, "There is no master key yet; the web process makes one at its first start.",
                    remedy: "Start it: systemctl start sipcall-web")
            }
        }
        switch sealing {
        case .hidden: return Finding(.unchecked, "Only root sees whether the keys are there.")
        case .missing:
            return Finding(
                .warning, "The core has no sealing key yet: records of calls wait in memory.",
                remedy: "Start the web process, which gives it one: systemctl start sipcall-web")
        case .present(let mode) where mode & 0o022 != 0:
            return Finding(
                .fault, "Others than the core may change the key that records are sealed with (sealing-key).",
                remedy: "chmod 600 /var/lib/sipcall/core/sealing-key")
        case .present: break
        }
        return Finding(
            .ok,
            "The sealing key and the ledger's master key (\(credential == nil ? "a file" : "a credential")) are there, and "
                + "nobody else may use them.")
    }
}
