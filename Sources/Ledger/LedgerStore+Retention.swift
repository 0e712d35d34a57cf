import Foundation
package import Sealing
package import Wire

/// How much of its quota the ledger uses.
package struct LedgerUsage: Sendable, Equatable {
    package enum Level: Int, Sendable, Comparable {
        case fine = 0, warning80 = 80, warning90 = 90, full = 100

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    package var bytes: Int
    package var quota: Int

    package var level: Level {
        let percent = quota <= 0 ? 100 : Double(bytes) * 100 / Double(quota)
        return percent >= 100 ? .full : percent >= 90 ? .warning90 : percent >= 80 ? .warning80 : .fine
    }
}

/// What a master key's change does with the keyring; root does it where the keyring is a systemd credential.
package typealias KeyringStore = (MasterKeyring) throws(Problem) -> Void

extension LedgerStore {
    /// A crash after the first step is finished at the next start.
    ///
    /// - Parameter reason: for the audit log.
    func remove(_ period: Period, _ kind: RecordKind, because reason: String) throws(Problem) {
        note(.destroyed, "\(period).\(kind.name): \(reason)")
        try keys.destroy(.period(period.description, kind))
        close(period, kind)
        totals[period.description] = nil
        Self.removeFiles(path(period, kind))
        keys.forget(.period(period.description, kind))
    }

    /// For the watchdog: whether the ledger can be read.
    package func probe() throws(Problem) {
        guard let newest = try periods(.call).last else { return try audit.file.touch() }
        try file(newest, .call).file.touch()
    }

    #if DEBUG
        /// Blocks its thread for good. A release build does not have it.
        package func wedge() {
            while true { sleep(60) }
        }
    #endif

    package func usage() -> LedgerUsage {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: settings.directory)) ?? []
        let bytes = names.reduce(0) { sum, name in
            var status = stat()
            guard lstat("\(settings.directory)/\(name)", &status) == 0 else { return sum }
            return sum + Int(status.st_size)
        }
        return LedgerUsage(bytes: bytes, quota: settings.quota)
    }

    /// Makes room when the quota is reached: the oldest traces go first, then the oldest figures of sound, then the oldest call
    /// records; the newest file of each kind stays. To be called after filing.
    ///
    /// - Returns: what was removed, for the audit log and the owner.
    package func makeRoom() throws(Problem) -> [String] {
        var removed: [String] = []
        for kind in [RecordKind.trace, .quality, .call] {
            while usage().level == .full, let oldest = try periods(kind).dropLast().first {
                try remove(oldest, kind, because: "the quota is reached")
                removed.append("\(oldest).\(kind.name)")
            }
        }
        return removed
    }

    /// Wraps every key with the first of the master keys: what a credential that took the key file's place, or a change of the
    /// master key that was cut short, has left to do. Each key file is replaced whole, so a crash in between leaves every key
    /// openable with one of the ring.
    ///
    /// - Returns: whether nothing is wrapped by another one now.
    @discardableResult
    package func rewrap() -> Bool {
        guard let wrapped = try? keys.wrapped() else { return false }
        let former = wrapped.filter { $0.value != keys.keyring.current }.keys
        guard !former.isEmpty else { return true }
        noteChange(of: former.count)
        var isWhole = true
        for purpose in former.sorted(by: { $0.description < $1.description }) {
            do throws(Problem) {
                try keys.store(try keys.key(purpose), for: purpose)
            } catch {
                noteUnusable(purpose, error)
                isWhole = false
            }
        }
        return isWhole
    }

    private func noteChange(of count: Int) {
        note(.masterChanged, "\(count) keys are wrapped anew, by the master key \(hexadecimal(keys.keyring.current))")
    }

    /// Changes the master key, or goes on with a change that was cut short: see ``MasterKeyRotation``.
    ///
    /// - Parameter store: writes the keyring durably in place of the other.
    /// - Throws: when a step fails: called again, it goes on from there.
    package func changeMasterKey(store: KeyringStore) throws(Problem) {
        var step = MasterKeyRotation.begin(keys.keyring)
        while step != .done {
            switch step {
            case .store(let keyring):
                try store(keyring)
                keys.keyring = keyring
                if let wrapped = try? keys.wrapped(), wrapped.values.contains(where: { $0 != keyring.current }) {
                    noteChange(of: wrapped.count)
                }
            case .rewrap(let purpose): try keys.store(try keys.key(purpose), for: purpose)
            case .done: break
            }
            step = try MasterKeyRotation.next(keys.keyring, wrapped: try keys.wrapped())
        }
    }

    /// Reads everything and says of every file whether it is whole. Changes nothing.
    ///
    /// - Parameter anchors: heads of the audit chain that were written down elsewhere.
    package func verify(anchors: [AuditHead] = []) -> [(name: String, problem: Problem?)] {
        var verdicts: [(name: String, problem: Problem?)] = []
        let all: [(period: Period, kind: RecordKind)]
        do {
            all = try Self.listing(settings.directory)
        } catch {
            all = []
            verdicts.append(("ledger", error))
        }
        for (period, kind) in all {
            do throws(Problem) {
                guard try file(period, kind).inspect().damaged.isEmpty else { throw SealingProblem.notAuthentic }
                verdicts.append(("\(period).\(kind.name)", nil))
            } catch {
                verdicts.append(("\(period).\(kind.name)", error))
            }
        }
        do {
            try verifyAudit(anchors: anchors)
            verdicts.append(("audit", nil))
        } catch {
            verdicts.append(("audit", error))
        }
        return verdicts
    }
}
