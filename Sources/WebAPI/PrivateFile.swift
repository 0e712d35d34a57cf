import FoundationEssentials
import Glibc

/// Files that only their owner may read.
enum PrivateFile {
    /// Replaces a file whole or not at all, readable by its owner only from the first moment.
    ///
    /// - Parameter isDurable: false for what may be lost with the power; a disk that stalls is not waited for then.
    static func write(_ data: Data, to path: String, isDurable: Bool = true) throws {
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let unfinished = path + ".new"
        unlink(unfinished)
        let descriptor = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemFailure(errno) }
        defer { close(descriptor) }
        let written = data.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == data.count, !isDurable || fsync(descriptor) == 0, rename(unfinished, path) == 0 else {
            let failure = SystemFailure(written < 0 || written == data.count ? errno : ENOSPC)
            unlink(unfinished)
            throw failure
        }
    }
}

/// What the kernel said, in words.
struct SystemFailure: Error, CustomStringConvertible {
    let description: String

    init(_ number: Int32) {
        description = strerror(number).map { String(cString: $0) } ?? "error \(number)"
    }
}
