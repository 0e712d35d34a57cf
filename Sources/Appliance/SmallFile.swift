import Glibc

/// Files of a few kilobytes: read with a bound, replaced whole (rename(2)), readable by this user alone unless asked otherwise.
package enum SmallFile {
    /// - Returns: nil when it is missing, cannot be read, or is longer than `limit` bytes; `errno` says which.
    package static func read(_ path: String, atMost limit: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
        errno = EFBIG
        return nil
    }

    static func text(_ path: String, atMost limit: Int) -> String? {
        read(path, atMost: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// - Parameters:
    ///   - durable: whether it must be on the disk when this returns.
    ///   - mode: whatever the process's mask says.
    /// - Returns: false when the disk refuses; what stood there before is untouched then.
    package static func replace(_ path: String, with bytes: [UInt8], durable: Bool, mode: UInt32 = 0o600) -> Bool {
        let new = "\(path).new"
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let isWhole = rest.isEmpty && fchmod(descriptor, mode) == 0 && (!durable || fsync(descriptor) == 0)
        guard close(descriptor) == 0, isWhole, rename(new, path) == 0 else {
            unlink(new)
            return false
        }
        if durable { synchronize(folderOf: path) }
        return true
    }

    /// Makes a rename in this folder last.
    static func synchronize(folderOf path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// - Returns: the names in a folder but `.` and `..`, sorted; nil when it cannot be read.
    static func names(in folder: String) -> [String]? {
        guard let handle = opendir(folder) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { field in
                String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
