import Foundation
import Ledger
import Sealing
package import Wire

/// Where backups are kept: `sipcall-20261126T021233Z.tar.zst.age`, a note beside each, and the erasure list.
package struct BackupFolder: Sendable {
    /// What stands beside a backup, in clear: nothing that the file's name and size do not tell as well.
    package struct Note: Codable, Sendable, Equatable {
        package var created: WallTime
        package var version: String
        package var size: Int
        package var sha256: String
        /// When it was unpacked and found whole.
        package var proven: WallTime
    }

    /// What ``make(staging:handover:work:manifest:masterKey:recipient:say:)`` has made.
    package struct Made: Sendable {
        package var path: String
        /// Where an erasure list was put that is not this box's, or damaged, and lay in the place of its own.
        package var movedErasures: String?
    }

    package static let erasures = "erasures"
    private static let ending = ".tar.zst.age"

    package let directory: String

    package init(_ directory: String) {
        self.directory = directory
    }

    /// Packs, proves, and only then gives the backup its name. What fails leaves nothing behind.
    ///
    /// - Parameters:
    ///   - staging: everything but `web/`; see ``BackupArchive``.
    ///   - work: a directory that nobody but this user may enter: everything is unpacked there, readable for whoever could.
    ///   - say: one line of progress at a time.
    package func make(
        staging: String, handover: String, work: String, manifest: BackupManifest, masterKey: Redacted<[UInt8]>,
        recipient: String, say: (String) -> Void
    ) throws(Problem) -> Made {
        let stamp = manifest.created.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
        let path = "\(directory)/sipcall-\(stamp)\(Self.ending)"
        let (unfinished, scratch) = ("\(path).new", "\(work)/scratch")
        let size = FileTree.size(of: staging) + FileTree.size(of: handover)
        // The file, at worst as large as what is in it, and all of it unpacked: on one disk or on two.
        try FileTree.requireRoom(FileTree.areOnOneDisk(directory, work) ? 2 * size : size, in: directory)
        try FileTree.requireRoom(size, in: work)
        defer {
            unlink(unfinished)
            FileTree.remove(scratch)
        }
        // Opens this backup to prove it, and is known to nobody afterwards.
        let once = RecoveryKey()
        var shown = 0
        try BackupArchive.pack(
            staging, handover: handover, manifest: manifest, masterKey: masterKey,
            recipients: [recipient, once.ageRecipient], to: unfinished
        ) { bytes in
            guard bytes >= shown + 16 << 20 else { return }
            shown = bytes
            say("Packing: \(bytes >> 20) MB of at most \(size >> 20 + 1)")
        }
        say("Proving: unpacking it again")
        try FileTree.makeEmpty(scratch)
        let proven = try BackupArchive.unpack(unfinished, key: once, into: scratch)
        let moved = try UnpackedLedger.addErasures(
            of: "\(scratch)/web/ledger", keyring: proven.masterKeyring, to: "\(directory)/\(Self.erasures)")
        let file = try BackupManifest.file(unfinished)
        let note = Note(
            created: proven.manifest.created, version: proven.manifest.version, size: file.size, sha256: file.sha256,
            proven: .now())
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let text = try? encoder.encode(note) else { throw BackupProblem.damaged("its note") }
        try FileTree.write(Array(text) + [0x0a], to: Self.note(of: path))
        guard rename(unfinished, path) == 0 else {
            throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno))
        }
        FileTree.synchronise(directoryOf: path)
        return Made(path: path, movedErasures: moved)
    }

    /// Every erasure list in a directory: a box that was made anew has another one, and older backups need the former.
    package static func erasureLists(in directory: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.isEmpty ? "." : directory)) ?? []
        let folder = directory.isEmpty || directory.hasSuffix("/") ? directory : directory + "/"
        return names.filter { $0 == erasures || $0.hasPrefix("\(erasures)-") }.sorted().prefix(64).map { folder + $0 }
    }

    package static func note(of path: String) -> String { path.dropLast(ending.count) + ".json" }

    /// Backups with a note that fits, the newest first.
    package func proven() -> [(path: String, note: Note)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasPrefix("sipcall-") && $0.hasSuffix(Self.ending) }.compactMap { name in
            let path = "\(directory)/\(name)"
            var status = stat()
            guard let data = try? Data(contentsOf: URL(filePath: Self.note(of: path))),
                let note = try? JSONDecoder().decode(Note.self, from: data),
                lstat(path, &status) == 0, Int(status.st_size) == note.size
            else { return nil }
            return (path, note)
        }.sorted { $0.note.created > $1.note.created }
    }

    /// Removes what need not be kept; a backup that is not proven is left alone.
    ///
    /// - Returns: what was removed.
    package func prune() -> [String] {
        let all = proven()
        let expired = BackupRetention.expired(all.map(\.note.created))
        return all.filter { expired.contains($0.note.created) }.map { path, _ in
            unlink(path)
            unlink(Self.note(of: path))
            return path
        }
    }

    /// What a backup that was cut short has left: it has no name yet.
    package func removeUnfinished() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for name in names where name.hasPrefix("sipcall-") && name.hasSuffix("\(Self.ending).new") {
            unlink("\(directory)/\(name)")
        }
    }

    /// Runs what lies in a directory, in the order of names, as run-parts(8) does: executable, and a name of letters, digits,
    /// `_` and `-`. Each is told the backup, its note and the erasure list.
    ///
    /// - Returns: those that failed; a missing directory is an empty one.
    package func runHooks(in hooks: String, for path: String) -> [Problem] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: hooks)) ?? []).sorted()
        var failed: [Problem] = []
        for name in names
        where name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }) {
            let program = "\(hooks)/\(name)"
            guard access(program, X_OK) == 0 else { continue }
            let home = FileManager.default.homeDirectoryForCurrentUser.path
            var pipeline = ChildPipeline(children: [
                .init(program: program, arguments: [path, Self.note(of: path), "\(directory)/\(Self.erasures)"])
            ])
            pipeline.environment.append("HOME=\(home)")
            do throws(Problem) {
                guard let failure = try pipeline.run().failures.first else { continue }
                failed.append(BackupProblem.hookFailed(name, failure.said))
            } catch {
                failed.append(BackupProblem.hookFailed(name, error.sentence))
            }
        }
        return failed
    }
}

/// Held while a backup or a restore is under way.
package final class BackupLock: Sendable {
    private let descriptor: CInt

    /// - Throws: `backup.under-way`, `backup.cannot-write`.
    package init(_ path: String) throws(Problem) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw BackupProblem.cannotWrite(path, ChildPipeline.message(errno)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw BackupProblem.underWay
        }
    }

    deinit { close(descriptor) }
}
