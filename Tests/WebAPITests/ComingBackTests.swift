import Call
import Control
import Foundation
import Testing
import Wire

@testable import WebAPI

@Suite("A page that comes back under its identity", .timeLimit(.minutes(5)))
struct ComingBackTests {
    private func identity(in ready: String) throws -> ConnectionIdentifier {
        let match = try #require(ready.firstMatch(of: /"phone":"([0-9a-f]{32})"/))
        return try #require(ConnectionIdentifier(String(match.output.1)))
    }

    private func identifier() -> ConnectionIdentifier {
        var generator = SystemRandomNumberGenerator()
        return ConnectionIdentifier(using: &generator)
    }

    @Test("To a new web process: it is told which calls go on, and can end them")
    func newProcess() async throws {
        try await withBox { box in
            let connection = identifier()
            let call = box.core.call
            let ended = CallIdentifier.random()
            await box.core.remember(
                connection, of: "admin",
                AttachedPhone(
                    calls: [.init(connection: connection, call: call, state: .active)],
                    ended: [.init(call: ended, reason: .busy)]))
            let phone = try await RawClient(port: box.port)
            #expect(try await phone.upgrade(token: box.token(), query: "?phone=\(connection)").status == 101)
            #expect(try identity(in: try await phone.text(with: "phone.ready")) == connection)
            #expect(try await phone.text(with: "call.ended", "\(ended)").contains("call.busy"))
            let calls = try await phone.text(with: "phone.calls")
            #expect(calls.contains("\"call\":\"\(call)\"") && calls.contains("\"state\":\"active\""))
            // An event of the call reaches the page and is not taken for one of a call that nobody knows.
            box.control.publish(.codec(connection: connection, call: call, codec: "pcma"))
            #expect(try await phone.text(with: "call.codec").contains("pcma"))
            box.control.publish(.state(connection: connection, call: call, state: .active))
            _ = try await phone.text(with: "call.state")
            #expect(!(await box.core.commands.contains(.end(connection: connection, call: call))))
            try await phone.sendText(#"{"jsonrpc":"2.0","id":1,"method":"call.end","params":{"call":"\#(call)"}}"#)
            _ = try await phone.text(with: "\"id\":1")
            #expect(await box.core.commands.contains(.end(connection: connection, call: call)))
        }
    }

    @Test("Another user gets nothing of it: no event, no command, and the socket closes")
    func otherUser() async throws {
        try await withBox { box in
            let connection = identifier()
            await box.core.remember(connection, of: "somebody else", AttachedPhone())
            let phone = try await RawClient(port: box.port)
            _ = try await phone.upgrade(token: box.token(), query: "?phone=\(connection)")
            try await phone.sendText(
                #"{"jsonrpc":"2.0","id":1,"method":"call.end","params":{"call":"\#(box.core.call)"}}"#)
            #expect(try await phone.closeCode() == 4403)
            #expect(!(await box.core.commands.contains(.end(connection: connection, call: box.core.call))))
            #expect(await box.core.detached.isEmpty)
        }
    }

    @Test("To the same process, before the former socket is known to be dead: the new one has it, nothing is lost")
    func sameProcess() async throws {
        try await withBox { box in
            let token = try await box.token()
            let former = try await RawClient(port: box.port)
            _ = try await former.upgrade(token: token)
            let connection = try identity(in: try await former.text(with: "phone.ready"))
            let next = try await RawClient(port: box.port)
            _ = try await next.upgrade(token: token, query: "?phone=\(connection)")
            #expect(try identity(in: try await next.text(with: "phone.ready")) == connection)
            #expect(try await former.closeCode() == 1001)
            #expect(await former.isClosed)
            _ = try await next.text(with: "phone.calls")
            box.control.publish(
                .incoming(connection: connection, call: box.core.call, from: Redacted("1"), name: nil))
            _ = try await next.text(with: "call.incoming")
            #expect(await box.core.detached.isEmpty)
        }
    }

    @Test("What the former socket had asked for and not got is not done in the name of the new one")
    func staleCommands() async throws {
        try await withBox { box in
            let token = try await box.token()
            let call = box.core.call
            let former = try await RawClient(port: box.port)
            _ = try await former.upgrade(token: token)
            let connection = try identity(in: try await former.text(with: "phone.ready"))
            _ = try await former.text(with: "phone.calls")
            await box.core.slowDown()
            let hold = #"{"jsonrpc":"2.0","id":1,"method":"call.hold","params":{"call":"\#(call)","held":true}}"#
            let end = #"{"jsonrpc":"2.0","id":2,"method":"call.end","params":{"call":"\#(call)"}}"#
            try await former.sendText(hold)
            #expect(
                await eventually { await box.core.commands.contains { if case .hold = $0 { true } else { false } } })
            try await former.sendText(end)
            try await former.sendText(#"{"jsonrpc":"2.0","id":3,"method":"phone.ping"}"#)
            _ = try await former.text(with: "\"id\":3")
            let next = try await RawClient(port: box.port)
            _ = try await next.upgrade(token: token, query: "?phone=\(connection)")
            _ = try await next.text(with: "phone.ready")
            await box.core.goOn()
            for number in 10..<60 {
                try await next.sendText(hold.replacing("\"id\":1", with: "\"id\":\(number)"))
                _ = try await next.text(with: "\"id\":\(number)")
            }
            #expect(!(await box.core.commands.contains(.end(connection: connection, call: call))))
        }
    }

    @Test("What is no identity is a new page", arguments: ["?phone=", "?phone=x", "?phone=../../etc", "?other=1"])
    func noIdentity(query: String) async throws {
        try await withBox { box in
            let phone = try await RawClient(port: box.port)
            _ = try await phone.upgrade(token: box.token(), query: query)
            _ = try identity(in: try await phone.text(with: "phone.ready"))
        }
    }
}

extension CallIdentifier {
    fileprivate static func random() -> CallIdentifier {
        var generator = SystemRandomNumberGenerator()
        return CallIdentifier(using: &generator)
    }
}
