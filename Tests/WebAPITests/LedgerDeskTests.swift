import Call
import Control
import Foundation
import Ledger
import Logging
import Sealing
import Synchronization
import Testing
import Wire

@testable import WebAPI

@Suite("Records of calls come from the core into the ledger and onto the page", .serialized)
struct LedgerDeskTests {
    /// A core's call log behind a real control socket.
    private final class Core: Sendable {
        let logger: CallLogger
        let handovers = Mutex<[LedgerHandover]>([])
        let status = Mutex(BoxStatus(version: "test"))
        /// Replies to `filed` are not sent, as by a core that died over them.
        let forgetsAcknowledgements = Mutex(false)
        private let server = Mutex<ControlServer?>(nil)
        private let running: Task<Void, Never>

        init(_ directory: String) {
            let (wakes, wake) = AsyncStream.makeStream(of: Void.self)
            let logger = CallLogger(
                directory: directory, box: "box-1", zone: { "Europe/Berlin" }, notice: { _ in },
                whenWaiting: { wake.yield() })
            self.logger = logger
            running = Task { await logger.run() }
            Task { for await _ in wakes { self.server.withLock { $0 }?.publish(.recordsWait) } }
        }

        func listen(_ path: String) async throws {
            let server = try await ControlServer.start(
                path: path + ".all", webPath: path, logger: Logger(label: "core"), handler: { await self.handle($0) },
                snapshot: { ControlSnapshot(trunk: TrunkStatus()) })
            self.server.withLock { $0 = server }
        }

        func stop() async {
            running.cancel()
            await running.value
            await server.withLock { $0 }?.stop()
        }

        private func handle(_ command: ControlCommand) async -> ControlReply {
            do throws(Problem) {
                switch command {
                case .ledger(let handover):
                    handovers.withLock { $0.append(handover) }
                    if let key = handover.sealingKey { try await logger.adopt(key) }
                case .sealedRecords(let position):
                    let entries = try await logger.batch(after: position, count: 3, bytes: 4096)
                    return .sealedRecords(entries.map(\.record), last: entries.last?.position ?? position)
                case .filed(let headers):
                    if forgetsAcknowledgements.withLock({ $0 }) { return .failed(Problem(code: "x", sentence: "X.")) }
                    try await logger.acknowledge(headers)
                case .status: return .status(status.withLock { $0 })
                default: break
                }
                return .done
            } catch {
                return .failed(error)
            }
        }

        func waiting() async -> Int { (try? await logger.batch(count: 1000, bytes: 1 << 24).count) ?? -1 }
    }

    private static func desk(
        _ directory: String, keyring: MasterKeyring, _ change: (inout LedgerSettings) -> Void = { _ in },
        synchronised: Bool = true
    ) -> LedgerDesk {
        var settings = LedgerSettings(directory: "\(directory)/web/ledger")
        change(&settings)
        return LedgerDesk(
            settings, lock: "\(directory)/web/ledger.lock",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { () throws(Problem) in
            keyring
        } clock: {
            RetentionClock(wall: .now(), sinceBoot: .seconds(9), boot: "b", isSynchronised: synchronised)
        }
    }

    /// A web process's part of it, as long as the body needs it.
    private static func with(
        _ desk: LedgerDesk, _ path: String, _ directory: String, _ body: (Int, String) async throws -> Void
    ) async throws {
        let www = directory + "/www"
        try FileManager.default.createDirectory(atPath: www, withIntermediateDirectories: true)
        try Data("<!doctype html>".utf8).write(to: URL(filePath: www + "/index.html"))
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let server = try WebServer(
            listen: try #require(NetworkAddress("127.0.0.1", port: 0)),
            control: ControlClient(path: path, logger: Logger(label: "web")), accounts: await owned(in: directory),
            ledger: desk, wwwRoot: www,
            stateDirectory: directory, logger: Logger(label: "web"),
            whenListening: { announce.yield(Int($0.first?.address.port ?? 0)) })
        let running = Task { try await server.run() }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        let token = try await server.token()
        do {
            try await body(port, token)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        _ = try? await running.value
    }

    private static func call(_ index: Int, _ stage: CallRecord.Stage = .ended) -> CallRecord {
        var generator = SeededGenerator(seed: UInt64(index))
        let dialled = WallTime(milliseconds: 1_793_491_200_000 + Int64(index) * 60_000)
        var record = CallRecord(
            identifier: CallIdentifier(using: &generator), stage: stage, box: "", direction: .outbound,
            far: FarParty(number: Redacted("+4930123400\(index % 10)")), dialled: dialled, zone: "UTC")
        record.user = CallOwner("admin")
        if stage >= .answered { record.answered = WallTime(milliseconds: dialled.milliseconds + 2000) }
        if stage >= .ended {
            record.ended = WallTime(milliseconds: dialled.milliseconds + 62_000)
            record.reason = .hungUpHere
        }
        return record
    }

    private struct Listing: Decodable {
        struct Entry: Decodable {
            var call: String
            var outcome: String
            var number: String?
            var zone: String
            var seconds: Int
        }

        var calls: [Entry]
        var next: String?
    }

    private static func get(_ port: Int, _ token: String, _ query: String) async throws -> RawClient.Answer {
        try await RawClient(port: port).request(
            "GET", "/api/v1/calls\(query)", headers: ["Authorization: Bearer \(token)"])
    }

    private static func list(_ port: Int, _ token: String, _ query: String = "") async throws -> Listing {
        let answer = try await get(port, token, query)
        // The ledger of the web process before is let go of a moment after its end.
        guard answer.status == 200 else { throw RawClient.Closed() }
        return try JSONDecoder().decode(Listing.self, from: Data(answer.body))
    }

    @Test("Records from before the first key, and later ones, are listed; none waits in the core any more")
    func travels() async throws {
        let directory = try stateDirectory()
        let path = "\(directory)/control.sock"
        let core = Core(directory)
        for index in 0..<10 { core.logger.take(Self.call(index)) }
        try await core.listen(path)
        try await Self.with(Self.desk(directory, keyring: MasterKeyring()), path, directory) { port, token in
            #expect(await eventually { (try? await Self.list(port, token).calls.count) == 10 })
            core.logger.take(Self.call(10, .answered))
            #expect(await eventually { (try? await Self.list(port, token).calls.count) == 11 })
            let first = try await Self.list(port, token, "?limit=4")
            #expect(first.calls.count == 4 && first.calls.first?.outcome == "unfinished")
            let next = try #require(first.next)
            #expect(try await Self.list(port, token, "?limit=9&after=\(next)").calls.count == 7)
            #expect(first.calls[1].seconds == 60 && first.calls[1].zone == "Europe/Berlin")
            #expect(try await Self.list(port, token, "?number=%2B49301234003").calls.map(\.number) == ["+49301234003"])
            // A core that began later and does not have the call: it was cut off. One that has it: it goes on.
            core.status.withLock { $0.started = WallTime(milliseconds: 1_793_600_000_000) }
            #expect(try await Self.list(port, token, "?outcome=unfinished").calls.map(\.outcome) == ["cut-off"])
            core.status.withLock { status in
                status.list = [
                    CallStatus(
                        call: Self.call(10).identifier, direction: .outbound, state: .active, far: "", seconds: 1,
                        talkSeconds: 1)
                ]
            }
            #expect(try await Self.list(port, token, "?limit=1").calls.map(\.outcome) == ["running"])
            #expect(await eventually { await core.waiting() == 0 })
        }
        await core.stop()
    }

    @Test("Acknowledgements that get lost, and a new web process, double nothing")
    func again() async throws {
        let directory = try stateDirectory()
        let path = "\(directory)/control.sock"
        let keyring = MasterKeyring()
        let core = Core(directory)
        core.forgetsAcknowledgements.withLock { $0 = true }
        for index in 0..<3 { core.logger.take(Self.call(index)) }
        try await core.listen(path)
        for turn in 1...2 {
            try await Self.with(Self.desk(directory, keyring: keyring), path, directory) { port, token in
                #expect(await eventually { (try? await Self.list(port, token).calls.count) == 3 })
                if turn == 2 {
                    core.forgetsAcknowledgements.withLock { $0 = false }
                    core.logger.take(Self.call(3))
                    #expect(await eventually { await core.waiting() == 0 })
                    let count = try await Self.list(port, token).calls.count
                    #expect(count == 4)
                } else {
                    #expect(await core.waiting() == 3)
                }
            }
        }
        await core.stop()
    }

    @Test("A ledger that another process holds, or whose master key is another, is left alone and both sides are told")
    func closed() async throws {
        let directory = try stateDirectory()
        let path = "\(directory)/control.sock"
        let core = Core(directory)
        try await core.listen(path)
        do {
            let lock = try LedgerLock("\(directory)/web/ledger.lock")
            let desk = Self.desk(directory, keyring: MasterKeyring())
            try await Self.with(desk, path, directory) { port, token in
                #expect(await eventually { core.handovers.withLock { $0.last?.problem?.code == "ledger.in-use" } })
                let answer = try await Self.get(port, token, "")
                #expect(answer.status == 503 && answer.text.contains("ledger.in-use"))
                #expect(await desk.probe()?.code == "ledger.in-use")
            }
            withExtendedLifetime(lock) {}
        }
        _ = try await LedgerStore.open(
            LedgerSettings(directory: "\(directory)/web/ledger"), keyring: MasterKeyring())
        core.logger.take(Self.call(1))
        try await Self.with(Self.desk(directory, keyring: MasterKeyring()), path, directory) { port, token in
            #expect(
                await eventually { core.handovers.withLock { $0.last?.problem?.code == "ledger.master-key-missing" } })
            let status = try await Self.get(port, token, "").status
            #expect(status == 503)
        }
        await core.stop()
    }

    @Test("A period that cannot be used is named to page and core; what stands behind its records is filed")
    func unusable() async throws {
        let directory = try stateDirectory()
        let path = "\(directory)/control.sock"
        let (core, keyring) = (Core(directory), MasterKeyring())
        try await core.listen(path)
        core.logger.take(Self.call(0))
        try await Self.with(Self.desk(directory, keyring: keyring), path, directory) { port, cookie in
            #expect(await eventually { (try? await Self.list(port, cookie).calls.count) == 1 })
        }
        let key = "\(directory)/web/ledger/2026-11.calls.key"
        #expect(rename(key, key + ".away") == 0)
        // More than one batch of the month without its key, then one of the next month.
        for index in 1..<6 { core.logger.take(Self.call(index)) }
        core.logger.take(Self.call(50_000))
        try await Self.with(Self.desk(directory, keyring: keyring), path, directory) { port, cookie in
            #expect(await eventually { (try? await Self.list(port, cookie).calls.count) == 1 })
            let text = try await Self.get(port, cookie, "").text
            #expect(text.contains("ledger.period-unusable") && text.contains("2026-11.calls"))
            #expect(
                await eventually { core.handovers.withLock { $0.last?.problem?.code == "ledger.period-unusable" } })
            #expect(await core.waiting() == 5)
        }
        #expect(rename(key + ".away", key) == 0)
        try await Self.with(Self.desk(directory, keyring: keyring), path, directory) { port, cookie in
            #expect(await eventually { (try? await Self.list(port, cookie).calls.count) == 7 })
            #expect(await eventually { await core.waiting() == 0 })
        }
        await core.stop()
    }

    @Test("A ledger that grows full says so before it is, to the core and so to the status")
    func quota() async throws {
        let directory = try stateDirectory()
        let path = "\(directory)/control.sock"
        let (core, keyring) = (Core(directory), MasterKeyring())
        try await core.listen(path)
        core.logger.take(Self.call(0))
        try await Self.with(Self.desk(directory, keyring: keyring), path, directory) { port, cookie in
            #expect(await eventually { (try? await Self.list(port, cookie).calls.count) == 1 })
        }
        // What belongs to open databases counts as well: the process before has to be done.
        let folder = "\(directory)/web/ledger"
        #expect(
            await eventually {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
                return !names.contains { $0.hasSuffix("-shm") }
            })
        let store = try await LedgerStore.open(LedgerSettings(directory: folder), keyring: keyring)
        let bytes = await store.usage().bytes
        for (percent, code) in [(85, "ledger.quota-80"), (95, "ledger.quota-90")] {
            let desk = Self.desk(directory, keyring: keyring, { $0.quota = bytes * 100 / percent })
            try await Self.with(desk, path, directory) { _, _ in
                #expect(await eventually { core.handovers.withLock { $0.last?.warning?.code == code } }, "\(percent) %")
            }
        }
        await core.stop()
    }

    @Test("A session may search twice at the same time, others meanwhile as well")
    func busy() async throws {
        let directory = try stateDirectory()
        let desk = Self.desk(directory, keyring: MasterKeyring())
        // Nobody has opened the ledger: each search waits for that for two seconds.
        let refused = await withTaskGroup(of: Problem?.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    do throws(Problem) { _ = try await desk.page(CallQuery(), for: "a") } catch { return error }
                    return nil
                }
            }
            group.addTask {
                do throws(Problem) { _ = try await desk.page(CallQuery(), for: "b") } catch {
                    return error == LedgerProblem.busy ? Problem(code: "b", sentence: "B.") : nil
                }
                return nil
            }
            var refused: [Problem] = []
            for await problem in group { if let problem { refused.append(problem) } }
            return refused
        }
        #expect(refused.filter { $0 == LedgerProblem.busy }.count == 3)
        #expect(!refused.contains { $0.code == "b" })
    }

    @Test(
        "A query that is not understood is refused",
        arguments: [
            "?limit=0", "?limit=201", "?limit=x", "?after=1", "?after=0@2026-11", "?after=1@2026-13", "?from=today",
            "?direction=up", "?outcome=good", "?number=", "?colour=red", "?limit=1&limit=2",
            "?text=\(String(repeating: "a", count: 65))",
        ])
    func refused(query: String) async throws {
        let directory = try stateDirectory()
        let desk = Self.desk(directory, keyring: MasterKeyring())
        try await Self.with(desk, "\(directory)/control.sock", directory) { port, token in
            let answer = try await Self.get(port, token, query)
            #expect(answer.status == 400 && answer.text.contains("web.bad-query"))
        }
    }

    @Test("Who is not signed in sees nothing")
    func signedOut() async throws {
        let directory = try stateDirectory()
        let desk = Self.desk(directory, keyring: MasterKeyring())
        try await Self.with(desk, "\(directory)/control.sock", directory) { port, _ in
            let status = try await Self.get(port, "a=b", "").status
            #expect(status == 401)
        }
    }
}
