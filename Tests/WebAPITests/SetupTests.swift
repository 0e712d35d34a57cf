import Accounts
import Control
import Foundation
import HTTPTypes
import Testing
import Wire

@testable import WebAPI

@Suite("A new box and whose it becomes", .timeLimit(.minutes(5)))
struct SetupTests {
    private func ask(
        _ box: Box, _ method: String, _ path: String, body: String = ""
    ) async throws -> RawClient.Answer {
        try await RawClient(port: box.port).request(method, "/api/v1/\(path)", body: body)
    }

    private func claim(_ box: Box, _ token: String, name: String = "eva", password: String = "long enough") async throws
        -> RawClient.Answer
    {
        let body = #"{"token":"\#(token)","name":"\#(name)","display_name":"Eva E.","password":"\#(password)"}"#
        return try await ask(box, "POST", "setup/claim", body: body)
    }

    /// As a command of this machine gets one.
    private func token(_ box: Box) async throws -> String {
        struct New: Decodable { var token: String }
        return try await client(box).json(.init("/api/v1/setup/token", method: "POST"), as: New.self).token
    }

    private func client(_ box: Box) -> OperatorClient {
        let gone = Problem(code: "test.gone", sentence: "Nobody is there.")
        return OperatorClient(path: box.stateDirectory + "/web.sock", notRunning: gone)
    }

    /// The core opens its ports, as soon as it is told.
    private func opening(_ box: Box) -> Task<ControlServer?, any Error> {
        Task {
            guard await eventually({ await box.core.commands.contains(.claimed) }) else { throw RawClient.Closed() }
            await box.control.stop()
            return try await Box.startControl(box.controlPath, box.core)
        }
    }

    // MARK: The token

    @Test("A token has 140 bits, is good for a day, and its spelling does not matter")
    func spelling() {
        let text = SetupToken.make()
        #expect(text.revealed.wholeMatch(of: /[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){6}/) != nil)
        let now = MonotonicTime.now()
        var token = SetupToken(Redacted("0123-1abc"), now: now)
        for same in ["0123-1abc", "O1 23 iABC", "ol23labc", "01231abc\n"] {
            #expect(token.check(Redacted(same), now: now) == .right)
        }
        let day = Duration.seconds(86_400)
        #expect(token.check(Redacted("0123-1abc"), now: now + (day - Duration.milliseconds(1))) == .right)
        #expect(token.check(Redacted("0123-1abc"), now: now + day) == .ended)
    }

    @Test("A beginning, an end, or more than the token is wrong; ten wrong ones burn it")
    func burning() {
        let text = SetupToken.make().revealed
        let now = MonotonicTime.now()
        var token = SetupToken(Redacted(text), now: now)
        let wrong = [
            "", String(text.dropLast()), String(text.dropFirst()), text + "0", text + text, "\u{0}" + text, "é",
        ]
        for other in wrong { #expect(token.check(Redacted(other), now: now) == .wrong(isLast: false)) }
        #expect(token.check(Redacted(text), now: now) == .right)
        for count in wrong.count + 1...SetupToken.mostWrong {
            #expect(token.check(Redacted("x"), now: now) == .wrong(isLast: count == SetupToken.mostWrong))
        }
        #expect(token.check(Redacted(text), now: now) == .ended)
    }

    // MARK: Before the claim

    @Test("Until it is claimed every address but the set-up's says so, and nobody is asked who they are")
    func unclaimed() async throws {
        try await withBox(isClaimed: false) { box in
            for route in WebResponder.routes where route.pattern.first != "setup" {
                let path = route.pattern.map { $0 == "*" ? "x" : $0 }.joined(separator: "/")
                let answer = try await ask(box, route.method.rawValue, path, body: route.method == .get ? "" : "{}")
                #expect(answer.status == 409 && answer.member("code") == "setup.unclaimed", "\(route.method) \(path)")
            }
            #expect(try await ask(box, "GET", "no/such/address").status == 409)
            let state = try await ask(box, "GET", "setup")
            #expect(state.status == 200)
            #expect(String(decoding: state.body, as: UTF8.self) == #"{"claimed":false}"#)
            #expect(try await ask(box, "POST", "setup/token").status == 401)
            #expect(try await RawClient(port: box.port).request("GET", "/").status == 200)
            let phone = try await RawClient(port: box.port)
            #expect(try await phone.upgrade(token: "x").status == 409)
        }
    }

    @Test("The way in lies in a note that its owner alone may read, until it has served")
    func note() async throws {
        try await withBox(isClaimed: false) { box in
            let path = SetupNote.path(in: box.stateDirectory)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let text = try #require(SetupNote.last(in: box.stateDirectory)).revealed
            let link = try #require(text.firstMatch(of: #/Open http://127\.0\.0\.1:\d+/\#setup=(\S+) /#))
            let opening = opening(box)
            #expect(try await claim(box, String(link.output.1)).status == 200)
            #expect(SetupNote.last(in: box.stateDirectory) == nil)
            await (try await opening.value)?.stop()
        }
    }

    // MARK: The claim

    @Test("Whoever has the token is the owner, signed in, and the core is told; nobody is after them")
    func claims() async throws {
        try await withBox(isClaimed: false) { box in
            let first = try #require(SetupNote.last(in: box.stateDirectory)).revealed
            let text = try await token(box)
            #expect(!first.contains(text))
            // What is wrong with the rest costs no attempt.
            #expect(try await claim(box, text, name: "Eva Braun!").member("code") == "account.bad-name")
            #expect(try await claim(box, text, password: "short").member("code") == "account.password-too-short")
            let opening = opening(box)
            let answer = try await claim(box, text)
            #expect(answer.status == 200)
            await (try await opening.value)?.stop()
            #expect(answer.member("role") == "owner" && answer.member("name") == "Eva E.")
            let bearer = try #require(answer.member("token"))
            let session = try await RawClient(port: box.port).request(
                "GET", "/api/v1/session", headers: ["Authorization: Bearer \(bearer)"])
            #expect(session.member("user") == "eva")
            #expect(try await claim(box, text, name: "second").member("code") == "setup.claimed")
            #expect(box.accounts.accounts.map(\.role) == [.owner])
            await #expect {
                try await client(box).send(.init("/api/v1/setup/token", method: "POST"))
            } throws: {
                ($0 as? Problem)?.code == "setup.claimed"
            }
        }
    }

    @Test("Ten wrong tokens burn the right one; a new one is good")
    func burnt() async throws {
        try await withBox(isClaimed: false) { box in
            let text = try await token(box)
            for _ in 0..<SetupToken.mostWrong {
                let answer = try await claim(box, "wrong")
                #expect(answer.status == 403 && answer.member("code") == "setup.wrong-token")
            }
            let late = try await claim(box, text)
            #expect(late.status == 410 && late.member("code") == "setup.token-ended")
            #expect(SetupNote.last(in: box.stateDirectory) == nil)
            #expect(box.accounts.isEmpty)
            let opening = opening(box)
            #expect(try await claim(box, try await token(box)).status == 200)
            await (try await opening.value)?.stop()
        }
    }

    @Test("Of two who come at once with the token exactly one gets the box")
    func race() async throws {
        try await withBox(isClaimed: false) { box in
            let text = try await token(box)
            let opening = opening(box)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<4 {
                    group.addTask { try await self.claim(box, text, name: "eva\(number)").status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            await (try await opening.value)?.stop()
            #expect(statuses.sorted() == [200, 409, 409, 409])
            #expect(box.accounts.accounts.count == 1)
        }
    }

    @Test("Commands of this machine claim the box too, and for its owner alone")
    func operators() async throws {
        try await withBox(isClaimed: false) { box in
            await #expect {
                let body = Array(#"{"user":"uwe","role":"user"}"#.utf8)
                return try await client(box).send(.init("/api/v1/users", method: "POST", body: body))
            } throws: {
                ($0 as? Problem)?.code == "setup.owner-first"
            }
            #expect(box.accounts.isEmpty)
            let body = Array(#"{"password":"long enough"}"#.utf8)
            _ = try await client(box).send(.init("/api/v1/users/admin/password", method: "PUT", body: body))
            #expect(box.accounts.accounts.map(\.role) == [.owner])
            #expect(await eventually { await box.core.commands.contains(.claimed) })
            let signedIn = try await ask(
                box, "POST", "session", body: #"{"user":"admin","password":"long enough"}"#)
            #expect(signedIn.status == 200)
        }
        try await withBox(isClaimed: false) { box in
            let body = Array(#"{"user":"eva","role":"owner"}"#.utf8)
            _ = try await client(box).send(.init("/api/v1/users", method: "POST", body: body))
            #expect(box.accounts.accounts.map(\.state) == [.invited])
            #expect(try await ask(box, "GET", "setup").body == Array(#"{"claimed":true}"#.utf8))
        }
    }

    @Test("A core that waits on a claimed box is told as soon as it is there")
    func forgetfulCore() async throws {
        try await withBox { box in
            await box.control.stop()
            let waiting = try await Box.startControl(box.controlPath, box.core, waits: true)
            // Again and again, as long as it waits.
            #expect(await eventually { await box.core.commands.count { $0 == .claimed } >= 2 })
            await waiting.stop()
            let open = try await Box.startControl(box.controlPath, box.core)
            #expect(await eventually { await box.server.hub.isConnected })
            await open.stop()
        }
    }
}
