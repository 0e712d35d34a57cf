import Foundation
package import Sealing
package import Wire

/// Where the web process has its master keyring from: a systemd credential if the unit hands one over, else a file that only
/// the web process may read, made at the first start.
///
/// From the file to a credential: while both are there, the credential's key comes first and the file's still opens. The ledger
/// wraps all keys by the first one when it is opened; only when that is done does the file go (``retire(_:credential:)``). A crash
/// at any point leaves both, and the next start goes on.
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
        let file = try PrivateBytes.contents(of: path, atMost: 4096)
        if let credential {
            return try ring(credential, followedBy: file)
        }
        if let file { return try MasterKeyring(file: Redacted(file)) }
        if try PrivateBytes.isThere(ledger) {
            // What cannot be listed is not empty.
            let names = try PrivateBytes.names(in: ledger)
            guard !names.contains(where: { $0.hasSuffix(".key") || $0.hasSuffix(".sqlite") }) else {
                throw SealingProblem.masterKeyMissing
            }
        }
        let keyring = MasterKeyring()
        try PrivateBytes.replace(path, with: keyring.file.revealed)
        return keyring
    }

    /// Puts another keyring in the file's place, durably, whole or not at all: a step of ``LedgerStore/changeMasterKey(store:)``.
    ///
    /// - Throws: `ledger.master-key-elsewhere` where the unit hands the keyring over; `ledger.disk-full` and the like.
    package static func store(
        _ keyring: MasterKeyring, credential: Redacted<[UInt8]>?, path: String
    ) throws(Problem) {
        guard credential == nil else { throw LedgerProblem.masterKeyElsewhere }
        try PrivateBytes.replace(path, with: keyring.file.revealed)
    }

    /// The keyring of a ledger that is only looked at: nothing is made.
    ///
    /// - Throws: as ``keyring(credential:path:ledger:)``; ``SealingProblem/masterKeyMissing`` when there is none.
    package static func existing(
        credential: Redacted<[UInt8]>?, path: String
    ) throws(Problem) -> MasterKeyring {
        let file = try PrivateBytes.contents(of: path, atMost: 4096)
        guard let credential else {
            guard let file else { throw SealingProblem.masterKeyMissing }
            return try MasterKeyring(file: Redacted(file))
        }
        return try ring(credential, followedBy: file)
    }

    /// A file that is damaged opens nothing: what is wrapped by its key is named as missing a master key.
    private static func ring(
        _ credential: Redacted<[UInt8]>, followedBy file: [UInt8]?
    ) throws(Problem) -> MasterKeyring {
        let ring = try MasterKeyring(file: credential)
        guard let file, let former = try? MasterKeyring(file: Redacted(file)) else { return ring }
        return ring.followed(by: former)
    }

    /// Overwrites and removes the file once nothing needs it any more: the unit hands over another key, and every key of the
    /// ledger is wrapped by that one.
    ///
    /// - Parameters:
    ///   - credential: what the unit handed over; without it the file is the only key and stays.
    /// - Returns: whether there was a file, and it is gone.
    package static func retire(_ path: String, credential: Redacted<[UInt8]>?) throws(Problem) -> Bool {
        guard credential != nil, let bytes = try PrivateBytes.contents(of: path, atMost: 4096),
            (try? MasterKeyring(file: Redacted(bytes))) != nil
        else { return false }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw LedgerProblem.cannotWrite(path) }
        defer { close(descriptor) }
        let zeros = [UInt8](repeating: 0, count: bytes.count)
        guard write(descriptor, zeros, zeros.count) == zeros.count, fsync(descriptor) == 0, unlink(path) == 0 else {
            throw LedgerProblem.diskFailed(path)
        }
        LedgerDatabase.synchronise(directoryOf: path)
        return true
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

    /// For a look at a ledger that no process has open: keeps one from opening it meanwhile, and makes no file.
    ///
    /// - Returns: nil when there is no such file: no process ever had the ledger open.
    /// - Throws: `ledger.in-use`, `ledger.cannot-write`.
    package init?(existing path: String) throws(Problem) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw LedgerProblem.cannotWrite(path)
        }
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else {
            close(descriptor)
            throw LedgerProblem.inUse(path)
        }
    }

    deinit { close(descriptor) }
}
