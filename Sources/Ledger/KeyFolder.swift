import Foundation
import Sealing
import Wire

/// The wrapped keys on the disk, one small file each (0600): `2026-11.calls.key`, `box.key`, `erasures.key`.
///
/// One file each, because a key can then be replaced whole, be destroyed alone, and be lost alone.
/// A key is destroyed in two steps: its file is overwritten with ``tombstone``, durably; then it goes, when the data is gone. So a
/// crash in between is told from a file that got lost, and from one that a broken disk or file system has filled with zeros.
/// What cannot be read is never taken for missing: a new key in its place would make the old data worthless.
struct KeyFolder {
    let directory: String
    var keyring: MasterKeyring

    /// What a destroyed key's file holds: as long as a wrapped key, and nothing that a fault leaves behind.
    static let tombstone: [UInt8] = {
        let text = Array("SCKX 1 This key was destroyed on purpose.\n".utf8)
        return text + [UInt8](repeating: 0x2e, count: max(0, WrappedKey.count - text.count))
    }()

    enum Found {
        case key(Redacted<[UInt8]>)
        case missing
        case destroyed
    }

    private func path(_ purpose: KeyPurpose) -> String {
        switch purpose {
        case .period(let name, let kind): "\(directory)/\(name).\(kind.name).key"
        case .box: "\(directory)/box.key"
        case .erasures: "\(directory)/erasures.key"
        }
    }

    private func purpose(_ file: String) -> KeyPurpose? {
        let words = file.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard words.last == "key" else { return nil }
        if words == ["box", "key"] { return .box }
        if words == ["erasures", "key"] { return .erasures }
        guard words.count == 3, Period(words[0]) != nil,
            let kind = RecordKind.allCases.first(where: { $0.name == words[1] })
        else { return nil }
        return .period(words[0], kind)
    }

    /// - Throws: ``SealingProblem/keyUnreadable``, ``SealingProblem/masterKeyMissing``; `ledger.cannot-write` or
    ///   `ledger.disk-failed` when the file may be there and cannot be read.
    func find(_ purpose: KeyPurpose) throws(Problem) -> Found {
        guard let bytes = try PrivateBytes.contents(of: path(purpose), atMost: 4096) else { return .missing }
        if bytes == Self.tombstone { return .destroyed }
        return .key(try keyring.unwrap(WrappedKey(bytes), for: purpose))
    }

    /// - Throws: when the file of that name holds no key that opens, nor one that was destroyed.
    func check(_ name: String) throws(Problem) {
        guard let purpose = purpose(name) else { throw LedgerProblem.foreign("\(directory)/\(name)") }
        _ = try find(purpose)
    }

    /// - Throws: `ledger.key-missing` when there is none, or it was destroyed.
    func key(_ purpose: KeyPurpose) throws(Problem) -> Redacted<[UInt8]> {
        guard case .key(let secret) = try find(purpose) else { throw LedgerProblem.keyMissing(path(purpose)) }
        return secret
    }

    /// Wraps and writes; whole and durable, or the file is as it was.
    func store(_ secret: Redacted<[UInt8]>, for purpose: KeyPurpose) throws(Problem) {
        try PrivateBytes.replace(path(purpose), with: try keyring.wrap(secret, for: purpose).bytes)
    }

    /// The first step: after it nobody can read what the key sealed.
    func destroy(_ purpose: KeyPurpose) throws(Problem) {
        let path = path(purpose)
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return }
            throw LedgerProblem.cannotWrite(path)
        }
        defer { close(descriptor) }
        // In place, so that the same blocks of the disk are written.
        let tombstone = Self.tombstone
        guard write(descriptor, tombstone, tombstone.count) == tombstone.count,
            ftruncate(descriptor, off_t(tombstone.count)) == 0, fsync(descriptor) == 0
        else { throw LedgerProblem.diskFailed(path) }
    }

    /// The second step, when the data is gone.
    func forget(_ purpose: KeyPurpose) {
        unlink(path(purpose))
        LedgerDatabase.synchronise(directoryOf: path(purpose))
    }

    /// Every key on the disk that was not destroyed, and which master key wraps it.
    ///
    /// - Throws: ``SealingProblem/keyUnreadable`` when one of them is damaged, and what ``find(_:)`` throws when one cannot be
    ///   read: a master key must not be thrown away then.
    func wrapped() throws(Problem) -> [KeyPurpose: MasterKeyring.Name] {
        var all: [KeyPurpose: MasterKeyring.Name] = [:]
        for (purpose, bytes) in try files() where bytes != Self.tombstone {
            all[purpose] = try WrappedKey(bytes).master
        }
        return all
    }

    /// Keys of periods that were destroyed and whose data may still be there. A file that cannot be read is none of them: it
    /// closes its own period and nothing else.
    func destroyed() throws(Problem) -> [KeyPurpose] {
        try PrivateBytes.names(in: directory).compactMap { file in
            guard let purpose = purpose(file),
                PrivateBytes.read("\(directory)/\(file)", atMost: 4096) == Self.tombstone
            else { return nil }
            return purpose
        }
    }

    /// What every file of a key is for, by its name alone.
    func purposes() throws(Problem) -> [KeyPurpose] {
        try PrivateBytes.names(in: directory).compactMap { purpose($0) }
    }

    private func files() throws(Problem) -> [(purpose: KeyPurpose, bytes: [UInt8])] {
        var all: [(purpose: KeyPurpose, bytes: [UInt8])] = []
        for file in try PrivateBytes.names(in: directory) {
            guard let purpose = purpose(file) else { continue }
            // One that has gone meanwhile is gone.
            guard let bytes = try PrivateBytes.contents(of: "\(directory)/\(file)", atMost: 4096) else { continue }
            all.append((purpose, bytes))
        }
        return all
    }
}

/// Small files that only their owner reads.
enum PrivateBytes {
    /// - Returns: nil when there is no such file; of a longer one the beginning and one byte more than `most`.
    /// - Throws: `ledger.disk-failed`, `ledger.cannot-write` when there may be one, and it cannot be read.
    static func contents(of path: String, atMost most: Int) throws(Problem) -> [UInt8]? {
        errno = 0
        if let bytes = read(path, atMost: most) { return bytes }
        switch errno {
        case ENOENT: return nil
        case EIO, ENOMEM, EUCLEAN: throw LedgerProblem.diskFailed(path)
        default: throw LedgerProblem.cannotWrite(path)
        }
    }

    /// Whether there is anything of that name.
    ///
    /// - Throws: when that cannot be told.
    static func isThere(_ path: String) throws(Problem) -> Bool {
        var status = stat()
        if lstat(path, &status) == 0 { return true }
        if errno == ENOENT { return false }
        throw errno == EIO ? LedgerProblem.diskFailed(path) : LedgerProblem.cannotWrite(path)
    }

    /// The names in a directory.
    ///
    /// - Throws: when they cannot be read; what cannot be listed is not empty.
    static func names(in directory: String) throws(Problem) -> [String] {
        guard let listing = opendir(directory) else {
            throw errno == EIO ? LedgerProblem.diskFailed(directory) : LedgerProblem.cannotWrite(directory)
        }
        defer { closedir(listing) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(listing) else {
                guard errno == 0 else { throw LedgerProblem.diskFailed(directory) }
                return names
            }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// - Returns: nil with `errno` set when it cannot be read; of a longer file the beginning and one byte more than `most`.
    static func read(_ path: String, atMost most: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer {
            // What went wrong is what the caller asks for.
            let reason = errno
            close(descriptor)
            errno = reason
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(min(max(Int64(status.st_size), 0), Int64(most))) + 1)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Foundation.read(descriptor, $0.baseAddress?.advanced(by: filled), $0.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes[..<filled])
    }

    /// Whole and durable, or the file is as it was.
    static func replace(_ path: String, with bytes: [UInt8]) throws(Problem) {
        let unfinished = path + ".new"
        unlink(unfinished)
        let descriptor = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw errno == ENOSPC ? LedgerProblem.diskFull(path) : LedgerProblem.cannotWrite(path)
        }
        defer { close(descriptor) }
        let written = write(descriptor, bytes, bytes.count)
        guard written == bytes.count, fsync(descriptor) == 0, rename(unfinished, path) == 0 else {
            let isFull = errno == ENOSPC || written >= 0 && written < bytes.count
            unlink(unfinished)
            throw isFull ? LedgerProblem.diskFull(path) : LedgerProblem.diskFailed(path)
        }
        LedgerDatabase.synchronise(directoryOf: path)
    }
}
