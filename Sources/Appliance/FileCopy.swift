import Foundation
import Glibc

/// Copies files and directories of this user's own: contents and modes, links as links, nothing else.
///
/// Not `FileManager.copyItem`, which also wants to give copies their owner (a call that the units' sandboxes refuse) and fails with
/// empty files.
enum FileCopy {
    /// Nothing of ours lies this deep.
    private static let deepest = 32

    /// - Throws: `POSIXError` at the first thing that cannot be copied; what was copied until then stays.
    static func copy(_ source: String, to target: String) throws {
        var status = stat()
        guard lstat(source, &status) == 0 else { throw failure() }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            guard mkdir(target, status.st_mode & 0o777) == 0 || errno == EEXIST else { throw failure() }
            guard let names = SmallFile.names(in: source) else { throw failure() }
            for name in names { try copy("\(source)/\(name)", to: "\(target)/\(name)") }
        case S_IFREG:
            try copyContents(source, to: target, mode: status.st_mode & 0o777)
        case S_IFLNK:
            try copyLink(source, to: target)
        default:
            // A socket is no data.
            break
        }
    }

    /// What the files in it take, with their blocks rounded up.
    static func size(_ path: String, depth: Int = 0) -> Int {
        var status = stat()
        guard lstat(path, &status) == 0, depth < deepest else { return 0 }
        let own = max(Int(clamping: status.st_size), 0) & ~0xFFF + 0x1000
        guard status.st_mode & S_IFMT == S_IFDIR else { return status.st_mode & S_IFMT == S_IFREG ? own : 0x1000 }
        return (SmallFile.names(in: path) ?? []).reduce(own) { sum, name in
            let (total, isTooLarge) = sum.addingReportingOverflow(size("\(path)/\(name)", depth: depth + 1))
            return isTooLarge ? .max : total
        }
    }

    /// The first place in a tree that leads to files elsewhere: a link to a directory, or a directory of another file system.
    static func placeElsewhere(_ path: String, depth: Int = 0) -> String? {
        var (status, parent, target) = (stat(), stat(), stat())
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        guard depth < deepest else { return path }
        guard lstat(path, &status) == 0, stat(folder, &parent) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFLNK: return stat(path, &target) == 0 && target.st_mode & S_IFMT == S_IFDIR ? path : nil
        case S_IFDIR where status.st_dev == parent.st_dev:
            for name in SmallFile.names(in: path) ?? [] {
                if let found = placeElsewhere("\(path)/\(name)", depth: depth + 1) { return found }
            }
            return nil
        // A directory of the same device is one of the same file system; on overlayfs its files say nothing about that.
        case S_IFDIR: return path
        default: return nil
        }
    }

    private static func copyLink(_ source: String, to target: String) throws {
        var place = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink(source, &place, place.count - 1)
        guard count > 0, symlink(place, target) == 0 else { throw failure() }
    }

    private static func copyContents(_ source: String, to target: String, mode: mode_t) throws {
        let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw failure() }
        defer { close(input) }
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard output >= 0 else { throw failure() }
        do {
            try withUnsafeTemporaryAllocation(byteCount: 262_144, alignment: 16) { buffer in
                while true {
                    let count = read(input, buffer.baseAddress, buffer.count)
                    if count < 0, errno == EINTR { continue }
                    guard count >= 0 else { throw failure() }
                    guard count > 0 else { return }
                    try write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: output)
                }
            }
        } catch {
            close(output)
            throw error
        }
        guard close(output) == 0 else { throw failure() }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure() }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    private static func failure() -> POSIXError {
        POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
}
