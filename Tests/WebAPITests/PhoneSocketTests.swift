import Accounts
import Control
import Foundation
import Testing
import Wire

@testable import WebAPI

@Suite("RFC 6455 the phone socket", .timeLimit(.minutes(5)))
struct PhoneSocketTests {
    @Test("A page that is signed in gets the handshake of RFC 6455 §1.3 and hears phone.ready first")
    func handshake() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            let answer = try await client.upgrade(token: box.token())
            #expect(answer.status == 101)
            #expect(answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            let ready = try await client.text()
            #expect(ready.contains("\"method\":\"phone.ready\""))
            #expect(ready.contains("\"state\":\"registered\""))
            #expect(ready.contains("\"user\":\"admin\""))
        }
    }

    @Test("Whoever is refused gets a whole answer and the connection's end")
    func refusals() async throws {
        try await withBox { box in
            let token = try await box.token()
            let auditor = try await box.auditor()
            let refusals: [(token: String?, origin: String?, version: String, status: Int)] = [
                (nil, "http://127.0.0.1", "13", 401), ("a.b.c", "http://127.0.0.1", "13", 401),
                (String(token.dropLast(10)), "http://127.0.0.1", "13", 401), (auditor, "http://127.0.0.1", "13", 403),
                (token, "https://evil.example", "13", 403), (token, nil, "13", 403), (token, "null", "13", 403),
                (token, "http://127.0.0.1.evil.example", "13", 403), (token, "http://127.0.0.1", "8", 426),
            ]
            for (token, origin, version, status) in refusals {
                let client = try await RawClient(port: box.port)
                let answer = try await client.upgrade(token: token, origin: origin, version: version)
                #expect(answer.status == status)
                #expect(answer["connection"] == "close")
                #expect(answer.member("code")?.contains(/^(web|account)\./) == true)
                #expect(await client.isClosed)
            }
        }
    }

    @Test("A request to upgrade to anything else is answered as plain HTTP")
    func otherUpgrade() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            let headers = [
                "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
            ]
            #expect(try await client.request("GET", "/", headers: headers).status == 200)
            #expect(await client.isClosed)
        }
    }

    @Test(
        "Close code 1000 signs off, 1001 leaves a page that may be back",
        arguments: [(1000, PhoneDeparture.signedOff), (1001, .closed)])
    func goodbye(code: Int, departure: PhoneDeparture) async throws {
        try await withBox { box in
            let phone = try await box.phone()
            try await phone.sendFrame(8, [UInt8(code >> 8), UInt8(code & 0xff)])
            #expect(try await phone.closeCode() == code)
            #expect(await phone.isClosed)
            #expect(await eventually { await box.core.detached == [departure] })
        }
    }

    @Test("A connection that is just gone, or closed with another code, is not a goodbye")
    func lost() async throws {
        try await withBox { box in
            let vanishing = try await box.phone()
            await vanishing.vanish()
            #expect(await eventually { await box.core.detached == [.lost] })
            let failing = try await box.phone()
            try await failing.sendFrame(8, [0x0f, 0xa0])
            #expect(await eventually { await box.core.detached == [.lost, .lost] })
        }
    }

    @Test("Pings are sent and answered, and a page that does not answer is lost")
    func pings() async throws {
        var limits = WebLimits()
        limits.ping = .seconds(2)
        try await withBox(limits: limits) { box in
            let phone = try await box.phone()
            try await phone.sendFrame(9, Array("hello".utf8))
            var opcodes: [UInt8] = []
            while !opcodes.contains(10) || !opcodes.contains(9) {
                let frame = try await phone.frame()
                opcodes.append(frame.opcode)
                if frame.opcode == 10 { #expect(frame.text == "hello") }
            }
            #expect(await phone.isClosed)
            #expect(await eventually { await box.core.detached == [.lost] })
        }
    }

    @Test("A message in fragments is one message, with a ping between them")
    func fragments() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            let text = Array(#"{"jsonrpc":"2.0","id":"grüße","method":"phone.ping"}"#.utf8)
            try await phone.sendFrame(1, Array(text.prefix(30)), fin: false)
            try await phone.sendFrame(9, [])
            try await phone.sendFrame(0, Array(text[30..<31]), fin: false)
            try await phone.sendFrame(0, Array(text.dropFirst(31)))
            #expect(try await phone.text(with: "grüße").contains("\"result\":{}"))
        }
    }

    @Test("What breaks the protocol closes the socket with the code that says why")
    func violations() async throws {
        try await withBox { box in
            let large = [UInt8](repeating: 0x20, count: 40_000)
            let breaches: [(code: Int, act: (RawClient) async throws -> Void)] = [
                (1002, { try await $0.sendFrame(1, [0x7b, 0x7d], masked: false) }),
                (1002, { try await $0.sendFrame(0, [0x7b]) }),
                (1002, { try await $0.sendFrame(3, []) }),
                (1002, { try await $0.sendFrame(9, [], fin: false) }),
                (1003, { try await $0.sendFrame(2, [1, 2, 3]) }),
                (1007, { try await $0.sendFrame(1, [0xc3, 0x28]) }),
                (1009, { try await $0.sendFrame(1, [UInt8](repeating: 0x20, count: 65_537)) }),
                (
                    1009,
                    {
                        try await $0.sendFrame(1, large, fin: false)
                        try await $0.sendFrame(0, large)
                    }
                ),
            ]
            for (code, act) in breaches {
                let phone = try await box.phone()
                try await act(phone)
                #expect(try await phone.closeCode() == code)
                #expect(await phone.isClosed)
            }
        }
    }

    @Test("A page that sends faster than the box works is cut off")
    func flood() async throws {
        try await withBox { box in
            let phone = try await box.phone()
            let ping = #"{"jsonrpc":"2.0","id":1,"method":"phone.ping"}"#
            // Without reading the answers: either queue fills.
            do { for _ in 0..<50_000 { try await phone.sendText(ping) } } catch {}
            #expect(await phone.isClosed)
        }
    }

    @Test("Signing out closes the phone sockets of that session")
    func signOut() async throws {
        try await withBox { box in
            let token = try await box.token()
            let phone = try await RawClient(port: box.port)
            _ = try await phone.upgrade(token: token)
            _ = try await phone.text(with: "phone.ready")
            let out = try await RawClient(port: box.port)
                .request("DELETE", "/api/v1/session", headers: ["Authorization: Bearer \(token)"])
            #expect(out.status == 204)
            #expect(try await phone.closeCode() == 1008)
            #expect(await eventually { await box.core.detached == [.signedOff] })
        }
    }

    @Test("A session that has ended without anybody telling the hub ends the socket with the next ping, as a sign-off")
    func sessionIsOver() async throws {
        var limits = WebLimits()
        limits.ping = .seconds(2)
        try await withBox(limits: limits) { box in
            let phone = try await box.phone()
            let name = try #require(AccountName(FirstOwner.name))
            for session in box.accounts.sessions(of: name, now: .now) {
                try await box.accounts.endSession(session.id)
            }
            // The page is alive, should a ping have gone unanswered already.
            try await phone.sendText(#"{"jsonrpc":"2.0","id":1,"method":"phone.ping"}"#)
            #expect(try await phone.closeCode() == 1008)
            #expect(await eventually { await box.core.detached == [.signedOff] })
        }
    }
}
