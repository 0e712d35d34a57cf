import Foundation
import Ledger
package import Sealing
package import Wire

/// The file itself: tar, zstd and age, in and out.
///
/// `age -d -i KEY FILE | zstd -d | tar -x` opens it without this program.
package enum BackupArchive {
    /// A backup that was unpacked, compared with its manifest and found whole.
    package struct Proven: Sendable {
        package var manifest: BackupManifest
        package var masterKeyring: MasterKeyring
    }

    /// Packs a directory, which holds everything but `web/`.
    ///
    /// - Parameters:
    ///   - directory: where the manifest is written into.
    ///   - handover: holds `web`.
    ///   - recipients: age's public keys; each opens the file alone.
    ///   - file: made anew (0600), durable when this returns.
    ///   - progress: bytes written so far.
    package static func pack(
        _ directory: String, handover: String, manifest: BackupManifest, masterKey: Redacted<[UInt8]>,
        recipients: [String], to file: String, progress: (Int) -> Void
    ) throws(Problem) {
        let to = recipients.flatMap { ["-r", $0] }
        let envelope = ChildPipeline(
            children: [.init(program: "age", arguments: to)], input: masterKey.revealed, output: .memory,
            patience: .seconds(60))
        let wrapped = try envelope.run()
        if let failure = wrapped.failures.first { throw BackupProblem.toolFailed(failure.program, failure.said) }
        try FileTree.write(wrapped.output, to: "\(directory)/\(BackupManifest.masterKey)")
        var manifest = manifest
        manifest.files = try BackupManifest.files(in: directory)
        for (path, found) in try BackupManifest.files(in: "\(handover)/web") { manifest.files["web/\(path)"] = found }
        try FileTree.write(Array(manifest.encoded), to: "\(directory)/\(BackupManifest.name)")

        unlink(file)
        let descriptor = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw BackupProblem.cannotWrite(file, ChildPipeline.message(errno)) }
        defer { close(descriptor) }
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
        let rest = names.filter { $0 != BackupManifest.name }
        let pipeline = ChildPipeline(
            children: [
                .init(
                    program: "tar",
                    arguments: ["-cf", "-", "-C", directory, BackupManifest.name] + rest + ["-C", handover, "web"]),
                .init(program: "zstd", arguments: ["-q", "-c"]),
                .init(program: "age", arguments: to),
            ], output: .file(descriptor))
        let ending = try pipeline.run { () throws(Problem) in
            var status = stat()
            if fstat(descriptor, &status) == 0 { progress(Int(status.st_size)) }
            try FileTree.requireRoom(0, in: directory)
        }
        if let failure = ending.failures.first { throw BackupProblem.toolFailed(failure.program, failure.said) }
        guard fsync(descriptor) == 0 else { throw BackupProblem.cannotWrite(file, ChildPipeline.message(errno)) }
    }

    /// Unpacks into an empty directory, compares every file, checks every database, opens every key.
    ///
    /// - Throws: `backup.wrong-key`, `backup.damaged`, `backup.newer`, `backup.no-room`, and what the ledger finds.
    package static func unpack(
        _ file: String, key: RecoveryKey, into directory: String
    ) throws(Problem) -> Proven {
        guard FileTree.exists(file) else { throw BackupProblem.notFound(file) }
        let identity = Array((key.ageIdentity.revealed + "\n").utf8)
        let pipeline = ChildPipeline(
            children: [
                .init(program: "age", arguments: ["-d", "-i", "-", file]),
                .init(program: "zstd", arguments: ["-q", "-d", "-c"]),
                .init(program: "tar", arguments: ["-xpf", "-", "-C", directory]),
            ], input: identity)
        let ending = try pipeline.run { () throws(Problem) in try FileTree.requireRoom(0, in: directory) }
        if let failure = ending.failures.first { throw reason(failure) }
        let manifest = try BackupManifest.read(in: directory)
        try manifest.compare(with: directory)
        let ledger = "\(directory)/web/ledger"
        for (name, rows) in manifest.ledger.rows.sorted(by: { $0.key < $1.key }) {
            guard try LedgerCopy.check("\(ledger)/\(name)") == rows else {
                throw BackupProblem.damaged("\(name) has another number of rows")
            }
        }
        let envelope = ChildPipeline(
            children: [
                .init(program: "age", arguments: ["-d", "-i", "-", "\(directory)/\(BackupManifest.masterKey)"])
            ],
            input: identity, output: .memory, patience: .seconds(60))
        let opened = try envelope.run()
        if let failure = opened.failures.first { throw reason(failure) }
        let keyring = try MasterKeyring(file: Redacted(opened.output))
        try UnpackedLedger.verify(ledger, keyring: keyring, auditHead: manifest.ledger.auditHead)
        return Proven(manifest: manifest, masterKeyring: keyring)
    }

    /// age says in words whether it was the key.
    private static func reason(_ failure: ChildPipeline.Failure) -> Problem {
        if failure.program == "age", failure.said.contains("no identity matched") { return BackupProblem.wrongKey }
        return BackupProblem.damaged("\(failure.program) says: \(failure.said)")
    }
}
