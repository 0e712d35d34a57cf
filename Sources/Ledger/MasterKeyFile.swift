import Foundation
package import Sealing
package import Wire

/// Where the web process has its master keyring from: a systemd credential if the unit hands one over, else a file that only
/// the web process may read, made at the first start.
package enum MasterKeyFile {
    /// - Parameters:
    ///   - credential: what the unit handed over; nil if nothing.
    ///   - path: of the file.
    ///   - ledger: the ledger's directory. If there is a ledger, a missing key is never replaced by a new one, which could not
    ///     open it.
    /// - Throws: ``SealingProblem/masterKeyUnreadable``, ``SealingProblem/masterKeyMissing``, `ledger.cannot-write` and the like;
    ///   whatever is there is untouched then.
    package static func keyring(
        credential: Redacted<[UInt8]>?, path: String, ledger: String
    ) throws(Problem) -> MasterKeyring {
        if let credential { return try MasterKeyring(file: credential) }
        if let bytes = PrivateBytes.read(path, atMost: 4096) { return try MasterKeyring(file: Redacted(bytes)) }
        guard errno == ENOENT else { throw LedgerProblem.cannotWrite(path) }
        let names = try? FileManager.default.contentsOfDirectory(atPath: ledger)
        // What cannot be listed is not empty.
        if names == nil, FileManager.default.fileExists(atPath: ledger) { throw LedgerProblem.cannotWrite(ledger) }
        guard names?.contains(where: { $0.hasSuffix(".key") || $0.hasSuffix(".sqlite") }) != true else {
            throw SealingProblem.masterKeyMissing
        }
        let keyring = MasterKeyring()
        try PrivateBytes.replace(path, with: keyring.file.revealed)
        return keyring
    }
}

/// Held as long as a process has the ledger open: two web processes at once would each take the other's files for their own.
///
/// The kernel lets go of it when the process ends, however it ends.
package final class LedgerLock: Sendable {
    private let descriptor: CInt

    /// - Throws: `ledger.in-use` while another process holds it; `ledger.cannot-write`.
    package init(_ path: String) throws(Problem) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw errno == ENOSPC ? LedgerProblem.diskFull(path) : LedgerProblem.cannotWrite(path)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw LedgerProblem.inUse(path)
        }
    }

    deinit { close(descriptor) }
}
