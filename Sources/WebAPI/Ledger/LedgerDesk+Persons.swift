import Control
import Foundation
import Ledger
import Sealing
package import Wire

// What is asked of the ledger about a person, and for exports.
extension LedgerDesk {
    /// The ledger, once the first attempt to open it is over.
    ///
    /// - Throws: why it is not open.
    func opened() async throws(Problem) -> LedgerStore {
        await settle()
        guard let store else { throw problem ?? ControlProblem.unreachable }
        return store
    }

    /// Removes everything about somebody, what waits in the core included.
    ///
    /// The core is asked before, so that what it has is removed here, and after, for what came meanwhile: that is not filed any
    /// more. A core that cannot be asked hands its records over later, and they are dropped then.
    ///
    /// - Throws: the ledger's problem; `privacy.undecided` or `privacy.copies-stay` around an upgrade; asked again, it goes on.
    func erase(
        _ subject: ErasureSubject, askedBy name: String, shown: String, _ control: ControlClient
    ) async throws(Problem) -> ErasureNotice {
        let store = try await opened()
        let former = FormerState(
            directory: settings.directory.lastIndex(of: "/").map { String(settings.directory[..<$0]) } ?? ".")
        guard !former.isUndecided else { throw FormerState.undecided }
        var isSpoolEmpty = await drain(store, control)
        let periods = try await store.periods(of: subject)
        let certificate = try await store.erase(subject, now: .now())
        try former.forget()
        isSpoolEmpty = await drain(store, control) && isSpoolEmpty
        Forgetting.scrubSoon()
        return ErasureNotice(
            certificate, subject: shown, askedBy: name, periods: periods, entries: await store.entries(of: subject),
            isSpoolEmpty: isSpoolEmpty)
    }

    /// - Returns: false when the core keeps what it has for now.
    func drain(_ store: LedgerStore, _ control: ControlClient) async -> Bool {
        do throws(Problem) {
            try await takeOver(store, control)
            return true
        } catch {
            return false
        }
    }
}

/// The certificate of an erasure: for the person who asked. It names nobody.
package struct ErasureNotice: Codable, Sendable, Equatable {
    package var time: WallTime
    /// The number's last two digits, or that it was a user.
    package var subject: String
    package var askedBy: String
    /// Records that were removed, by kind.
    package var removed: [String: Int]
    /// The periods that calls of this person were in.
    package var periods: [String]
    /// Files that were written anew without them.
    package var files: Int
    /// Records that nobody can read, so that nobody knows whom they are about.
    package var unreadable: Int
    /// Parts of the ledger that could not be searched at the moment; it is made good before they show anything.
    package var unsearched: [String]
    /// What waited in the core was handed over and removed; false: it is dropped when it is handed over.
    package var spoolEmptied: Bool
    /// What the erasure list has for this person: keyed hashes.
    package var listEntries: [String]

    init(
        _ certificate: ErasureCertificate, subject: String, askedBy: String, periods: [String], entries: [String],
        isSpoolEmpty: Bool
    ) {
        (time, self.subject, self.askedBy, self.periods) = (certificate.time, subject, askedBy, periods)
        removed = Dictionary(
            certificate.removed.map { ($0.key.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        (files, unreadable) = (certificate.files, certificate.unreadable)
        unsearched = certificate.unusable.map(\.name)
        (spoolEmptied, listEntries) = (isSpoolEmpty, entries)
    }
}
