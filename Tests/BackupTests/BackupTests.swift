import Foundation
import Ledger
import Sealing
import Testing
import Wire

@testable import Backup

/// A box's files in a directory of their own, gone with the test.
private final class Shelf {
    let path = "/tmp/sipcall-backup-\(UUID().uuidString)"
    let keyring = MasterKeyring()
    let recovery = RecoveryKey()

    init() throws { try FileTree.makeEmpty(path) }

    deinit { FileTree.remove(path) }

    /// - Returns: the path of a proven backup of a small ledger.
    func backup(_ say: (String) -> Void = { _ in }) async throws -> String {
        let store = try await LedgerStore.open(LedgerSettings(directory: "\(path)/ledger"), keyring: keyring)
        _ = try await store.note(
            AuditEntry(time: .now(), actor: Redacted("a"), action: "b", detail: Redacted("c")))
        for folder in ["handover/web/ledger", "staging/core", "staging/settings", "staging/credentials", "backups"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        try Data("users".utf8).write(to: URL(filePath: "\(path)/handover/web/admin.json"))
        try Data("[sip]".utf8).write(to: URL(filePath: "\(path)/staging/settings/sipcall.toml"))
        let snapshot = try await store.snapshot(into: "\(path)/handover/web/ledger")
        #expect(snapshot.auditHead.sequence == 1)
        let manifest = BackupManifest(
            version: "test", created: .now(), host: "box", ledger: snapshot, spoolEmptied: true)
        try FileTree.makeEmpty("\(path)/work")
        return try BackupFolder("\(path)/backups").make(
            staging: "\(path)/staging", handover: "\(path)/handover", work: "\(path)/work", manifest: manifest,
            masterKey: keyring.file, recipient: recovery.ageRecipient, say: say
        ).path
    }

    func shell(_ command: String) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command]
        process.currentDirectoryURL = URL(filePath: path)
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

@Suite("A backup opens with standard tools, and for its key alone", .serialized)
struct BackupTests {
    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? Problem)?.code
        }
    }

    @Test("Three shell commands open it, and nothing in it is the master key in the clear")
    func threeCommands() async throws {
        let shelf = try Shelf()
        let file = try await shelf.backup()
        try Data(shelf.recovery.ageIdentity.revealed.utf8).write(to: URL(filePath: "\(shelf.path)/key"))
        #expect(
            try shelf.shell(
                "age -d -i key '\(file)' > b.tar.zst && zstd -qd b.tar.zst && mkdir x && tar -xf b.tar -C x") == 0)
        #expect(try String(contentsOfFile: "\(shelf.path)/x/web/admin.json", encoding: .utf8) == "users")
        #expect(try shelf.shell("grep -rq sipcall-master-1 x") == 1)
        #expect(try shelf.shell("age -d -i key x/master.key.age | grep -q sipcall-master-1") == 0)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("What is unpacked is what was packed, and nothing else lies beside the backup")
    func unpacked() async throws {
        let shelf = try Shelf()
        try FileTree.makeEmpty("\(shelf.path)/backups")
        try FileTree.write([1], to: "\(shelf.path)/backups/scratch")
        let file = try await shelf.backup { _ in
            // What is in it lies in the clear where nobody else may enter, and nowhere else.
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(shelf.path)/backups")) ?? []
            #expect(names.allSatisfy { $0.hasSuffix(".age.new") || $0 == "scratch" }, "\(names)")
            let mode = try? FileManager.default.attributesOfItem(atPath: "\(shelf.path)/work")[.posixPermissions]
            #expect(mode as? Int == 0o700)
        }
        try FileTree.makeEmpty("\(shelf.path)/y")
        let proven = try BackupArchive.unpack(file, key: shelf.recovery, into: "\(shelf.path)/y")
        #expect(proven.masterKeyring == shelf.keyring)
        #expect(proven.manifest.files["web/ledger/audit.sqlite"] != nil)
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(shelf.path)/backups").sorted()
        let name = String(file.split(separator: "/").last ?? "")
        #expect(names == ["erasures", "scratch", name, name.dropLast(12) + ".json"].sorted())
        #expect(BackupFolder("\(shelf.path)/backups").proven().map(\.path) == [file])
    }

    @Test("A wrong key, a file cut off anywhere and any altered part are told apart from a whole backup")
    func damaged() async throws {
        let shelf = try Shelf()
        let file = try await shelf.backup()
        func attempt(_ file: String, _ key: RecoveryKey) -> String? {
            code {
                try FileTree.makeEmpty("\(shelf.path)/z")
                _ = try BackupArchive.unpack(file, key: key, into: "\(shelf.path)/z")
            }
        }
        #expect(attempt(file, shelf.recovery) == nil)
        #expect(attempt(file, RecoveryKey()) == "backup.wrong-key")
        #expect(attempt(shelf.path + "/none", shelf.recovery) == "backup.not-found")
        let whole = try Data(contentsOf: URL(filePath: file))
        let other = "\(shelf.path)/other"
        for part in 0..<12 {
            let place = whole.count * part / 12
            try whole.prefix(place).write(to: URL(filePath: other))
            #expect(attempt(other, shelf.recovery) != nil, "cut at \(place)")
            var altered = whole
            altered[place] ^= 1
            try altered.write(to: URL(filePath: other))
            #expect(attempt(other, shelf.recovery) != nil, "altered at \(place)")
        }
    }

    @Test("Copies are compared with the manifest: altered, missing, one too many, a link")
    func compared() throws {
        let shelf = try Shelf()
        let folder = "\(shelf.path)/c"
        try FileTree.makeEmpty(folder)
        try FileTree.write(Array("a".utf8), to: "\(folder)/a")
        var manifest = BackupManifest(
            version: "t", created: .now(), host: "h", ledger: LedgerStore.Snapshot(), spoolEmptied: true)
        manifest.files = try BackupManifest.files(in: folder)
        #expect(code { try manifest.compare(with: folder) } == nil)
        try FileTree.write(Array("b".utf8), to: "\(folder)/b")
        #expect(code { try manifest.compare(with: folder) } == "backup.damaged")
        unlink("\(folder)/b")
        symlink("/etc/passwd", "\(folder)/b")
        #expect(code { try manifest.compare(with: folder) } == "backup.damaged")
        unlink("\(folder)/b")
        try FileTree.write(Array("x".utf8), to: "\(folder)/a")
        #expect(code { try manifest.compare(with: folder) } == "backup.damaged")
        unlink("\(folder)/a")
        #expect(code { try manifest.compare(with: folder) } == "backup.damaged")
    }

    @Test("Links are passed over and named; the mode of a copy gives nobody another's rights")
    func links() throws {
        let shelf = try Shelf()
        try FileTree.makeEmpty("\(shelf.path)/s")
        try FileTree.makeEmpty("\(shelf.path)/s/below")
        try FileTree.write([1], to: "\(shelf.path)/s/a", mode: 0o4755)
        symlink("/etc/passwd", "\(shelf.path)/s/below/link")
        let passed = try FileTree.copy("\(shelf.path)/s", to: "\(shelf.path)/t", deep: true)
        #expect(passed == ["\(shelf.path)/s/below/link"])
        let mode = try FileManager.default.attributesOfItem(atPath: "\(shelf.path)/t/a")[.posixPermissions] as? Int
        #expect(mode == 0o755)
        symlink("/etc", "\(shelf.path)/w")
        try FileTree.makeEmpty("\(shelf.path)/w")
        var status = stat()
        #expect(lstat("\(shelf.path)/w", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR)
    }

    @Test("A manifest that leads elsewhere, counts beyond reason or writes to the terminal is refused")
    func hostile() throws {
        let shelf = try Shelf()
        let hash = String(repeating: "a", count: 64)
        let changes: [(inout BackupManifest) -> Void] = [
            { $0.ledger.rows["../../etc/passwd.sqlite"] = 1 }, { $0.ledger.rows["a/b.sqlite"] = 1 },
            { $0.ledger.rows["a"] = 1 }, { $0.ledger.rows["a.sqlite"] = -1 },
            { ($0.ledger.rows["a.sqlite"], $0.ledger.rows["b.sqlite"]) = (.max, .max) },
            { $0.host = "\u{1b}[2Jbox" }, { $0.host = "a\u{202e}b" },
            { $0.version = String(repeating: "9", count: 65) },
            { $0.files["../x"] = .init(size: 1, sha256: hash) }, { $0.files["/x"] = .init(size: 1, sha256: hash) },
            { $0.files["x"] = .init(size: .min, sha256: hash) }, { $0.files["x"] = .init(size: 1, sha256: "zz") },
            { $0.ledger.auditHead.sequence = -1 },
            { $0.created = WallTime(milliseconds: .max) },
        ]
        for (index, change) in changes.enumerated() {
            var manifest = BackupManifest(
                version: "t", created: .now(), host: "h", ledger: LedgerStore.Snapshot(), spoolEmptied: true)
            manifest.files["a"] = .init(size: 1, sha256: hash)
            try FileTree.write(Array(manifest.encoded), to: "\(shelf.path)/\(BackupManifest.name)")
            #expect(code { _ = try BackupManifest.read(in: shelf.path) } == nil)
            change(&manifest)
            try FileTree.write(Array(manifest.encoded), to: "\(shelf.path)/\(BackupManifest.name)")
            #expect(code { _ = try BackupManifest.read(in: shelf.path) } == "backup.damaged", "\(index)")
        }
    }

    @Test("What a program says is kept up to a bound, and does not stop it however much it is")
    func talkative() throws {
        let talker = ChildPipeline(children: [
            .init(program: "sh", arguments: ["-c", "head -c 30000000 /dev/zero | tr '\\0' x >&2; exit 3"])
        ])
        let failure = try #require(try talker.run().failures.first)
        #expect(failure.said.utf8.count == 64 * 1024)
        let endless = ChildPipeline(
            children: [.init(program: "cat", arguments: ["/dev/zero"])], output: .memory, patience: .seconds(30))
        #expect(code { _ = try endless.run() } == "backup.tool-failed")
        let large = ChildPipeline(
            children: [.init(program: "cat", arguments: [])], input: [UInt8](repeating: 7, count: 32_768),
            output: .memory)
        #expect(try large.run().output.count == 32_768)
    }

    @Test("The verdict tells age and fault of the last backup; a failure does not forget when one was proven")
    func verdict() throws {
        let shelf = try Shelf()
        #expect(BackupVerdict.last(in: shelf.path) == nil)
        BackupVerdict.note(nil, isProven: true, in: shelf.path)
        let proven = try #require(BackupVerdict.last(in: shelf.path)?.proven)
        BackupVerdict.note(BackupProblem.underWay, isProven: false, in: shelf.path)
        let last = try #require(BackupVerdict.last(in: shelf.path))
        #expect(last.problem == BackupProblem.underWay && last.proven == proven)
        let mode = try FileManager.default.attributesOfItem(atPath: "\(shelf.path)/backup.json")[.posixPermissions]
        #expect(mode as? Int == 0o644)
    }

    @Test("Hooks run in the order of their names with the backup's path; one that fails is named, the others run")
    func hooks() throws {
        let shelf = try Shelf()
        try FileTree.makeEmpty("\(shelf.path)/d")
        for (name, text) in [
            ("10-bad", "echo no >&2; exit 3"), ("20-good", "echo $1 > \(shelf.path)/ran"), ("x.sh", "exit 9"),
        ] {
            try FileTree.write(Array("#!/bin/sh\n\(text)\n".utf8), to: "\(shelf.path)/d/\(name)", mode: 0o700)
        }
        let failed = BackupFolder(shelf.path).runHooks(in: "\(shelf.path)/d", for: "/b.tar.zst.age")
        #expect(failed == [BackupProblem.hookFailed("10-bad", "no")])
        #expect(try String(contentsOfFile: "\(shelf.path)/ran", encoding: .utf8) == "/b.tar.zst.age\n")
        #expect(BackupFolder(shelf.path).runHooks(in: "/nowhere", for: "/b").isEmpty)
    }

    @Test("A box that is restored from a backup without the mark of its owner has it, and has decided nothing")
    func claimed() async throws {
        let shelf = try Shelf()
        let file = try await shelf.backup()
        let state = "\(shelf.path)/state"
        try FileTree.makeEmpty(state)
        for name in ["settled", "schema"] { try FileTree.write(Array("2\n".utf8), to: "\(state)/\(name)") }
        let places = Restoration.Places(state: state, settings: [:], credentials: nil)
        let restoration = try Restoration(file, key: shelf.recovery, places: places)
        #expect(restoration.accounts == nil)
        try restoration.markClaimed()
        #expect(!FileTree.exists("\(state)/core") && FileTree.exists("\(state)/settled"))
        _ = try restoration.carryOut(owners: nil, stamp: "now")
        #expect(FileTree.exists("\(state)/core/claimed") && FileTree.exists("\(state)/web/admin.json"))
        #expect(!FileTree.exists("\(state)/settled") && !FileTree.exists("\(state)/schema"))
    }

    @Test("Programs that are missing, fail or do not end are errors, and none stays behind")
    func children() throws {
        #expect(
            code { _ = try ChildPipeline(children: [.init(program: "no-such-program", arguments: [])]).run() }
                == "backup.tool-missing")
        let failing = ChildPipeline(children: [
            .init(program: "cat", arguments: ["/dev/zero"]), .init(program: "false", arguments: []),
        ])
        #expect(try failing.run().failures.map(\.program) == ["false"])
        let begin = ContinuousClock.now
        let endless = ChildPipeline(
            children: [.init(program: "sleep", arguments: ["60"])], patience: .milliseconds(100))
        #expect(code { _ = try endless.run() } == "backup.too-long")
        #expect(ContinuousClock.now - begin < .seconds(30))
        let echo = ChildPipeline(
            children: [.init(program: "cat", arguments: []), .init(program: "cat", arguments: [])], input: [1, 2],
            output: .memory)
        #expect(try echo.run().output == [1, 2])
    }
}

@Suite("Which backups are kept")
struct BackupRetentionTests {
    private static func days(_ days: Int64, hours: Int64 = 3) -> WallTime {
        WallTime(milliseconds: WallTime.earliest.milliseconds + days * 86_400_000 + hours * 3_600_000)
    }

    @Test("Two years of daily backups leave 7 days, 4 weeks and 12 months")
    func years() {
        var kept: [WallTime] = []
        for day in 0..<730 {
            kept.append(Self.days(Int64(day)))
            let expired = BackupRetention.expired(kept)
            #expect(!expired.contains(Self.days(Int64(day))), "the newest stays")
            kept.removeAll { expired.contains($0) }
        }
        #expect(kept.suffix(7) == (723..<730).map { Self.days($0) })
        #expect((19...23).contains(kept.count), "\(kept.count)")
        #expect(Set(kept.map { $0.description.prefix(7) }).count >= 12)
    }

    @Test("Of one day the newest stays; a gap costs nothing; nothing to keep is nothing to remove")
    func edges() {
        #expect(BackupRetention.expired([]) == [])
        #expect(BackupRetention.expired([Self.days(0, hours: 1), Self.days(0, hours: 2)]) == [Self.days(0, hours: 1)])
        let rare = (0..<7).map { Self.days(Int64($0) * 400) }
        #expect(BackupRetention.expired(rare) == [])
    }
}

@Suite("A restore that is broken off leaves old or new, never a mixture that starts")
struct DirectorySwapTests {
    /// Two directories in use and two to take their places, wherever those lie.
    private struct Stage {
        let shelf: Shelf
        let items: [DirectorySwap.Item]
        var state: String { shelf.path }

        init(new: (String) -> String) throws {
            shelf = try Shelf()
            let state = shelf.path
            items = ["web", "core"].map {
                DirectorySwap.Item(
                    new: new("\(state)/.restore/\($0)"), target: "\(state)/\($0)", kept: "\(state)/kept/\($0)")
            }
            for (folder, text) in items.flatMap({ [($0.target, "old"), ($0.new, "new")] }) {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try FileTree.write(Array(text.utf8), to: "\(folder)/file")
            }
            try FileTree.makeDirectory("\(state)/kept")
        }

        func breakOff(after renames: Int) throws {
            try FileTree.write(Array(JSONEncoder().encode(DirectorySwap(items))), to: DirectorySwap.note(in: state))
            let steps = items.flatMap { [($0.target, $0.kept), ($0.new, $0.target)] }
            for (from, to) in steps.prefix(renames) { #expect(rename(from, to) == 0) }
        }

        func expect(_ text: String, in paths: [String]) throws {
            for path in paths { #expect(try String(contentsOfFile: "\(path)/file", encoding: .utf8) == text) }
        }
    }

    @Test("Killed after any rename, it is finished by the next one", arguments: 0...4)
    func brokenOff(after renames: Int) throws {
        let stage = try Stage { $0 }
        try stage.breakOff(after: renames)
        for name in ["settled", "schema"] { try FileTree.write(Array("2\n".utf8), to: "\(stage.state)/\(name)") }
        // What is to come is not thrown away while it is needed.
        Restoration.discard(in: stage.state)
        #expect(try DirectorySwap.finish(stage.state))
        try stage.expect("new", in: stage.items.map(\.target))
        try stage.expect("old", in: stage.items.map(\.kept))
        #expect(!FileTree.exists(DirectorySwap.note(in: stage.state)))
        // Made about the data before.
        for name in ["settled", "schema"] { #expect(!FileTree.exists("\(stage.state)/\(name)")) }
        #expect(try !DirectorySwap.finish(stage.state))
        Restoration.discard(in: stage.state)
        #expect(!FileTree.exists("\(stage.state)/.restore"))
    }

    @Test(
        "A boot in between has made the directory anew, empty or not: it is finished all the same",
        arguments: [false, true])
    func recreated(isFilled: Bool) throws {
        let stage = try Stage { $0 }
        try stage.breakOff(after: 1)
        try FileTree.makeEmpty(stage.items[0].target)
        if isFilled { try FileTree.write([1], to: "\(stage.items[0].target)/since") }
        #expect(try DirectorySwap.finish(stage.state))
        try stage.expect("new", in: stage.items.map(\.target))
        try stage.expect("old", in: stage.items.map(\.kept))
        #expect(FileTree.exists("\(stage.items[0].kept).since-1/since") == isFilled)
    }

    @Test("A rename that is refused takes all of them back, and the box starts", arguments: 0...2)
    func refused(after renames: Int) throws {
        // Of another file system: EXDEV, as a mounted disk gives EBUSY.
        let elsewhere = "/dev/shm/sipcall-\(UUID().uuidString)"
        defer { FileTree.remove(elsewhere) }
        let stage = try Stage { $0.hasSuffix("core") ? elsewhere : $0 }
        try #require(!FileTree.areOnOneDisk(elsewhere, stage.state), "/dev/shm is a file system of its own")
        try stage.breakOff(after: renames)
        #expect {
            try DirectorySwap.finish(stage.state)
        } throws: { error in
            (error as? Problem)?.code == "restore.not-exchanged"
        }
        try stage.expect("old", in: stage.items.map(\.target))
        try stage.expect("new", in: stage.items.map(\.new))
        #expect(!FileTree.exists(DirectorySwap.note(in: stage.state)))
    }
}
