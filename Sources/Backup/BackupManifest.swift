import Crypto
import Foundation
package import Ledger
package import Wire

/// What a backup says of itself: `manifest.json`, the first file in it.
package struct BackupManifest: Codable, Sendable, Equatable {
    package struct File: Codable, Sendable, Equatable {
        package var size: Int
        /// SHA-256, 64 hexadecimal digits.
        package var sha256: String
    }

    package static let form = 1
    static let name = "manifest.json"
    static let masterKey = "master.key.age"

    package var form = BackupManifest.form
    /// Of the program that made it.
    package var version: String
    package var created: WallTime
    package var host: String
    package var ledger: LedgerStore.Snapshot
    /// Records that the core still had when the copy was made are not in it.
    package var spoolEmptied: Bool
    /// By their place in the backup: `web/ledger/box.key`.
    package var files: [String: File] = [:]

    package init(version: String, created: WallTime, host: String, ledger: LedgerStore.Snapshot, spoolEmptied: Bool) {
        (self.version, self.created, self.host) = (version, created, host)
        (self.ledger, self.spoolEmptied) = (ledger, spoolEmptied)
    }

    private struct Form: Decodable { var form: Int }

    /// - Throws: `backup.damaged`, `backup.newer`.
    static func read(in directory: String) throws(Problem) -> BackupManifest {
        var status = stat()
        guard lstat("\(directory)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= 64 << 20, let data = try? Data(contentsOf: URL(filePath: "\(directory)/\(name)")),
            let form = try? JSONDecoder().decode(Form.self, from: data)
        else { throw BackupProblem.damaged("it has no manifest") }
        guard form.form == BackupManifest.form else { throw BackupProblem.newer(form.form) }
        guard let manifest = try? JSONDecoder().decode(BackupManifest.self, from: data) else {
            throw BackupProblem.damaged("its manifest makes no sense")
        }
        if let reason = manifest.absurdity { throw BackupProblem.damaged("its manifest has \(reason)") }
        return manifest
    }

    /// Whoever has the recovery key's public half can write a manifest: nothing in it may lead out of the directory that it was
    /// unpacked into, or do more on a terminal than be read.
    private var absurdity: String? {
        func isPlain(_ text: String, atMost most: Int) -> Bool {
            text.utf8.count <= most
                && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control && !$0.isInvisible }
        }
        func isPath(_ path: String) -> Bool {
            isPlain(path, atMost: 1024)
                && path.split(separator: "/", omittingEmptySubsequences: false)
                    .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
        }
        let databases = ledger.rows.keys
        guard isPlain(version, atMost: 64), isPlain(host, atMost: 255) else { return "a name that is none" }
        guard created.isPlausible else { return "a time that is none" }
        guard files.keys.allSatisfy(isPath), files.count <= 100_000 else { return "a path that leads elsewhere" }
        guard
            databases.allSatisfy({ isPath($0) && !$0.contains("/") && $0.hasSuffix(".sqlite") }),
            databases.count <= 10_000
        else { return "a database that is none" }
        guard ledger.leftOut.allSatisfy({ isPath($0.key) && isPlain($0.value, atMost: 1024) }),
            ledger.leftOut.count <= 10_000
        else { return "a part that is none" }
        let numbers = Array(ledger.rows.values) + files.values.map(\.size)
        guard numbers.allSatisfy({ 0...(1 << 40) ~= $0 }), ledger.auditHead.sequence >= 0 else {
            return "a number that is none"
        }
        let hashes = files.values.map(\.sha256) + (ledger.auditHead.hash.isEmpty ? [] : [ledger.auditHead.hash])
        guard hashes.allSatisfy({ $0.utf8.count == 64 && $0.utf8.allSatisfy(Self.hexadecimalDigits.contains) }) else {
            return "a hash that is none"
        }
        return nil
    }

    private static let hexadecimalDigits = Set("0123456789abcdef".utf8)

    var encoded: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)) ?? Data()
    }

    /// Looks at every file below a directory.
    ///
    /// - Throws: `backup.damaged` for one that is missing, altered or one too many, or is no plain file.
    func compare(with directory: String) throws(Problem) {
        var found = try Self.files(in: directory)
        found[Self.name] = nil
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            guard let other = found.removeValue(forKey: path) else { throw BackupProblem.damaged("\(path) is missing") }
            guard other == file else { throw BackupProblem.damaged("\(path) was altered") }
        }
        if let path = found.keys.min() { throw BackupProblem.damaged("\(path) is not in the manifest") }
    }

    /// Every plain file below a directory, by its path from there.
    ///
    /// - Throws: `backup.damaged` for a link or anything else that is neither file nor directory.
    static func files(in directory: String) throws(Problem) -> [String: File] {
        var files: [String: File] = [:]
        guard let names = FileManager.default.enumerator(atPath: directory) else {
            throw BackupProblem.cannotWrite(directory, "it cannot be listed")
        }
        for case let path as String in names {
            var status = stat()
            guard lstat("\(directory)/\(path)", &status) == 0 else {
                throw BackupProblem.cannotWrite("\(directory)/\(path)", ChildPipeline.message(errno))
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: continue
            case S_IFREG: files[path] = try file("\(directory)/\(path)")
            default: throw BackupProblem.damaged("\(path) is no plain file")
            }
        }
        return files
    }

    /// Size and hash, read in parts.
    static func file(_ path: String) throws(Problem) -> File {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno)) }
        defer { close(descriptor) }
        var (hash, size) = (SHA256(), 0)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = Foundation.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno)) }
            if count == 0 { break }
            size += count
            buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
        }
        return File(size: size, sha256: hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }
}

extension Unicode.Scalar {
    /// Turns the direction of writing or hides itself: what is shown would not be what is there.
    fileprivate var isInvisible: Bool { properties.generalCategory == .format }
}
