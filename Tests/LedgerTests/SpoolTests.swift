import Foundation
import GRDB
import Sealing
import Testing
import Wire

@testable import Ledger

@Suite("The core's spool")
struct SpoolTests {
    private func record(_ index: Int, _ kind: RecordKind = .call, bytes: Int = 100) -> SealedRecord {
        var generator = SeededGenerator(seed: UInt64(index))
        return SealedRecord(
            header: RecordHeader(identifier: RecordIdentifier(using: &generator), kind: kind, schema: 1),
            sealed: [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: bytes))
    }

    @Test("Appended together, handed out in order, deleted when acknowledged, there again after opening")
    func order() async throws {
        let place = try TestLedger()
        let path = "\(place.directory)/spool.sqlite"
        var spool: Spool? = try Spool(path)
        try await withThrowingTaskGroup(of: Void.self) { [spool] group in
            for index in 0..<200 { group.addTask { try await spool?.append(record(index)) } }
            try await group.waitForAll()
        }
        spool = nil
        let again = try Spool(path)
        #expect(await again.figures == Spool.Figures(waiting: 200, bytes: 20_000))
        let first = try await again.batch(count: 150)
        #expect(first.count == 150 && first.map(\.position) == first.map(\.position).sorted())
        let rest = try await again.batch(after: first.last?.position ?? 0, count: 150)
        #expect(rest.count == 50)
        #expect(Set((first + rest).map(\.record)) == Set((0..<200).map { record($0) }))
        try await again.acknowledge(first.map(\.record.header) + [record(999).header])
        #expect(try await again.batch(count: 1000) == rest)
        #expect(await again.figures.waiting == 50)
        // By bytes: one record in any case.
        #expect(try await again.batch(bytes: 1).count == 1)
        #expect(try await again.batch(bytes: 250).count == 2)
    }

    @Test("A batch keeps its order, and each refusal belongs to its record")
    func batchOrder() async throws {
        let place = try TestLedger()
        let spool = try Spool("\(place.directory)/spool.sqlite", limit: 100_000)
        let large = record(500, bytes: Spool.largestRecord + 1)
        let all = (0..<300).map { record($0) }
        let outcomes = await spool.append(all[..<150] + [large] + all[150...])
        #expect(outcomes.indices.filter { outcomes[$0] != nil } == [150])
        #expect(try await spool.batch(count: 1000).map(\.record) == all)
    }

    @Test("The same record appended twice waits once; a further revision of it waits beside it")
    func twice() async throws {
        let place = try TestLedger()
        let spool = try Spool("\(place.directory)/spool.sqlite")
        var later = record(1)
        later.header.revision = 2
        for record in [record(1), record(1), later] { try await spool.append(record) }
        #expect(try await spool.batch().map(\.record) == [record(1), later])
        let again = try Spool("\(place.directory)/spool.sqlite")
        #expect(await again.figures == spool.figures)
    }

    @Test("At the limit the oldest traces go first, then figures of sound; a call's record never, new ones are refused")
    func limit() async throws {
        let place = try TestLedger()
        let spool = try Spool("\(place.directory)/spool.sqlite", limit: 1000)
        for index in 0..<3 { try await spool.append(record(index, .quality)) }
        for index in 3..<6 { try await spool.append(record(index, .trace)) }
        for index in 6..<10 { try await spool.append(record(index)) }
        #expect(await spool.figures.bytes == 1000)
        func kinds() async throws -> [RecordKind] { try await spool.batch().map(\.record.header.kind) }
        try await spool.append(record(10))
        #expect(
            try await kinds() == [.quality, .quality, .quality, .trace, .trace]
                + [RecordKind](repeating: .call, count: 5))
        #expect(try await spool.batch().map(\.record).contains(record(3, .trace)) == false)
        for index in 11..<16 { try await spool.append(record(index)) }
        #expect(try await kinds() == [RecordKind](repeating: .call, count: 10))
        await #expect(throws: LedgerProblem.spoolFull) { try await spool.append(record(16)) }
        #expect(await spool.figures == Spool.Figures(waiting: 10, bytes: 1000, thrownAway: 6, refused: 1))
        await #expect(throws: LedgerProblem.spoolFull) {
            try await spool.append(record(17, bytes: Spool.largestRecord + 1))
        }
        try await spool.acknowledge([record(6).header])
        try await spool.append(record(16))
    }

    @Test("A damaged, foreign or newer spool is set aside and kept, and calls are recorded")
    func setAside() async throws {
        let place = try TestLedger()
        let path = "\(place.directory)/spool.sqlite"
        let garbage = Data(repeating: 0x5a, count: 5000)
        for (number, code) in [(1, "ledger.file-damaged"), (2, "ledger.file-damaged"), (3, "ledger.file-newer")] {
            if number == 3 {
                let database = try LedgerDatabase(path, sort: .spool, version: 7, tables: "CREATE TABLE other (a)")
                try database.queue.close()
            } else {
                try garbage.write(to: URL(filePath: path))
            }
            #expect(throws: Problem.self) { try Spool(path) }
            do {
                let (spool, reason) = try Spool.openSettingAside(path)
                #expect(reason?.code == code)
                try await spool.append(record(number))
                #expect(try await spool.batch().map(\.record) == [record(number)])
            }
            #expect(FileManager.default.fileExists(atPath: "\(path).aside-\(number)"))
            for ending in ["", "-wal", "-shm"] { unlink(path + ending) }
        }
        #expect(try Data(contentsOf: URL(filePath: "\(path).aside-1")) == garbage)
    }

    @Test("On a full disk a record is refused by name, what is there stays whole, and room brings it back")
    func fullDisk() async throws {
        let place = try TestLedger()
        let spool = try Spool("\(place.directory)/spool.sqlite")
        for index in 0..<20 { try await spool.append(record(index)) }
        // As SQLite sees it, the disk ends here (https://sqlite.org/pragma.html#pragma_max_page_count).
        let pages = try spool.file.work { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
        try spool.file.work { try $0.execute(sql: "PRAGMA max_page_count = \(pages + 2)") }
        var refused: Problem?
        var taken = 20
        while refused == nil, taken < 1000 {
            do throws(Problem) {
                try await spool.append(record(taken, bytes: 1000))
                taken += 1
            } catch { refused = error }
        }
        #expect(refused?.code == "ledger.disk-full")
        #expect(try await spool.batch(count: 1000).count == taken)
        #expect(await spool.figures.waiting == taken)
        try spool.file.work { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
        try await spool.append(record(taken, bytes: 1000))
        #expect(try await spool.batch(count: 1000).count == taken + 1)
    }

    @Test("In a directory that is not there nothing is made, and the problem says what to do")
    func noDirectory() {
        do throws(Problem) {
            _ = try Spool("/nonexistent/spool.sqlite")
            Issue.record("opened")
        } catch {
            #expect(error.code == "ledger.cannot-write" && !error.remedy.isEmpty)
        }
    }

    @Test("Where nothing can be written the ledger says so")
    func notWritable() async {
        for directory in ["/proc/ledger", "/dev/null/ledger"] {
            await #expect(throws: LedgerProblem.cannotWrite(directory)) {
                try await LedgerStore.open(LedgerSettings(directory: directory), keyring: MasterKeyring())
            }
        }
    }
}
