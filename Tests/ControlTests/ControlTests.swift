import Call
import Control
import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing
import Wire

@Suite("Control socket: server and client", .serialized, .timeLimit(.minutes(5)))
struct ControlTests {
    @Test("A client gets the snapshot first, then every event in its order")
    func snapshotThenEvents() async throws {
        let path = try temporarySocket()
        let server = try await startServer(path, core: FakeCore())
        try await withClient(path) { client in
            try await client.connected(within: .seconds(30))
            for digit in 0..<200 {
                server.publish(.digit(connection: try connection(1), call: anyCall(), digit: "\(digit)"))
            }
            var heard: [String] = []
            var first: ControlClientEvent?
            for await event in client.events {
                if first == nil { first = event }
                if case .event(.digit(_, _, let digit)) = event { heard.append(digit) }
                if heard.count == 200 { break }
            }
            let trunk = TrunkStatus(name: "Carrier", state: .registered)
            #expect(first == .connected(ControlSnapshot(trunk: trunk), restarted: false))
            #expect(heard == (0..<200).map { "\($0)" })
        }
        await server.stop()
    }

    @Test("Events of the box go only to clients that watch it")
    func watching() async throws {
        let path = try temporarySocket()
        let server = try await startServer(path, core: FakeCore())
        for watches in [true, false] {
            let client = ControlClient(path: path, logger: Logger(label: "test"), watches: watches)
            let running = Task { await client.run() }
            try await client.connected(within: .seconds(5))
            let box = ControlEvent.box(BoxEvent(number: 1, time: .now(), kind: .boxHeartbeat))
            let other = ControlEvent.trunk(TrunkStatus(name: "Carrier", state: .failed))
            server.publish(box)
            server.publish(other)
            var heard: [ControlEvent] = []
            for await event in client.events {
                if case .event(let event) = event { heard.append(event) }
                if heard.last == other { break }
            }
            #expect(heard == (watches ? [box, other] : [other]))
            running.cancel()
            await running.value
        }
        await server.stop()
    }

    @Test("Commands are handled on the server's own loop, which no thread has to be woken for")
    func place() async throws {
        let path = try temporarySocket()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let server = try await ControlServer.start(
            path: path, logger: Logger(label: "test"), on: loop,
            handler: { _ in loop.inEventLoop ? .done : .failed(ControlProblem.unreachable) },
            snapshot: { ControlSnapshot(trunk: TrunkStatus(name: "Carrier", state: .registered)) })
        try await withClient(path) { client in
            try await client.connected(within: .seconds(5))
            #expect(try await client.send(.status) == .done)
        }
        await server.stop()
    }

    @Test("A thousand commands in flight each get their own reply")
    func thousandCommands() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        let server = try await startServer(path, core: core)
        await core.hold()
        try await withClient(path) { client in
            try await client.connected(within: .seconds(30))
            let failures = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<1000 {
                    let tab = try connection(number)
                    group.addTask {
                        let to = number.isMultiple(of: 2) ? "nobody" : "somebody"
                        let command = ControlCommand.start(
                            connection: tab, to: Redacted(to), offer: Redacted("v=0\r\n"))
                        do throws(Problem) {
                            return try await client.send(command) == .done && to == "somebody"
                        } catch {
                            return error.code == "call.wrong-number" && to == "nobody"
                        }
                    }
                }
                #expect(await eventually { await core.commands.count == 1000 })
                await core.release()
                var failures = 0
                for try await right in group where !right { failures += 1 }
                return failures
            }
            #expect(failures == 0)
        }
        await server.stop()
    }

    @Test("Commands of one phone socket are done in their order, those of others meanwhile")
    func order() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        let server = try await startServer(path, core: core)
        let peer = try RawControlPeer(path: path)
        try peer.send(.hello(client: "order"))
        await core.hold()
        let (one, two) = (try connection(1), try connection(2))
        try peer.send(.command(id: 1, command: .attach(connection: one, user: "admin")))
        try peer.send(.command(id: 2, command: .end(connection: one, call: anyCall())))
        try peer.send(.command(id: 3, command: .attach(connection: two, user: "admin")))
        #expect(await eventually { await core.commands.count == 2 })
        #expect(await core.commands.compactMap(\.connection).contains(two))
        await core.release()
        #expect(await eventually { await core.commands.count == 3 })
        #expect(await core.commands.filter { $0.connection == one }.count == 2)
        await server.stop()
    }

    @Test("The client connects again after the core has been restarted, and says so")
    func restart() async throws {
        let path = try temporarySocket()
        let first = try await startServer(path, core: FakeCore())
        try await withClient(path) { client in
            var events = client.events.makeAsyncIterator()
            guard case .connected(_, restarted: false)? = await events.next() else {
                Issue.record("no first connection")
                return
            }
            await first.stop()
            #expect(await events.next() == .disconnected)
            await #expect(throws: ControlProblem.unreachable) { try await client.send(.status) }
            let second = try await startServer(path, core: FakeCore())
            guard case .connected(_, restarted: true)? = await events.next() else {
                Issue.record("no second connection")
                return
            }
            guard case .status = try await client.send(.status) else {
                Issue.record("no status")
                return
            }
            await second.stop()
        }
    }

    @Test("A command under way fails when the core is restarted")
    func underWayAtRestart() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        await core.hold()
        let first = try await startServer(path, core: core)
        try await withClient(path) { client in
            try await client.connected(within: .seconds(30))
            let asked = Task { try await client.send(.status) }
            #expect(await eventually { await core.commands.count == 1 })
            await first.stop()
            let second = try await startServer(path, core: FakeCore())
            await #expect(throws: ControlProblem.unreachable) { try await asked.value }
            await second.stop()
        }
        await core.release()
    }

    @Test("A command under way when only the connection is lost is sent again and done once")
    func underWayAtReconnect() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        await core.hold()
        let server = try await startServer(path, core: core, limits: .init(unreadBytes: 64 * 1024))
        try await withClient(path) { client in
            var events = client.events.makeAsyncIterator()
            _ = await events.next()
            let asked = Task { try await client.send(.status) }
            #expect(await eventually { await core.commands.count == 1 })
            // More than the server lets a client leave unread, so it cuts the connection.
            let long = Problem(code: "x", sentence: String(repeating: "a", count: 100_000))
            server.publish(.trunk(TrunkStatus(name: "t", state: .failed, problem: long)))
            var event = await events.next()
            while event != .disconnected { event = await events.next() }
            guard case .connected(_, restarted: false)? = await events.next() else {
                Issue.record("no second connection")
                return
            }
            await core.release()
            guard case .status = try await asked.value else {
                Issue.record("no status")
                return
            }
            #expect(await core.commands.count == 1)
        }
        await server.stop()
    }

    @Test("A command without a reply fails after its time")
    func silence() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        await core.hold()
        let server = try await startServer(path, core: core)
        try await withClient(path, replyWithin: .milliseconds(200)) { client in
            try await client.connected(within: .seconds(30))
            await #expect(throws: ControlProblem.silent) { try await client.send(.status) }
        }
        await core.release()
        await server.stop()
    }

    @Test("The phone sockets of a client that stays away are detached, those of one that comes back are not")
    func absence() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        let server = try await startServer(path, core: core, limits: .init(absence: .milliseconds(500)))
        let (gone, back) = (try connection(1), try connection(2))
        do {
            let leaving = try RawControlPeer(path: path)
            let returning = try RawControlPeer(path: path)
            try leaving.send(.hello(client: "leaving"))
            try returning.send(.hello(client: "returning"))
            try leaving.send(.command(id: 1, command: .attach(connection: gone, user: "admin")))
            try returning.send(.command(id: 1, command: .attach(connection: back, user: "admin")))
            #expect(await eventually { await core.commands.count == 2 })
        }
        let returned = try RawControlPeer(path: path)
        try returned.send(.hello(client: "returning"))
        #expect(await eventually { await core.commands.contains(.detach(connection: gone, departure: .lost)) })
        #expect(await core.commands.contains(.detach(connection: back, departure: .lost)) == false)
        await server.stop()
    }

    @Test("A phone socket that a new web process has attached is not lost with the former one")
    func handedOver() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        let server = try await startServer(path, core: core, limits: .init(absence: .milliseconds(300)))
        let (kept, gone) = (try connection(1), try connection(2))
        let next = try RawControlPeer(path: path)
        do {
            let former = try RawControlPeer(path: path)
            try former.send(.hello(client: "former"))
            for (id, each) in [kept, gone].enumerated() {
                try former.send(.command(id: UInt64(id), command: .attach(connection: each, user: "admin")))
            }
            #expect(await eventually { await core.commands.count == 2 })
            try next.send(.hello(client: "next"))
            try next.send(.command(id: 1, command: .attach(connection: kept, user: "admin")))
            #expect(await eventually { await core.commands.count == 3 })
        }
        #expect(await eventually { await core.commands.contains(.detach(connection: gone, departure: .lost)) })
        #expect(await core.commands.contains(.detach(connection: kept, departure: .lost)) == false)
        await server.stop()
    }

    @Test("The socket is for its owner and group, and a second core is refused")
    func oneCoreOnly() async throws {
        let path = try temporarySocket()
        let server = try await startServer(path, core: FakeCore())
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o660)
        do throws(Problem) {
            _ = try await ControlServer.start(
                path: path, logger: Logger(label: "test"), handler: { _ in .done },
                snapshot: { ControlSnapshot(trunk: TrunkStatus()) })
            Issue.record("a second core listens on the same socket")
        } catch {
            #expect(error.code == "control.already-running")
        }
        await server.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("A socket file left behind by a killed core is replaced")
    func staleFile() async throws {
        let path = try temporarySocket()
        #expect(FileManager.default.createFile(atPath: path, contents: Data()))
        let server = try await startServer(path, core: FakeCore())
        try await withClient(path) { try await $0.connected(within: .seconds(30)) }
        await server.stop()
    }

    @Test("A path that the kernel cannot hold is one sentence, not a crash")
    func longPath() async throws {
        do throws(Problem) {
            _ = try await ControlServer.start(
                path: "/tmp/" + String(repeating: "a", count: 200), logger: Logger(label: "test"),
                handler: { _ in .done }, snapshot: { ControlSnapshot(trunk: TrunkStatus()) })
            Issue.record("started")
        } catch {
            #expect(error.code == "control.cannot-listen")
        }
    }
}

func anyCall() -> CallIdentifier {
    var generator = SystemRandomNumberGenerator()
    return CallIdentifier(using: &generator)
}
