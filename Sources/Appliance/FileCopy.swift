import Foundation
import Glibc

/// Copies files and directories of this user's own: contents and modes, nothing else.
///
/// Not `FileManager.copyItem`, which also wants to give copies their owner (a call that the units' sandboxes refuse) and fails with
/// empty files.
enum FileCopy {
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
        default:
            // A socket or a link is no data.
            break
        }
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
