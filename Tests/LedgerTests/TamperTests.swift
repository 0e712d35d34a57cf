import Foundation
import GRDB
import Sealing
import Testing
import Wire

@testable import Ledger

@Suite("Altered, torn and foreign files")
struct TamperTests {
    /// A small ledger at rest: everything in the database files, the logs empty.
    private func rested() async throws -> (TestLedger, [CallRecord]) {
        let place = try TestLedger()
        let store = try await place.open()
        try await store.file((0..<3).map { call($0) })
        _ = try await store.note(
            AuditEntry(time: hour(1), actor: Redacted("a"), action: "test.note", detail: Redacted("1")))
        let calls = try await store.all()
        return (place, calls)
    }

    /// What the ledger says: its calls, or that something is wrong.
    private func says(_ place: TestLedger) async -> [CallRecord]? {
        do {
            let store = try await place.open()
            let page = try await store.page(CallQuery())
            guard page.unreadable == 0, await store.verify().allSatisfy({ $0.problem == nil }) else { return nil }
            return page.calls
        } catch {
            return nil
        }
    }

    @Test("Every byte of every file: altered, it is noticed or changes nothing")
    func everyByte() async throws {
        let (place, calls) = try await rested()
        let folder = place.settings.directory
        // No log is left, so what is on the disk is all there is.
        let original = try place.files().filter { !$0.key.hasSuffix("-wal") && !$0.key.hasSuffix("-shm") }
        try #require(await says(place) == calls)
        // Every byte of keys and lists; of the databases every one that is not empty space, all of them with
        // SIPCALL_EVERY_BYTE set.
        let isThorough = ProcessInfo.processInfo.environment["SIPCALL_EVERY_BYTE"] != nil
        var (tried, noticed) = (0, 0)
        for (name, data) in original.sorted(by: { $0.key < $1.key }) {
            guard name.hasSuffix(".key") || name.contains("calls.sqlite") || name.contains("audit.sqlite") else {
                continue
            }
            let isDatabase = name.hasSuffix("sqlite")
            for index in data.indices where !isDatabase || isThorough || data[index] != 0 && index % 7 == 0 {
                for other in try FileManager.default.contentsOfDirectory(atPath: folder)
                where other.hasSuffix("-wal") || other.hasSuffix("-shm") {
                    unlink("\(folder)/\(other)")
                }
                var altered = data
                altered[index] ^= 1 << UInt8(index % 8)
                try altered.write(to: URL(filePath: "\(place.directory)/\(name)"))
                let found = await says(place)
                #expect(found == nil || found == calls, "\(name), byte \(index)")
                (tried, noticed) = (tried + 1, noticed + (found == nil ? 1 : 0))
                try data.write(to: URL(filePath: "\(place.directory)/\(name)"))
            }
        }
        try #require(tried > 300 && noticed > tried / 4, "\(noticed) of \(tried) noticed")
        #expect(await says(place) == calls)
    }

    @Test(
        "A file cut off anywhere, or garbage in its place: refused and left as it is",
        arguments: [0, 1, 100, 4096, 9000])
    func torn(count: Int) async throws {
        let (place, _) = try await rested()
        let path = "\(place.settings.directory)/2026-11.calls.sqlite"
        let whole = try Data(contentsOf: URL(filePath: path))
        for ending in ["-wal", "-shm"] { unlink(path + ending) }
        for content in [whole.prefix(count), Data(repeating: 0x5a, count: count)] {
            try content.write(to: URL(filePath: path))
            let store = try await place.open()
            await #expect(throws: Problem.self) { _ = try await store.all() }
            #expect(try Data(contentsOf: URL(filePath: path)) == content)
            for ending in ["-wal", "-shm"] { unlink(path + ending) }
        }
    }

    @Test("A newer form, another program's database, another sort of ours: each refused by its name, untouched")
    func foreign() async throws {
        let place = try TestLedger()
        let path = "\(place.directory)/file.sqlite"
        func refusal(_ sql: String) throws -> (code: String?, isUntouched: Bool) {
            for ending in ["", "-wal", "-shm"] { unlink(path + ending) }
            do {
                let queue = try DatabaseQueue(path: path)
                try queue.inDatabase { try $0.execute(sql: sql) }
                try queue.close()
            }
            let before = try Data(contentsOf: URL(filePath: path))
            var code: String?
            do throws(Problem) { _ = try Spool(path) } catch { code = error.code }
            return (code, try Data(contentsOf: URL(filePath: path)) == before)
        }
        for (sql, code) in [
            ("CREATE TABLE other (a)", "ledger.file-foreign"),
            (
                "CREATE TABLE a (a); PRAGMA application_id = \(LedgerDatabase.Sort.audit.rawValue)",
                "ledger.file-foreign"
            ),
            (
                "CREATE TABLE a (a); PRAGMA application_id = \(LedgerDatabase.Sort.spool.rawValue); PRAGMA user_version = 2",
                "ledger.file-newer"
            ),
        ] {
            let found = try refusal(sql)
            #expect(found.code == code && found.isUntouched, "\(sql)")
        }
    }
}
