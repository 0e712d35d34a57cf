import Call
import Control
import Foundation
import Testing
import Wire

@Suite("Control socket: frames from a confused or hostile peer", .serialized, .timeLimit(.minutes(5)))
struct ControlFrameTests {
    @Test("A frame that comes byte by byte is one frame")
    func splitFrames() async throws {
        let path = try temporarySocket()
        let server = try await startServer(path, core: FakeCore())
        let peer = try RawControlPeer(path: path)
        let bytes = try framed(.hello(client: "slow")) + framed(.command(id: 7, command: .status))
        for byte in bytes { peer.send([byte]) }
        guard case .snapshot(_, last: 0, _)? = try await peer.receive() else {
            Issue.record("no snapshot")
            return
        }
        guard case .reply(id: 7, .status)? = try await peer.receive() else {
            Issue.record("no reply")
            return
        }
        await server.stop()
    }

    @Test(
        "Junk cuts off its sender only",
        arguments: [
            Junk("a frame of no bytes", [0, 0, 0, 0]),
            Junk("the greatest length", [0xff, 0xff, 0xff, 0xff, 1, 2, 3]),
            Junk("one byte above the limit", [0, 4, 0, 1] + Array(repeating: 0x20, count: 1000)),
            Junk("a hello without its client", framed(Array("{\"hello\":{}}".utf8))),
            Junk("cut off JSON", framed(Array("[[[[[[[[[[[[".utf8))),
            Junk(
                "a command before the hello",
                framed(Array("{\"command\":{\"id\":1,\"command\":{\"status\":{}}}}".utf8))),
            Junk("a client without a name", framed(Array("{\"hello\":{\"client\":\"\"}}".utf8))),
            Junk("not UTF-8", framed([0xc3, 0x28, 0xff])),
            Junk("JSON 200,000 arrays deep", framed(Array(repeating: UInt8(ascii: "["), count: 200_000))),
        ])
    func junk(_ junk: Junk) async throws {
        let path = try temporarySocket()
        let server = try await startServer(path, core: FakeCore())
        try await withClient(path) { client in
            try await client.connected(within: .seconds(30))
            let peer = try RawControlPeer(path: path)
            peer.send(junk.bytes)
            #expect(await peer.isCutOff)
            guard case .status = try await client.send(.status) else {
                Issue.record("the other client suffers")
                return
            }
        }
        await server.stop()
    }

    @Test("A repeated command is done once and answered twice")
    func duplicates() async throws {
        let path = try temporarySocket()
        let core = FakeCore()
        let server = try await startServer(path, core: core)
        let attach = ControlRequest.command(id: 1, command: .attach(connection: try connection(1), user: "admin"))
        let peer = try RawControlPeer(path: path)
        try peer.send(.hello(client: "twice"))
        _ = try await peer.receive()
        try peer.send(attach)
        #expect(try await peer.receive() == .reply(id: 1, reply: .done))
        try peer.send(attach)
        #expect(try await peer.receive() == .reply(id: 1, reply: .done))

        let again = try RawControlPeer(path: path)
        try again.send(.hello(client: "twice"))
        _ = try await again.receive()
        try again.send(attach)
        #expect(try await again.receive() == .reply(id: 1, reply: .done))
        #expect(await core.commands.count == 1)

        let other = try RawControlPeer(path: path)
        try other.send(.hello(client: "other"))
        _ = try await other.receive()
        try other.send(attach)
        #expect(try await other.receive() == .reply(id: 1, reply: .done))
        #expect(await core.commands.count == 2)
        await server.stop()
    }

    @Test("A client that does not read is cut off")
    func slowReader() async throws {
        let path = try temporarySocket()
        let server = try await startServer(path, core: FakeCore(), limits: .init(unreadBytes: 64 * 1024))
        let peer = try RawControlPeer(path: path)
        try peer.send(.hello(client: "asleep"))
        _ = try await peer.receive()
        let problem = Problem(code: "x", sentence: String(repeating: "a", count: 1000))
        for _ in 0..<2000 { server.publish(.trunk(TrunkStatus(name: "t", state: .failed, problem: problem))) }
        // Whoever greets now is served after all of that, so nothing was read meanwhile.
        let next = try RawControlPeer(path: path)
        try next.send(.hello(client: "awake"))
        guard case .snapshot(_, last: 2000, _)? = try await next.receive() else {
            Issue.record("no snapshot after 2,000 events")
            return
        }
        #expect(await peer.isCutOff)
        await server.stop()
    }

    @Test("Numbers, SDP and digits do not show when a message is printed")
    func redaction() throws {
        let secret = "4930123456"
        let tab = try connection(1)
        let command = ControlCommand.start(connection: tab, to: Redacted(secret), offer: Redacted(secret))
        let event = ControlEvent.incoming(
            connection: tab, call: anyCall(), from: Redacted(secret), name: Redacted(secret))
        let reply = ControlReply.media(call: anyCall(), answer: Redacted(secret))
        let ongoing = ControlSnapshot.OngoingCall(
            connection: tab, call: anyCall(), state: .ringing, from: Redacted(secret), name: Redacted(secret))
        let snapshot = ControlSnapshot(trunk: TrunkStatus(), calls: [ongoing])
        for message in [command, event, reply, snapshot] as [Any] {
            var dumped = ""
            dump(message, to: &dumped)
            #expect(!"\(message)\(String(reflecting: message))\(dumped)".contains(secret))
        }
        let json = String(decoding: try JSONEncoder().encode(command), as: UTF8.self)
        #expect(json.contains("\"to\":\"\(secret)\""))
    }
}

struct Junk: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]

    init(_ testDescription: String, _ bytes: [UInt8]) {
        self.testDescription = testDescription
        self.bytes = bytes
    }
}
