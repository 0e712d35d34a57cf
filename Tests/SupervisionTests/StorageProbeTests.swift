import Glibc
import Synchronization
import Systemd
import Testing
import Wire

@testable import Supervision

@Suite("Whether storage still takes something")
struct StorageProbeTests {
    private static func folder() throws -> String {
        var template = Array("/tmp/sipcall-storage-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func code(_ outcome: Watchdog.Outcome) -> String? {
        if case .failed(let problem) = outcome { problem.code } else { nil }
    }

    @Test("A healthy directory passes again and again and holds one small file")
    func healthy() throws {
        let folder = try Self.folder()
        for _ in 0..<3 { #expect(StorageProbe.write(in: folder) == .passed) }
        #expect(access("\(folder)/storage-probe", R_OK) == 0)
        #expect(access("\(folder)/storage-probe.new", F_OK) != 0)
        unlink("\(folder)/storage-probe")
        rmdir(folder)
    }

    @Test("A directory that is gone, and one that a file stands in for, fail with a reason and leave nothing")
    func failing() throws {
        #expect(Self.code(StorageProbe.write(in: "/nowhere/at/all")) == "storage.failing")
        #expect(Self.code(StorageProbe.write(in: "/etc/hostname")) == "storage.failing")
    }

    @Test("A full file system fails as full, and passes once there is room", .enabled(if: getuid() == 0))
    func full() throws {
        let folder = try Self.folder()
        guard mount("none", folder, "tmpfs", 0, "size=64k") == 0 else {
            print("StorageProbeTests: nothing can be mounted here; a full disk was not tried")
            rmdir(folder)
            return
        }
        defer {
            umount(folder)
            rmdir(folder)
        }
        #expect(StorageProbe.write(in: folder) == .passed)
        let filler = open("\(folder)/filler", O_WRONLY | O_CREAT, 0o600)
        let block = [UInt8](repeating: 1, count: 4096)
        while write(filler, block, block.count) > 0 {}
        close(filler)
        for _ in 0..<2 { #expect(Self.code(StorageProbe.write(in: folder)) == "storage.full") }
        unlink("\(folder)/filler")
        #expect(StorageProbe.write(in: folder) == .passed)
        try #require(mount("none", folder, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
        #expect(Self.code(StorageProbe.write(in: folder)) == "storage.read-only")
    }

    @Test("The answer comes from the probe's own thread, to each who asked")
    func ownThread() async throws {
        let folder = try Self.folder()
        let probe = try StorageProbe.start(directory: folder)
        let caller = pthread_self()
        for _ in 0..<2 {
            let (outcome, thread) = await withCheckedContinuation { continuation in
                probe.ask { continuation.resume(returning: ($0, pthread_self())) }
            }
            #expect(outcome == .passed && thread != caller)
        }
        unlink("\(folder)/storage-probe")
        rmdir(folder)
    }
}
