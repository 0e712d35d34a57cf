import Control
import Glibc
import NIOCore
import Sealing
import Testing
import Wire

@Suite("Sealed records on the control socket")
struct LedgerHandoverTests {
    private static func records(_ count: Int, bytes: Int) -> [SealedRecord] {
        var generator = SeededGenerator(seed: 1)
        return (0..<count).map { _ in
            SealedRecord(
                header: RecordHeader(
                    identifier: RecordIdentifier(using: &generator), kind: .quality, revision: 200, schema: 60_000),
                sealed: [UInt8](repeating: 0xff, count: bytes))
        }
    }

    @Test(
        "The largest batch fits a frame",
        arguments: [
            (LedgerHandover.batchCount, LedgerHandover.batchBytes / LedgerHandover.batchCount), (1, 128 * 1024),
        ])
    func largest(count: Int, bytes: Int) throws {
        let records = Self.records(count, bytes: bytes)
        let reply = ControlResponse.reply(id: .max, reply: .sealedRecords(records, last: .max))
        let frame = try ControlCoder().frame(reply)
        #expect(frame.readableBytes <= ControlFraming.largestFrame)
        var body = frame
        body.moveReaderIndex(forwardBy: 4)
        #expect(try ControlCoder().message(ControlResponse.self, in: body) == reply)
    }

    @Test("A batch that is asked for again is looked up again; its acknowledgement is carried out once")
    func again() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        let server = try await startServer(path, webPath: path + ".web", core: core)
        let peer = try RawControlPeer(path: path + ".web")
        try peer.send(.hello(client: "web"))
        _ = try await peer.receive()
        let headers = Self.records(2, bytes: 1).map(\.header)
        for (id, command) in [(UInt64(1), ControlCommand.sealedRecords(after: 7)), (2, .filed(headers))] {
            for _ in 0..<2 {
                try peer.send(.command(id: id, command: command))
                _ = try await peer.receive()
            }
        }
        #expect(await core.commands == [.sealedRecords(after: 7), .sealedRecords(after: 7), .filed(headers)])
        await server.stop()
    }

    @Test("Over the socket of all members of the group nobody hands over keys or settings, or takes records")
    func webOnly() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        let server = try await startServer(path, webPath: path + ".web", core: core)
        let commands: [ControlCommand] = [
            .ledger(LedgerHandover(sealingKey: [UInt8](repeating: 9, count: 32))), .sealedRecords(after: 0),
            .filed(Self.records(1, bytes: 1).map(\.header)), .chosen,
            .choose(SettingsChoice(revision: 1, toml: "", passwords: ["Main": Redacted("secret")])),
        ]
        try await withClient(path) { client in
            try await client.connected(within: .seconds(10))
            for command in commands {
                await #expect(throws: ControlProblem.webOnly) { _ = try await client.send(command) }
            }
            _ = try await client.send(.status)
        }
        #expect(await core.commands == [.status], "nothing but the harmless one has come through")
        try await withClient(path + ".web") { client in
            try await client.connected(within: .seconds(10))
            for command in commands { #expect(try await client.send(command) == .done) }
        }
        await server.stop()
        #expect(access(path + ".web", F_OK) != 0)
    }
}
