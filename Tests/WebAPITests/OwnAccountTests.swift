import Foundation
import Testing
import Wire

@testable import Accounts
@testable import WebAPI

@Suite("One's own account", .timeLimit(.minutes(5)))
struct OwnAccountTests {
    private func ask(
        _ box: Box, _ method: String, _ path: String, _ token: String, body: String = ""
    ) async throws -> RawClient.Answer {
        try await RawClient(port: box.port).request(
            method, "/api/v1/\(path)", headers: ["Authorization: Bearer \(token)"], body: body)
    }

    /// As if every password had been given an hour ago.
    private func age(_ box: Box, _ user: String = "admin") async throws {
        let name = try #require(AccountName(user))
        for session in box.accounts.sessions(of: name, now: .now) {
            await box.accounts.proved(session.id, now: .now - 3600)
        }
    }

    private struct Begun: Decodable {
        var secret: String
        var address: String
        var qr: [String]
    }

    private struct Codes: Decodable { var recoveryCodes: [String] }

    private func code(_ begun: Begun, at moment: Date = .now) throws -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        let bits = begun.secret.filter { $0 != " " }.flatMap { letter -> [Bool] in
            let value = alphabet.firstIndex(of: letter) ?? 0
            return (0..<5).map { value >> (4 - $0) & 1 == 1 }
        }
        let bytes = stride(from: 0, to: bits.count - 7, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        return OneTimePassword(secret: bytes).code(at: moment).revealed
    }

    @Test("A new password asks for the present one, ends every other session, and this page goes on with its call")
    func password() async throws {
        try await withBox { box in
            let name = try #require(AccountName("admin"))
            let (own, other) = (try await box.token(), try await box.token())
            let (here, there) = (try await RawClient(port: box.port), try await RawClient(port: box.port))
            #expect(try await here.upgrade(token: own).status == 101)
            _ = try await here.text(with: "phone.ready")
            #expect(try await there.upgrade(token: other).status == 101)
            let wrong = try await ask(
                box, "PUT", "account/password", own, body: #"{"present":"wrong","password":"a new one it is"}"#)
            #expect(wrong.status == 403 && wrong.member("code") == "web.wrong-password")
            let short = try await ask(
                box, "PUT", "account/password", own, body: #"{"present":"\#(Box.password)","password":"short"}"#)
            #expect(short.member("code") == "account.password-too-short")
            #expect(box.accounts.sessions(of: name, now: .now).count == 2)
            let done = try await ask(
                box, "PUT", "account/password", own,
                body: #"{"present":"\#(Box.password)","password":"a new one it is"}"#)
            #expect(done.status == 200)
            #expect(try await there.closeCode() == 1008)
            #expect(try await ask(box, "GET", "account", own).status == 401)
            let next = try #require(done.member("token"))
            #expect(try await ask(box, "GET", "account", next).status == 200)
            #expect(box.accounts.sessions(of: name, now: .now).count == 1)
            #expect(try await box.accounts.passwordHash(name).matches(Redacted("a new one it is")))
            try await here.sendText(#"{"jsonrpc":"2.0","id":7,"method":"phone.ping"}"#)
            _ = try await here.text(with: #""id":7"#)
        }
    }

    @Test(
        "One-time passwords: begun, shown as text and picture, confirmed by a code, with codes for the day it is lost")
    func secondFactor() async throws {
        try await withBox { box in
            let token = try await box.token()
            let early = try await ask(box, "PUT", "account/second-factor", token, body: #"{"code":"000000"}"#)
            #expect(early.status == 409 && early.member("code") == "account.second-factor-not-begun")
            let answer = try await ask(box, "POST", "account/second-factor", token)
            #expect(answer.status == 201)
            let begun = try JSONDecoder().decode(Begun.self, from: Data(answer.body))
            #expect(begun.address.hasPrefix("otpauth://totp/SIPCall:admin?secret="))
            #expect(begun.qr == QRCode(begun.address)?.rows)
            #expect(try await ask(box, "GET", "account", token).flag("secondFactor") == false)
            let wrong = try await ask(box, "PUT", "account/second-factor", token, body: #"{"code":"12 34"}"#)
            #expect(wrong.status == 422 && wrong.member("code") == "account.wrong-code")
            let right = try code(begun)
            let on = try await ask(box, "PUT", "account/second-factor", token, body: #"{"code":"\#(right)"}"#)
            let codes = try JSONDecoder().decode(Codes.self, from: Data(on.body)).recoveryCodes
            #expect(codes.count == 10)
            #expect(try await ask(box, "GET", "account", token).flag("secondFactor") == true)
            // The password alone proves nothing any more.
            let half = try await ask(box, "POST", "session/proof", token, body: #"{"password":"\#(Box.password)"}"#)
            #expect(half.status == 403 && half.member("code") == "web.code-needed")
            let whole = #"{"password":"\#(Box.password)","code":"\#(codes[0])"}"#
            #expect(try await ask(box, "POST", "session/proof", token, body: whole).status == 200)
            #expect(try await ask(box, "POST", "session/proof", token, body: whole).status == 403)
            let renewed = try await ask(box, "POST", "account/recovery-codes", token)
            let others = try JSONDecoder().decode(Codes.self, from: Data(renewed.body)).recoveryCodes
            #expect(Set(others).isDisjoint(with: codes))
            #expect(try await ask(box, "DELETE", "account/second-factor", token).status == 204)
            #expect(try await ask(box, "GET", "account", token).flag("secondFactor") == false)
        }
    }

    @Test("A new password freshens the session only where the password is the whole proof")
    func halfProof() async throws {
        try await withBox { box in
            let token = try await box.token()
            let name = try #require(AccountName("admin"))
            func change(_ present: String, _ next: String, _ token: String) async throws -> String {
                let done = try await ask(
                    box, "PUT", "account/password", token, body: #"{"present":"\#(present)","password":"\#(next)"}"#)
                #expect(done.status == 200)
                return try #require(done.member("token"))
            }
            try await age(box)
            let next = try await change(Box.password, "a new one it is", token)
            #expect(try await ask(box, "GET", "account", next).number("fresh") ?? 0 > 0)
            let second = OneTimePassword()
            let now = Date.now
            #expect(try await box.accounts.begin(second, for: name, code: second.code(at: now), now: now) != nil)
            try await age(box)
            let last = try await change("a new one it is", "and another one", next)
            #expect(try await ask(box, "GET", "account", last).number("fresh") == 0)
            #expect(try await ask(box, "DELETE", "account/second-factor", last).member("code") == "session.not-fresh")
        }
    }

    @Test("Whoever guesses behind the same address does not keep the signed-in owner from proving who they are")
    func guessedAt() async throws {
        try await withBox { box in
            let token = try await box.token()
            let stranger = try await RawClient(port: box.port)
            for _ in 0..<20 {
                let wrong = try await stranger.request(
                    "POST", "/api/v1/session", body: #"{"user":"admin","password":"wrong"}"#)
                if Int(wrong["retry-after"] ?? "") ?? 0 >= 4 { break }
            }
            let right = #"{"password":"\#(Box.password)"}"#
            #expect(try await ask(box, "POST", "session/proof", token, body: right).status == 200)
            // Guesses in the session count all the same.
            var last = RawClient.Answer()
            for _ in 0..<20 where last.status != 429 {
                last = try await ask(box, "POST", "session/proof", token, body: #"{"password":"wrong"}"#)
            }
            #expect(last.status == 429)
        }
    }

    @Test("A secret that another page began with is not confirmed here")
    func otherPage() async throws {
        try await withBox { box in
            let (one, two) = (try await box.token(), try await box.token())
            let answer = try await ask(box, "POST", "account/second-factor", one)
            let right = try code(try JSONDecoder().decode(Begun.self, from: Data(answer.body)))
            let taken = try await ask(box, "PUT", "account/second-factor", two, body: #"{"code":"\#(right)"}"#)
            #expect(taken.member("code") == "account.second-factor-not-begun")
        }
    }

    @Test("What needs a password that was just given: refused later, until it is given again")
    func freshness() async throws {
        try await withBox { box in
            let token = try await box.token()
            let other = try #require(AccountName("other"))
            let hash = try PasswordHash(Redacted(Box.password), cost: Box.cost)
            _ = try await box.accounts.add(other, displayName: "", role: .user, password: hash, now: .now)
            try await age(box)
            let guarded = [
                ("GET", "calls.csv", ""), ("GET", "calls.json", ""), ("POST", "privacy/export", #"{"user":"other"}"#),
                ("POST", "privacy/erase", #"{"user":"other"}"#), ("PUT", "certificate", "{}"),
                ("DELETE", "certificate", ""), ("POST", "account/second-factor", ""),
                ("PUT", "account/second-factor", #"{"code":"1"}"#), ("DELETE", "account/second-factor", ""),
                ("POST", "account/recovery-codes", ""),
                ("POST", "account/tokens", #"{"name":"a","scopes":["status"]}"#),
                ("POST", "users/other/invitation", ""), ("DELETE", "users/other/second-factor", ""),
                ("POST", "users", #"{"user":"x","role":"user"}"#), ("PATCH", "users/other", #"{"role":"auditor"}"#),
                ("PATCH", "users/other", #"{"suspended":true}"#), ("PATCH", "users/other", #"{"suspended":false}"#),
                ("DELETE", "users/other", ""), ("PUT", "settings/dialling", "{}"),
            ]
            for (method, path, body) in guarded {
                let answer = try await ask(box, method, path, token, body: body)
                #expect(answer.status == 403 && answer.member("code") == "session.not-fresh", "\(method) \(path)")
            }
            // What gives nobody anything asks for nothing.
            let named = try await ask(box, "PATCH", "users/other", token, body: #"{"name":"Otto","role":"user"}"#)
            #expect(named.status == 200 && named.member("name") == "Otto")
            #expect(try await ask(box, "GET", "account", token).number("fresh") == 0)
            let wrong = try await ask(box, "POST", "session/proof", token, body: #"{"password":"wrong"}"#)
            #expect(wrong.status == 403 && wrong.member("code") == "web.wrong-password")
            #expect(try await ask(box, "DELETE", "users/other", token).status == 403)
            let proof = try await ask(
                box, "POST", "session/proof", token, body: #"{"password":"\#(Box.password)"}"#)
            #expect(proof.status == 200 && proof.number("fresh") == 600)
            #expect(try await ask(box, "DELETE", "users/other", token).status == 204)
        }
    }

    @Test("A token is shown once, works, is listed without its text, and ends; no token does what only a person may")
    func tokens() async throws {
        try await withBox { box in
            let token = try await box.token()
            for body in [
                #"{"name":"","scopes":["status"]}"#, #"{"name":"a","scopes":[]}"#, #"{"name":"a","scopes":["root"]}"#,
                #"{"name":"a","scopes":["status"],"days":0}"#, #"{"name":"a","scopes":["status"],"days":9000000000}"#,
            ] {
                #expect(try await ask(box, "POST", "account/tokens", token, body: body).status == 400)
            }
            let made = try await ask(
                box, "POST", "account/tokens", token, body: #"{"name":"bell","scopes":["status","admin"],"days":7}"#)
            #expect(made.status == 201)
            let text = try #require(made.member("token"))
            #expect(try await ask(box, "GET", "status", text).status == 200)
            let list = String(decoding: try await ask(box, "GET", "account/tokens", token).body, as: UTF8.self)
            #expect(list.contains(#""name":"bell""#) && list.contains(#""ends":"#) && !list.contains(text))
            // It may list people; it may not take data away, remove anybody or make more of itself.
            #expect(try await ask(box, "GET", "users", text).status == 200)
            for (method, path) in [("GET", "calls.csv"), ("DELETE", "users/admin"), ("POST", "users/admin/invitation")]
            {
                #expect(try await ask(box, method, path, text).member("code") == "session.person-needed")
            }
            for (method, path, body) in [
                ("POST", "users", #"{"user":"eve","role":"user"}"#), ("PATCH", "users/admin", #"{"role":"user"}"#),
                ("PATCH", "users/admin", #"{"suspended":true}"#), ("PUT", "settings/dialling", "{}"),
            ] {
                #expect(try await ask(box, method, path, text, body: body).member("code") == "session.person-needed")
            }
            #expect(try await ask(box, "POST", "account/tokens", text, body: "{}").member("code") == "web.out-of-scope")
            let id = try #require(made.member("id"))
            #expect(try await ask(box, "DELETE", "account/tokens/\(id)", token).status == 204)
            #expect(try await ask(box, "GET", "status", text).status == 401)
            #expect(try await ask(box, "DELETE", "account/tokens/\(id)", token).status == 404)
        }
    }

    @Test("A name can be changed, and nothing in it moves about on a terminal")
    func description() async throws {
        try await withBox { box in
            let token = try await box.token()
            let answer = try await ask(
                box, "PATCH", "account", token, body: #"{"name":"Anna\u001b[2J ß","language":"de"}"#)
            #expect(answer.member("name") == "Anna[2J ß")
            #expect(answer.member("language") == "de")
            #expect(answer.member("role") == "owner")
        }
    }
}
