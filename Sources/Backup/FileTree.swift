import Foundation
package import Wire

/// Files and directories of a backup, handled by their path.
package enum FileTree {
    /// A disk is never filled to its last byte for a backup.
    package static let reserve = 64 << 20

    /// - Throws: `backup.no-room` unless so many bytes and a reserve are free.
    package static func requireRoom(_ bytes: Int, in directory: String) throws(Problem) {
        guard let free = room(in: directory), free < bytes + reserve else { return }
        throw BackupProblem.noRoom(directory, needed: bytes + reserve)
    }

    package static func areOnOneDisk(_ path: String, _ other: String) -> Bool {
        var (one, two) = (stat(), stat())
        return stat(path, &one) == 0 && stat(other, &two) == 0 && one.st_dev == two.st_dev
    }

    static func room(in directory: String) -> Int? {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return nil }
        return Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
            .partialValue
    }

    /// Bytes of all plain files.
    package static func size(of directory: String) -> Int {
        guard let names = FileManager.default.enumerator(atPath: directory) else { return 0 }
        var bytes = 0
        for case let path as String in names {
            var status = stat()
            if lstat("\(directory)/\(path)", &status) == 0, status.st_mode & S_IFMT == S_IFREG {
                bytes += Int(status.st_size)
            }
        }
        return bytes
    }

    /// Makes an empty directory (0700), whatever was there before.
    ///
    /// - Throws: also when somebody else puts something in its place: nothing that is there is ever taken for it.
    package static func makeEmpty(_ path: String) throws(Problem) {
        remove(path)
        guard mkdir(path, 0o700) == 0 else { throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno)) }
    }

    package static func remove(_ path: String) {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Copies the plain files of a directory with their mode and owner, directories below it too if asked.
    ///
    /// - Parameter taking: decides by the name of each file in it.
    /// - Returns: what is no file and no directory, a link above all, and was passed over: a link would not mean the same elsewhere.
    @discardableResult
    package static func copy(
        _ source: String, to target: String, deep: Bool, taking: (String) -> Bool = { _ in true }
    ) throws(Problem) -> [String] {
        var passedOver: [String] = []
        try makeDirectory(target, like: source)
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: source) else {
            throw BackupProblem.cannotWrite(source, "it cannot be listed")
        }
        for name in names.sorted() where taking(name) {
            var status = stat()
            guard lstat("\(source)/\(name)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFREG: try copyFile("\(source)/\(name)", to: "\(target)/\(name)")
            case S_IFDIR where deep:
                passedOver += try copy("\(source)/\(name)", to: "\(target)/\(name)", deep: true)
            case S_IFDIR: continue
            default: passedOver.append("\(source)/\(name)")
            }
        }
        return passedOver
    }

    /// - Throws: also for a file of more than 64 MB, which is none of ours.
    package static func copyFile(_ source: String, to target: String) throws(Problem) {
        let descriptor = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw BackupProblem.cannotWrite(source, ChildPipeline.message(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size <= 64 << 20 else {
            throw BackupProblem.cannotWrite(source, "it is too large")
        }
        guard let data = try? FileHandle(fileDescriptor: descriptor).readToEnd() ?? Data() else {
            throw BackupProblem.cannotWrite(source, ChildPipeline.message(errno))
        }
        try write(Array(data), to: target, mode: status.st_mode & 0o777, owner: (status.st_uid, status.st_gid))
    }

    /// Whole and durable under its name, or the file is as it was.
    package static func write(
        _ bytes: [UInt8], to path: String, mode: UInt32 = 0o600, owner: (UInt32, UInt32)? = nil
    ) throws(Problem) {
        let unfinished = path + ".new"
        unlink(unfinished)
        let descriptor = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno)) }
        defer { close(descriptor) }
        var left = bytes[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            left = left.dropFirst(count)
        }
        // Who may not give files away keeps them.
        let isGiven = owner.map { geteuid() != 0 || fchown(descriptor, $0.0, $0.1) == 0 } ?? true
        guard left.isEmpty, isGiven, fchmod(descriptor, mode) == 0, fsync(descriptor) == 0,
            rename(unfinished, path) == 0
        else {
            let reason = ChildPipeline.message(errno)
            unlink(unfinished)
            throw BackupProblem.cannotWrite(path, reason)
        }
        synchronise(directoryOf: path)
    }

    package static func makeDirectory(_ path: String, like source: String? = nil) throws(Problem) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno))
        }
        var status = stat()
        guard let source, stat(source, &status) == 0 else { return }
        guard geteuid() != 0 || chown(path, status.st_uid, status.st_gid) == 0,
            chmod(path, status.st_mode & 0o777) == 0
        else { throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno)) }
    }

    /// Everything below a directory, and itself, belongs to a user then, and to nobody else.
    package static func give(_ directory: String, to owner: (user: UInt32, group: UInt32)) throws(Problem) {
        let names = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        for path in [directory] + names.map({ "\(directory)/\($0)" }) {
            var status = stat()
            guard lstat(path, &status) == 0, lchown(path, owner.user, owner.group) == 0,
                chmod(path, status.st_mode & S_IFMT == S_IFDIR ? 0o700 : 0o600) == 0
            else { throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno)) }
        }
    }

    /// Makes everything that was unpacked durable.
    ///
    /// One call for a whole tree of small files.
    package static func synchroniseAll() { sync() }

    package static func synchronise(directoryOf path: String) {
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let descriptor = open(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// - Returns: false where the two are on different disks; the copy stays where it was then.
    package static func moved(_ path: String, to other: String) -> Bool { rename(path, other) == 0 }

    package static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }
}
