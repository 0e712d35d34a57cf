import Accounts
import FoundationEssentials
import Glibc
import HTTPTypes
import Hummingbird
package import Ledger
import Sealing
package import Wire

/// What the web process hands over for a backup: a copy of what it keeps, in `web/handover`, and the master key, in the answer.
/// The copy stays until the next one, or until it is given back.
///
/// The key is never written to the disk for it: where it comes from a credential, the disk does not have it.
package struct BackupHandover: Codable, Sendable {
    package var masterKey: Redacted<String>
    package var ledger: LedgerStore.Snapshot
    /// Nothing waits in the core.
    package var spoolEmptied: Bool
}

extension WebResponder {
    /// What is no data, or is copied otherwise: locks, unfinished files, the master key, and what says that a process runs.
    private static let leftOut: Set<String> = [
        "accounts.sqlite", "crashes", "handover", "ledger", "ledger.lock", "master.key",
    ]

    private var handoverFolder: String { "\(stateDirectory)/web/handover" }

    /// - Throws: 403 for members of the group: with the key everything could be read elsewhere.
    private func operatingRoot(_ context: WebContext) throws -> (name: String, ledger: LedgerDesk) {
        guard let user = context.operatingUser, user.isPrivileged else {
            throw Refusal(.forbidden, WebProblem.notOperator)
        }
        guard let ledger else { throw Refusal(.notFound, WebProblem.notFound) }
        return (user.name, ledger)
    }

    func handOver(_ context: WebContext) async throws -> Response {
        let (name, ledger) = try operatingRoot(context)
        do throws(Problem) {
            let store = try await ledger.opened()
            // Before the copy, so that the entry is in it.
            await trail.note(.backup, by: name)
            let isEmpty = await ledger.drain(store, control)
            let target = try await emptyHandover(size: try await store.snapshotSize())
            let snapshot = try await store.snapshot(into: "\(target)/ledger")
            try await accounts.copy(to: "\(target)/accounts.sqlite")
            try copyFiles(to: target)
            let key = String(decoding: await store.masterKeyring.file.revealed, as: UTF8.self)
            return try .json(
                BackupHandover(
                    masterKey: Redacted(key), ledger: snapshot, spoolEmptied: isEmpty))
        } catch {
            try? FileManager.default.removeItem(atPath: handoverFolder)
            throw Refusal(.serviceUnavailable, error)
        }
    }

    func endHandOver(_ context: WebContext) throws -> Response {
        _ = try operatingRoot(context)
        try? FileManager.default.removeItem(atPath: handoverFolder)
        return .done
    }

    /// - Returns: `…/handover/web`, with an empty `ledger` in it. One from before is gone.
    private func emptyHandover(size: Int) async throws(Problem) -> String {
        let target = "\(handoverFolder)/web"
        try? FileManager.default.removeItem(atPath: handoverFolder)
        do {
            try FileManager.default.createDirectory(
                atPath: "\(target)/ledger", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw WebProblem.noHandover
        }
        var status = statvfs()
        let isKnown = statvfs(handoverFolder, &status) == 0
        let free = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        guard !isKnown || free.overflow || free.partialValue >= size + 64 << 20 else { throw WebProblem.noHandover }
        return target
    }

    /// The small files beside the ledger and the accounts: the certificate, and what a box without accounts left.
    private func copyFiles(to target: String) throws(Problem) {
        let folder = "\(stateDirectory)/web"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw WebProblem.noHandover
        }
        for name in names where !Self.leftOut.contains(name) && !name.hasSuffix(".new") && !name.hasSuffix("-journal") {
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            guard attributes?[.type] as? FileAttributeType == .typeRegular,
                let size = attributes?[.size] as? UInt64, size <= 16 << 20
            else { continue }
            do {
                try PrivateFile.write(
                    try Data(contentsOf: URL(filePath: "\(folder)/\(name)")), to: "\(target)/\(name)", isDurable: false)
            } catch {
                // A session file may go while it is copied; what stays has to be copied.
                guard access("\(folder)/\(name)", F_OK) != 0 else { throw WebProblem.noHandover }
            }
        }
    }
}
