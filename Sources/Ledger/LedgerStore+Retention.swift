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
    /// Removes the periods whose time is over: the key first, then the file.
    ///
    /// A record is kept until the days of its kind have passed since the *end* of its period, so up to one period longer: who
    /// wants it exact chooses shorter periods.
    /// - Returns: what was removed, `2026-08.calls`.
    package func expire(now: WallTime) throws(Problem) -> [String] {
        var removed: [String] = []
        for (kind, days) in settings.retentionDays.sorted(by: { $0.key.rawValue < $1.key.rawValue })
        where kind != .audit {
            let kept = Int64(min(max(days, 0), 100_000)) * 86_400_000
            for period in periods(kind) where period.end.milliseconds + kept <= now.milliseconds {
                try remove(period, kind)
                removed.append("\(period).\(kind.name)")
            }
        }
        return removed
    }

    /// A crash after the first step is finished at the next start.
    private func remove(_ period: Period, _ kind: RecordKind) throws(Problem) {
        try keys.destroy(.period(period.description, kind))
        close(period, kind)
        totals[period.description] = nil
        Self.removeFiles(path(period, kind))
        keys.forget(.period(period.description, kind))
    }

    /// For the watchdog: whether the ledger can be read.
    package func probe() throws(Problem) {
        guard let newest = periods(.call).last else { return try audit.file.touch() }
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
            while usage().level == .full, let oldest = periods(kind).dropLast().first {
                try remove(oldest, kind)
                removed.append("\(oldest).\(kind.name)")
            }
        }
        return removed
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
        for (period, kind) in Self.listing(settings.directory) {
            do {
                try file(period, kind).verify()
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
