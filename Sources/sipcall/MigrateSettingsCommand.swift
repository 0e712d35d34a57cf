import Appliance
import ArgumentParser
import Glibc
import Settings
import Wire

/// `sipcall migrate-settings`: writes the configuration file in this version's form and keeps the former one beside it.
/// `sipcall settle` does it after an upgrade, once the new version has served with the file as it was.
struct MigrateSettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate-settings", abstract: "Write the configuration file in the form of this version.",
        shouldDisplay: false)

    @OptionGroup var box: BoxOptions

    func run() throws { try Self.migrate(box) }

    static func migrate(_ box: BoxOptions) throws {
        let path = box.configurationFile
        var status = stat()
        guard stat(path, &status) == 0, let text = readText(path) else { return }
        let schema = SettingsSchema.ofThisBuild
        guard let migrated = try schema.migrated(text, file: path) else { return }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        // What is written must be readable: otherwise the file stays, which is read as it is.
        _ = try BoxSettings(
            toml: migrated, file: path, presets: .installed(beside: folder), schema: schema,
            readSecret: { _ in "-" })
        let copy = "\(path).before-schema-\(schema.current)"
        guard write(text, to: copy, like: status), write(migrated, to: path, like: status) else {
            throw Problem(
                code: "settings.not-migrated",
                sentence: "\(path) could not be written in the new form: \(systemMessage(errno)). It is read as it is.",
                remedy: "See that the disk has room and is not read-only, then run: sipcall migrate-settings")
        }
        StandardStream.output.write(line: "The settings are in form \(schema.current) now; the former file is \(copy).")
    }

    /// Replaces a file whole, with the owner and mode of the former one from the beginning: nobody else reads it meanwhile.
    private static func write(_ text: String, to path: String, like status: stat) -> Bool {
        let new = "\(path).new"
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return false }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        let isWhole =
            rest.isEmpty && fchown(descriptor, status.st_uid, status.st_gid) == 0
            && fchmod(descriptor, status.st_mode & 0o777) == 0 && fsync(descriptor) == 0
        let reason = errno
        guard close(descriptor) == 0, isWhole, rename(new, path) == 0 else {
            if !isWhole { errno = reason }
            let kept = errno
            unlink(new)
            errno = kept
            return false
        }
        sync()
        return true
    }
}
