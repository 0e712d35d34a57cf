import Call
import Control
import Foundation
import Testing
import Wire

@testable import WebAPI

@Suite("JSON-RPC 2.0 on the phone socket", .timeLimit(.minutes(5)))
struct PhoneCallTests {
    private static let start =
        #"{"jsonrpc":"2.0","id":1,"method":"call.start","params":{"to":"+4930123456","sdp":"v=0\r\n"}}"#

    @Test("A call from the page: identifier first, then its events, digits and the end")
    func outgoing() async throws {
        try await withBox { box in
            await box.core.publishEarly { box.control.publish($0) }
            let phone = try await box.phone()
            let call = box.core.call
            try await phone.sendText(Self.start)
            #expect(
                try await phone.text(with: "\"id\":1").contains("\"call\":\"\(call)\""))
            #expect(try await phone.text(with: "call.state").contains("\"state\":\"dialling\""))

            let connection = try #require(await box.core.connections.last)
            box.control.publish(.state(connection: connection, call: call, state: .active))
            #expect(try await phone.text(with: "call.state").contains("\"state\":\"active\""))
            box.control.publish(.codec(connection: connection, call: call, codec: "pcma"))
            #expect(try await phone.text(with: "call.codec").contains("\"codec\":\"pcma\""))

            try await phone.sendText(
                #"{"jsonrpc":"2.0","id":"d","method":"call.digits","params":{"call":"\#(call)","digits":"12#"}}"#)
            #expect(try await phone.text(with: "\"id\":\"d\"").contains("\"result\":{}"))
            try await phone.sendText(
                #"{"jsonrpc":"2.0","id":3,"method":"call.end","params":{"call":"\#(call)"}}"#)
            #expect(try await phone.text(with: "\"id\":3").contains("\"result\":{}"))
            box.control.publish(.ended(connection: connection, call: call, reason: .busy))
            let ended = try await phone.text(with: "call.ended")
            #expect(ended.contains("\"code\":\"call.busy\""))
            #expect(ended.contains("The number is busy."))
            #expect(
                await box.core.commands.contains(
                    .start(connection: connection, to: Redacted("+4930123456"), offer: Redacted("v=0\r\n"))))
            #expect(
                await box.core.commands.contains(.digits(connection: connection, call: call, digits: Redacted("12#"))))
        }
    }

    @Test("A page holds a call, transfers it, brings two together, and is told who holds it")
    func holdAndTransfer() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            try await phone.sendText(Self.start)
            _ = try await phone.text(with: "\"id\":1")
            let (call, other) = (box.core.call, "00112233445566778899aabbccddeeff")
            let connection = try #require(await box.core.connections.last)
            for (id, method, more) in [
                (2, "call.hold", #""held":true"#), (3, "call.transfer", #""to":"+49301""#),
                (4, "call.transfer", #""other":"\#(other)""#),
            ] {
                try await phone.sendText(
                    #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":{"call":"\#(call)",\#(more)}}"#)
                #expect(try await phone.text(with: "\"id\":\(id)").contains("\"result\":{}"))
            }
            let second = try #require(CallIdentifier(other))
            let asked: [ControlCommand] = [
                .hold(connection: connection, call: call, wanted: true),
                .transfer(connection: connection, call: call, to: Redacted("+49301")),
                .bringTogether(connection: connection, call: call, other: second),
            ]
            #expect(await box.core.commands.suffix(3) == asked[...])
            box.control.publish(.held(connection: connection, call: call, here: true, there: false))
            let held = try await phone.text(with: "call.held")
            #expect(held.contains("\"here\":true") && held.contains("\"there\":false"))
        }
    }

    @Test("A call to the page: it rings, offers, answers")
    func incoming() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            let connection = try #require(await box.core.connections.last)
            let call = box.core.call
            box.control.publish(
                .incoming(connection: connection, call: call, from: Redacted("+49301"), name: Redacted("Anna")))
            let rings = try await phone.text(with: "call.incoming")
            #expect(rings.contains("\"from\":\"+49301\""))
            #expect(rings.contains("\"name\":\"Anna\""))
            try await phone.sendText(
                #"{"jsonrpc":"2.0","id":1,"method":"call.offer","params":{"call":"\#(call)","sdp":"v=0\r\n"}}"#)
            #expect(try await phone.text(with: "\"id\":1").contains("\"result\":{\"sdp\":\"v=0"))
            try await phone.sendText(
                #"{"jsonrpc":"2.0","id":2,"method":"call.answer","params":{"call":"\#(call)"}}"#)
            #expect(try await phone.text(with: "\"id\":2").contains("\"result\":{}"))
            #expect(await box.core.commands.contains(.answer(connection: connection, call: call)))
        }
    }

    @Test("A call that comes in while a page is just connecting rings there, and is not ended")
    func incomingWhileConnecting() async throws {
        try await withBox { box in
            let control = box.control
            await box.core.publishEarly { control.publish($0) }
            await box.core.ringWhileAttaching()
            let phone = try await box.phone()
            _ = try await phone.text(with: "phone.calls")
            #expect(try await phone.text(with: "call.incoming").contains("\(box.core.call)"))
            try await phone.sendText(#"{"jsonrpc":"2.0","id":1,"method":"phone.ping"}"#)
            _ = try await phone.text(with: "\"id\":1")
            let connection = try #require(await box.core.connections.last)
            #expect(!(await box.core.commands.contains(.end(connection: connection, call: box.core.call))))
        }
    }

    @Test("A call whose caller was verified says so, and one may be dialled without showing the own number")
    func privacy() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            let connection = try #require(await box.core.connections.last)
            box.control.publish(
                .incoming(
                    connection: connection, call: box.core.call, from: Redacted("+1555"), name: nil,
                    verification: .failed))
            #expect(try await phone.text(with: "call.incoming").contains("\"verification\":\"failed\""))
            try await phone.sendText(
                #"{"jsonrpc":"2.0","id":7,"method":"call.start","params":{"to":"1","sdp":"v=0\r\n","hidden":true}}"#)
            _ = try await phone.text(with: "\"id\":7")
            let start = ControlCommand.start(
                connection: connection, to: Redacted("1"), offer: Redacted("v=0\r\n"), hidesNumber: true)
            #expect(await box.core.commands.contains(start))
        }
    }

    @Test("A number that the box does not dial: the rule, with its remedy; the core knows whose page it is")
    func notDialled() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            // What a page says about its user does not count.
            try await phone.sendText(
                #"{"jsonrpc":"2.0","id":9,"method":"call.start","params":{"to":"0900","sdp":"v=0","user":"root"}}"#)
            let error = try await phone.text(with: "\"id\":9")
            let problem = DiallingRefusal.premium.problem
            for part in ["-32000", problem.code, problem.sentence, problem.remedy] { #expect(error.contains(part)) }
            let connection = try #require(await box.core.connections.last)
            #expect(await box.core.commands.contains(.attach(connection: connection, user: "admin")))
        }
    }

    @Test("What the core refuses comes as code, sentence and remedy")
    func refused() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            try await phone.sendText(
                #"{"jsonrpc":"2.0","id":9,"method":"call.start","params":{"to":"0","sdp":"v=0"}}"#)
            let error = try await phone.text(with: "\"id\":9")
            for part in ["-32000", "call.wrong-number", "This number does not exist.", "\"remedy\""] {
                #expect(error.contains(part))
            }
        }
    }

    @Test(
        "The errors of JSON-RPC 2.0 §5.1",
        arguments: [
            ("junk", -32700, "null"), (#"{"jsonrpc":"2.0","id":1"#, -32700, "null"), ("[]", -32600, "null"),
            ("5", -32600, "null"), (#"{"id":4,"method":"phone.ping"}"#, -32600, "4"),
            (#"{"jsonrpc":"1.0","id":"x","method":"phone.ping"}"#, -32600, "\"x\""),
            (#"{"jsonrpc":"2.0","id":{},"method":"phone.ping"}"#, -32600, "null"),
            (#"{"jsonrpc":"2.0","id":4,"method":5}"#, -32600, "4"),
            (#"{"jsonrpc":"2.0","id":4,"method":"call.fly"}"#, -32601, "4"),
            (#"{"jsonrpc":"2.0","id":4,"method":"call.end"}"#, -32602, "4"),
            (#"{"jsonrpc":"2.0","id":4,"method":"call.end","params":{"call":"x"}}"#, -32602, "4"),
            (#"{"jsonrpc":"2.0","id":4,"method":"call.start","params":{"to":"","sdp":"v"}}"#, -32602, "4"),
            (#"{"jsonrpc":"2.0","id":4,"method":"call.start","params":{"to":"1\r\nX: y","sdp":"v"}}"#, -32602, "4"),
            (
                #"{"jsonrpc":"2.0","id":4,"method":"call.digits","params":{"call":"00112233445566778899aabbccddeeff","digits":"1;2"}}"#,
                -32602, "4"
            ),
            (
                #"{"jsonrpc":"2.0","id":4,"method":"call.hold","params":{"call":"00112233445566778899aabbccddeeff"}}"#,
                -32602, "4"
            ),
            (
                #"{"jsonrpc":"2.0","id":4,"method":"call.transfer","params":{"call":"00112233445566778899aabbccddeeff"}}"#,
                -32602, "4"
            ),
        ])
    func standardErrors(message: String, code: Int, id: String) async throws {
        try await withBox { box in
            let phone = try await box.phone()
            try await phone.sendText(message)
            let error = try await phone.text(with: "\"error\"")
            #expect(error.contains("\"code\":\(code)"))
            #expect(error.contains("\"id\":\(id)"))
        }
    }

    @Test("A notification is never answered, and a ping does not wait behind a slow command")
    func notificationAndPing() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            _ = try await phone.text(with: "phone.calls")
            await box.core.fallSilent()
            try await phone.sendText(Self.start)
            try await phone.sendText(#"{"jsonrpc":"2.0","method":"phone.ping"}"#)
            try await phone.sendText(#"{"jsonrpc":"2.0","id":7,"method":"phone.ping"}"#)
            let answer = try await phone.text()
            #expect(answer.contains("\"id\":7"))
            #expect(answer.contains("\"result\":{}"))
        }
    }

    @Test("While the core restarts the page stays, is told, and its calls fail instead of hanging")
    func restart() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            let call = box.core.call
            try await phone.sendText(Self.start)
            _ = try await phone.text(with: "\"id\":1")
            await box.control.stop()
            let state = try await phone.text(with: "trunk.state")
            #expect(state.contains("core.unreachable"))
            #expect(state.contains("\"state\":\"failed\""))
            try await phone.sendText(Self.start.replacing("\"id\":1", with: "\"id\":2"))
            #expect(try await phone.text(with: "\"id\":2").contains("core.unreachable"))
            let status = try await RawClient(port: box.port)
                .request("GET", "/api/v1/status", headers: ["Authorization: Bearer \(box.token())"])
            #expect(status.status == 503)
            #expect(status.member("code") == "core.unreachable")

            let core = FakeCore()
            let control = try await Box.startControl(box.controlPath, core)
            let ended = try await phone.text(with: "call.ended")
            #expect(ended.contains("\(call)"))
            #expect(try await phone.text(with: "trunk.state").contains("\"state\":\"registered\""))
            #expect(await core.connections.count == 1)
            try await phone.sendText(Self.start.replacing("\"id\":1", with: "\"id\":3"))
            #expect(try await phone.text(with: "\"id\":3").contains("\"result\""))
            await control.stop()
        }
    }
}
