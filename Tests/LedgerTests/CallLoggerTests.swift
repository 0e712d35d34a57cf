import Call
import Foundation
import Sealing
import Synchronization
import Testing
import Wire

@testable import Ledger

@Suite("The core's call logger")
struct CallLoggerTests {
    /// A logger at work in a directory of its own, and what it said.
    private final class Bench: Sendable {
        let place: TestLedger
        let key = OpeningKey()
        let notices = Mutex<[String]>([])
        let announcements = Mutex(0)

        init() throws { place = try TestLedger() }

        func logger() -> CallLogger {
            CallLogger(
                directory: place.directory, box: "box-1", zone: { "Europe/Berlin" },
                notice: { problem in self.notices.withLock { $0.append(problem.code) } },
                whenWaiting: { self.announcements.withLock { $0 += 1 } })
        }

        func open(_ records: [SealedRecord]) throws -> [CallRecord] {
            try records.map { try CallRecord(try key.open($0), as: $0.header) }
        }
    }

    private func running(_ logger: CallLogger, _ body: () async throws -> Void) async throws {
        let task = Task { await logger.run() }
        defer { task.cancel() }
        try await body()
        task.cancel()
        await task.value
        await logger.stop()
    }

    private func eventually(_ holds: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<1000 {
            if try await holds() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test("Whether the spool is open is known, also when the disk says no", arguments: [false, true])
    func opening(isBroken: Bool) async throws {
        let bench = try Bench()
        let directory = isBroken ? "\(bench.place.directory)/missing" : bench.place.directory
        let logger = CallLogger(
            directory: directory, box: "box-1", zone: { "UTC" }, notice: { _ in }, whenWaiting: {})
        #expect(!logger.isSettled)
        await logger.open()
        #expect(logger.isSettled)
        #expect((logger.problem != nil) == isBroken)
        #expect(FileManager.default.fileExists(atPath: "\(directory)/spool.sqlite") == !isBroken)
    }

    @Test(
        "Privacy leaves out of each record what the owner chose, before it is kept anywhere",
        arguments: CallPrivacy.allCases)
    func privacy(_ privacy: CallPrivacy) async throws {
        let bench = try Bench()
        let logger = bench.logger()
        try await running(logger) {
            // Without a key it waits in memory, where a later choice reaches it as well.
            logger.take(call(1))
            logger.keep(privacy)
            logger.take(call(2))
            try await logger.adopt(bench.key.sealingKey.bytes)
            #expect(try await eventually { try await logger.batch(count: 9, bytes: 1 << 20).count == 2 })
            for record in try bench.open(try await logger.batch(count: 9, bytes: 1 << 20)) {
                let full = record.identifier == call(1).identifier ? call(1) : call(2)
                #expect(record.privacy == privacy)
                switch privacy {
                case .full: #expect(record.far == full.far)
                case .lastDigits:
                    #expect(record.far.number == nil && record.far.name == nil && record.far.region == "DE")
                    #expect(record.far.lastDigits?.revealed == full.far.number.map { String($0.revealed.suffix(2)) })
                case .nothing: #expect(record.far == FarParty(number: nil))
                }
            }
        }
    }

    @Test("Each stage of a call comes into the spool sealed, with box and zone, and goes when it is acknowledged")
    func stages() async throws {
        let bench = try Bench()
        let logger = bench.logger()
        try await logger.adopt(bench.key.sealingKey.bytes)
        try await running(logger) {
            for (index, stage) in [CallRecord.Stage.dialled, .answered, .ended].enumerated() {
                var record = call(1, stage)
                (record.box, record.zone) = ("", "UTC")
                logger.take(record)
                #expect(try await eventually { try await logger.batch(count: 9, bytes: 1 << 20).count == index + 1 })
            }
            let waiting = try await logger.batch(count: 9, bytes: 1 << 20)
            #expect(try bench.open(waiting) == [call(1, .dialled), call(1, .answered), call(1, .ended)])
            #expect(bench.announcements.withLock { $0 } == 3)
            try await logger.acknowledge(waiting.map(\.header))
            #expect(try await logger.batch(count: 9, bytes: 1 << 20).isEmpty)
            #expect(await logger.probe() == nil)
        }
        #expect(bench.notices.withLock { $0 } == [])
        // Neither the record nor what opens it is anywhere in the core's files.
        for (name, content) in try bench.place.files() {
            #expect(content.range(of: Data("+4930".utf8)) == nil, "\(name)")
            #expect(content.range(of: Data(bench.key.secret.revealed)) == nil, "\(name)")
        }
    }

    @Test("Without a key records wait in memory, say so, and are all sealed when it comes; the next start knows it")
    func keyComesLater() async throws {
        let bench = try Bench()
        let logger = bench.logger()
        try await running(logger) {
            for index in 0..<20 { logger.take(call(index, .dialled)) }
            // The later record of a call says all of the earlier one.
            for index in 0..<20 { logger.take(call(index, .ended)) }
            #expect(try await eventually { logger.problem?.code == "ledger.no-sealing-key" })
            #expect(await logger.probe()?.code == "ledger.no-sealing-key")
            #expect(try await logger.batch(count: 99, bytes: 1 << 20).isEmpty)
            try await logger.adopt(bench.key.sealingKey.bytes)
            #expect(try await eventually { try await logger.batch(count: 99, bytes: 1 << 20).count == 20 })
            #expect(try await eventually { logger.problem == nil })
        }
        let again = bench.logger()
        again.take(call(50, .ended))
        try await running(again) {
            let isThere = try await eventually { try await again.batch(count: 99, bytes: 1 << 20).count == 21 }
            #expect(isThere)
        }
        let all = try await again.batch(count: 99, bytes: 1 << 20)
        #expect(try Set(bench.open(all).map(\.identifier)).count == 21)
        #expect(bench.notices.withLock { $0 } == [])
    }

    @Test("A process that ends while records wait for a key says how many are lost")
    func endsWithoutKey() async throws {
        let bench = try Bench()
        let logger = bench.logger()
        try await running(logger) {
            for index in 0..<3 { logger.take(call(index)) }
            let isTold = try await eventually { logger.problem != nil }
            #expect(isTold)
        }
        #expect(bench.notices.withLock { $0 } == ["ledger.records-lost"])
    }

    @Test("Memory is bounded: what does not fit is counted, and the newest record of a known call still is taken")
    func bounded() async throws {
        let bench = try Bench()
        let logger = bench.logger()
        for index in 0..<CallLogger.limit + 5 { logger.take(call(index, .dialled)) }
        logger.take(call(0, .ended))
        try await running(logger) {
            #expect(try await eventually { bench.notices.withLock { !$0.isEmpty } })
            try await logger.adopt(bench.key.sealingKey.bytes)
            #expect(
                try await eventually { try await logger.batch(count: 1000, bytes: 1 << 24).count == 1000 })
        }
        let first = try await logger.batch(count: 1000, bytes: 1 << 24)
        #expect(try bench.open(Array(first.prefix(200))).contains { $0 == call(0, .ended) })
        #expect(bench.notices.withLock { $0 } == ["ledger.records-lost"])
    }

    @Test("A disk that takes nothing keeps records in memory; they come into the spool when it does again")
    func refusingDisk() async throws {
        let bench = try Bench()
        // What stands in the spool's place cannot be a database.
        let path = "\(bench.place.directory)/spool.sqlite"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let logger = bench.logger()
        try await logger.adopt(bench.key.sealingKey.bytes)
        try await running(logger) {
            logger.take(call(1))
            #expect(try await eventually { logger.problem?.code == "ledger.cannot-write" })
            #expect(await logger.probe()?.code == "ledger.cannot-write")
            try FileManager.default.removeItem(atPath: path)
            #expect(try await eventually { try await logger.batch(count: 9, bytes: 1 << 20).count == 1 })
            #expect(try await eventually { await logger.probe() == nil })
        }
        #expect(bench.notices.withLock { $0 } == [])
    }

    @Test(
        "A key of no use is refused and the former one stays; another one is told; a broken key file is as good as none"
    )
    func keys() async throws {
        let bench = try Bench()
        let logger = bench.logger()
        try await logger.adopt(bench.key.sealingKey.bytes)
        await #expect(throws: SealingProblem.keyUnreadable) { try await logger.adopt([1, 2, 3]) }
        await #expect(throws: SealingProblem.keyUnreadable) {
            try await logger.adopt([UInt8](repeating: 0, count: 32))
        }
        try await logger.adopt(bench.key.sealingKey.bytes)
        #expect(bench.notices.withLock { $0 } == [])
        #expect(SealingKeyFile.read(in: bench.place.directory)?.bytes == bench.key.sealingKey.bytes)
        try await logger.adopt(OpeningKey().sealingKey.bytes)
        #expect(bench.notices.withLock { $0 } == ["ledger.sealing-key-changed"])
        for text in ["", "00", String(repeating: "+0", count: 32) + "\n", String(repeating: "0", count: 64) + "\n"] {
            try Data(text.utf8).write(to: URL(filePath: "\(bench.place.directory)/sealing-key"))
            #expect(SealingKeyFile.read(in: bench.place.directory) == nil)
        }
    }
}

@Suite("The end of the core")
struct CallLoggerStopTests {
    @Test("Ends of calls that are told at the last moment are in the spool when the core has ended, in their order")
    func flush() async throws {
        for _ in 0..<5 {
            let place = try TestLedger()
            let key = OpeningKey()
            let logger = CallLogger(
                directory: place.directory, box: "box-1", zone: { "UTC" }, notice: { _ in }, whenWaiting: {})
            try await logger.adopt(key.sealingKey.bytes)
            let running = Task { await logger.run() }
            for index in 0..<100 { logger.take(call(index, .dialled)) }
            // As in the core: told, and at once asked to end.
            for index in 0..<100 { logger.take(call(index, .ended)) }
            running.cancel()
            await running.value
            for index in 100..<200 { logger.take(call(index, .ended)) }
            await logger.stop()
            let spool = try Spool("\(place.directory)/spool.sqlite")
            let waiting = try await spool.batch(count: 1000, bytes: 1 << 24).map(\.record)
            var ended: [CallIdentifier] = []
            for record in waiting where record.header.revision == CallRecord.Stage.ended.rawValue {
                ended.append(try CallRecord(try key.open(record), as: record.header).identifier)
            }
            #expect(ended == (0..<200).map { call($0).identifier })
        }
    }
}

@Suite("The master key's file")
struct MasterKeyFileTests {
    @Test("Made once, for its owner alone; read again; a credential goes first")
    func made() throws {
        let place = try TestLedger()
        let (path, ledger) = ("\(place.directory)/master.key", "\(place.directory)/ledger")
        let first = try MasterKeyFile.keyring(credential: nil, path: path, ledger: ledger)
        #expect(try MasterKeyFile.keyring(credential: nil, path: path, ledger: ledger) == first)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let other = MasterKeyring()
        let both = try MasterKeyFile.keyring(credential: other.file, path: path, ledger: ledger)
        #expect(both.names == other.names + first.names, "the credential's wraps, the file's still opens")
    }

    @Test("From the file to a credential: all keys are rewrapped, then the file goes; cut short anywhere, it goes on")
    func toCredential() async throws {
        let place = try TestLedger()
        let (path, ledger) = ("\(place.directory)/master.key", place.settings.directory)
        let first = try MasterKeyFile.keyring(credential: nil, path: path, ledger: ledger)
        var store: LedgerStore? = try await LedgerStore.open(place.settings, keyring: first)
        try await store?.file((0..<5).map { call($0) })
        store = nil
        let credential = MasterKeyring().file
        // The first start with it is cut short: one key cannot be written, so the file must stay.
        let blocked = "\(ledger)/2026-11.calls.key.new"
        try FileManager.default.createDirectory(atPath: blocked, withIntermediateDirectories: true)
        var ring = try MasterKeyFile.keyring(credential: credential, path: path, ledger: ledger)
        store = try await LedgerStore.open(place.settings, keyring: ring)
        #expect(await store?.rewrap() == false)
        #expect(try await store?.all().count == 5)
        #expect(try MasterKeyFile.retire(path, credential: nil) == false, "without a credential it is the only key")
        try FileManager.default.removeItem(atPath: blocked)
        ring = try MasterKeyFile.keyring(credential: credential, path: path, ledger: ledger)
        store = try await LedgerStore.open(place.settings, keyring: ring)
        #expect(await store?.rewrap() == true)
        #expect(try MasterKeyFile.retire(path, credential: credential) == true)
        #expect(access(path, F_OK) != 0)
        ring = try MasterKeyFile.keyring(credential: credential, path: path, ledger: ledger)
        #expect(ring.names.count == 1)
        store = try await LedgerStore.open(place.settings, keyring: ring)
        #expect(try await store?.all().count == 5)
    }

    @Test("A ledger whose master key is gone is given no other; a damaged file stays as it is")
    func missing() async throws {
        let place = try TestLedger()
        let (path, ledger) = ("\(place.directory)/master.key", place.settings.directory)
        _ = try await place.open()
        let before = try place.files()
        #expect(throws: SealingProblem.masterKeyMissing) {
            try MasterKeyFile.keyring(credential: nil, path: path, ledger: ledger)
        }
        #expect(try place.files() == before)
        try Data("nonsense".utf8).write(to: URL(filePath: path))
        #expect(throws: SealingProblem.masterKeyUnreadable) {
            try MasterKeyFile.keyring(credential: nil, path: path, ledger: ledger)
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("nonsense".utf8))
    }

    @Test("The lock lets one in, and the next when that is gone")
    func lock() throws {
        let place = try TestLedger()
        let path = "\(place.directory)/ledger.lock"
        var first: LedgerLock? = try LedgerLock(path)
        #expect(throws: Problem.self) { try LedgerLock(path) }
        withExtendedLifetime(first) {}
        first = nil
        _ = try LedgerLock(path)
    }
}
