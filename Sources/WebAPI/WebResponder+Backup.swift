import Accounts
import FoundationEssentials
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
    /// Links and the like, which mean nothing elsewhere and were not copied.
    package var passedOver: [String]

    package init(
        masterKey: Redacted<String>, ledger: LedgerStore.Snapshot, spoolEmptied: Bool, passedOver: [String]
    ) {
        (self.masterKey, self.ledger) = (masterKey, ledger)
        (self.spoolEmptied, self.passedOver) = (spoolEmptied, passedOver)
    }
}

extension WebResponder {
    /// - Throws: a refusal for everybody but root and the box's own user.
    func operatingRoot(_ context: WebContext) throws -> (name: String, ledger: LedgerDesk) {
        let user = try requireRoot(context)
        guard let ledger else { throw Refusal(.notFound, WebProblem.notFound) }
        return (user.name, ledger)
    }

    func handOver(_ context: WebContext) async throws -> Response {
        let (name, ledger) = try operatingRoot(context)
        let folder = HandoverFolder(state: stateDirectory)
        do throws(Problem) {
            // The master key leaves only when that is written down; and so the entry is in the copy.
            try await trail.require(.backup, by: name, "")
            let store = try await ledger.opened()
            let isEmpty = await ledger.drain(store, control)
            let target = try folder.makeEmpty(size: try await store.snapshotSize())
            let snapshot = try await store.snapshot(into: "\(target)/ledger")
            try await accounts.copy(to: "\(target)/accounts.sqlite")
            let passedOver = try folder.copyFiles()
            folder.removeLater()
            let key = String(decoding: await store.masterKeyring.file.revealed, as: UTF8.self)
            return try .json(
                BackupHandover(
                    masterKey: Redacted(key), ledger: snapshot, spoolEmptied: isEmpty, passedOver: passedOver))
        } catch {
            folder.remove()
            throw Refusal(.serviceUnavailable, error)
        }
    }

    func endHandOver(_ context: WebContext) throws -> Response {
        _ = try operatingRoot(context)
        HandoverFolder(state: stateDirectory).remove()
        return .done
    }
}
