import Foundation
import Testing
import Wire

@testable import Accounts
@testable import WebAPI

extension AccountStore {
    /// A value that this box made for the session, and that is good no more.
    fileprivate func cookieOfThePast(of session: Session.ID) -> String {
        "sipcall_session=\(SessionCookieValue.text(session, cookieKey.make(for: session)).revealed)"
    }
}

@Suite("Sign-in and sessions", .timeLimit(.minutes(5)))
struct SessionTests {
    private let signIn = #"{"user":"Admin","password":"\#(Box.password)"}"#

    private func pair(_ answer: RawClient.Answer) -> String {
        String((answer["set-cookie"] ?? "").split(separator: ";").first ?? "")
    }

    @Test("The right password gives a token, and a cookie that scripts and other sites cannot use")
    func rightPassword() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            #expect(try await client.request("GET", "/api/v1/session").status == 401)
            let answer = try await client.request("POST", "/api/v1/session", body: signIn)
            #expect(answer.status == 200)
            #expect(answer.member("role") == "owner")
            let token = try #require(answer.member("token"))
            let parts = (answer["set-cookie"] ?? "").split(separator: ";").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            #expect(parts.first?.hasPrefix("sipcall_session=") == true)
            for flag in ["HttpOnly", "SameSite=Strict", "Path=/api/v1/session"] { #expect(parts.contains(flag)) }
            // A proxy before the box spoke TLS, which the browser tells by its origin.
            let secure = try await client.request(
                "POST", "/api/v1/session", headers: ["Origin: https://127.0.0.1"], body: signIn)
            #expect(!parts.contains("Secure") && secure["set-cookie"]?.contains("; Secure") == true)

            let bearer = ["Authorization: Bearer \(token)"]
            let who = try await client.request("GET", "/api/v1/session", headers: bearer)
            #expect(who.member("user") == "admin")
            #expect(who.member("token") == nil)
            #expect(try await client.request("GET", "/api/v1/status", headers: bearer).member("version") == "test")
            // The cookie alone reads nothing.
            let cookie = ["Cookie: other=1; \(pair(answer))"]
            #expect(try await client.request("GET", "/api/v1/status", headers: cookie).status == 401)

            #expect(try await client.request("DELETE", "/api/v1/session", headers: cookie).status == 204)
            #expect(try await client.request("GET", "/api/v1/session", headers: bearer).status == 401)
            #expect(try await client.request("POST", "/api/v1/session/renewal", headers: cookie).status == 401)
        }
    }

    @Test("The cookie gets the next token, and its second use ends the session with its phone sockets")
    func renewal() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            let first = pair(try await client.request("POST", "/api/v1/session", body: signIn))
            let second = try await client.request("POST", "/api/v1/session/renewal", headers: ["Cookie: \(first)"])
            #expect(second.status == 200)
            #expect(pair(second) != first)
            let third = try await client.request(
                "POST", "/api/v1/session/renewal", headers: ["Cookie: \(pair(second))"])
            let token = try #require(third.member("token"))
            let phone = try await RawClient(port: box.port)
            #expect(try await phone.upgrade(token: token).status == 101)
            // Whoever knows the id alone ends nothing.
            let forged = first.dropLast(3) + (first.hasSuffix("AAA") ? "BBB" : "AAA")
            let unknown = try await client.request("POST", "/api/v1/session/renewal", headers: ["Cookie: \(forged)"])
            #expect(unknown.member("code") == "web.not-signed-in")
            #expect(
                try await client.request(
                    "GET", "/api/v1/session", headers: ["Authorization: Bearer \(token)"]
                ).status == 200)
            // The overlap is for pages that ask together.
            let name = try #require(AccountName("admin"))
            let session = try #require(box.accounts.sessions(of: name, now: .now).first)
            let spent = await box.accounts.cookieOfThePast(of: session.id)
            let stolen = try await client.request("POST", "/api/v1/session/renewal", headers: ["Cookie: \(spent)"])
            #expect(stolen.member("code") == "web.session-used-twice")
            #expect(try await phone.closeCode() == 1008)
            let last = try await client.request("POST", "/api/v1/session/renewal", headers: ["Cookie: \(pair(third))"])
            #expect(last.member("code") == "web.not-signed-in")
        }
    }

    @Test("Sessions are listed and can be ended; others' cannot")
    func listed() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            let token = try await box.token()
            let auditor = try await box.auditor()
            let phone = try await RawClient(port: box.port)
            let other = try await box.token()
            #expect(try await phone.upgrade(token: other).status == 101)
            let name = try #require(AccountName("admin"))
            let list = try await client.request("GET", "/api/v1/sessions", headers: ["Authorization: Bearer \(token)"])
            let sessions = box.accounts.sessions(of: name, now: .now)
            #expect(sessions.count == 2)
            for session in sessions { #expect(String(decoding: list.body, as: UTF8.self).contains(session.id)) }
            for session in sessions {
                let path = "/api/v1/sessions/\(session.id)"
                let refused = try await client.request(
                    "DELETE", path, headers: ["Authorization: Bearer \(auditor)"])
                #expect(refused.status == 404)
                _ = try await client.request("DELETE", path, headers: ["Authorization: Bearer \(token)"])
            }
            #expect(try await phone.closeCode() == 1008)
        }
    }

    @Test("Wrong passwords get a problem, and each makes the next attempt wait longer")
    func wrongPassword() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            for who in 0..<3 {
                var statuses: [Int] = []
                var last = RawClient.Answer()
                for _ in 0..<12 {
                    // A name that nobody has is no different, nor is one that nobody could have.
                    let name = ["-", "nobody", "admin"][who]
                    last = try await client.request(
                        "POST", "/api/v1/session", body: #"{"user":"\#(name)","password":"wrong"}"#)
                    statuses.append(last.status)
                    if last.status == 401 { #expect(last.member("code") == "web.wrong-password") }
                    if last.status == 429 { break }
                }
                // 0.25, 0.5 and 1 s are waited for; more is refused.
                #expect((4...5).contains(statuses.filter { $0 == 401 }.count))
                #expect(last.status == 429)
                #expect(Int(last["retry-after"] ?? "") ?? 0 >= 2)
                #expect(last["content-type"] == "application/problem+json")
                #expect(last.member("code") == "web.too-many-sign-ins")
                #expect(last.member("remedy")?.isEmpty == false)
            }
            // Not even the right one gets through meanwhile.
            #expect(try await client.request("POST", "/api/v1/session", body: signIn).status == 429)
        }
    }

    @Test(
        "Whoever guesses behind the same address holds up neither the others' accounts, nor browsers that signed in before"
    )
    func guessedAt() async throws {
        try await withBox { box in
            let hash = try PasswordHash(Redacted(Box.password), cost: Box.cost)
            let anna = try #require(AccountName("anna"))
            _ = try await box.accounts.add(anna, displayName: "", role: .user, password: hash, now: .now)
            let client = try await RawClient(port: box.port)
            let first = try await client.request("POST", "/api/v1/session", body: signIn)
            let mark = try #require(
                first.headers.first { $0.name == "set-cookie" && $0.value.hasPrefix("sipcall_device=") })
            let device = String(mark.value.prefix { $0 != ";" })
            _ = try await client.request("DELETE", "/api/v1/session", headers: ["Cookie: \(pair(first))"])
            for _ in 0..<20 {
                let wrong = try await client.request(
                    "POST", "/api/v1/session", body: #"{"user":"admin","password":"wrong"}"#)
                if Int(wrong["retry-after"] ?? "") ?? 0 >= 4 { break }
            }
            func signsIn(_ cookie: String, as user: String) async throws -> Int {
                let body = #"{"user":"\#(user)","password":"\#(Box.password)"}"#
                return try await client.request("POST", "/api/v1/session", headers: ["Cookie: \(cookie)"], body: body)
                    .status
            }
            // Nor does a mark of one's own making help, or another account's.
            let other = box.accounts.deviceMark(of: anna).revealed
            for forged in ["a=b", "sipcall_device=\(String(repeating: "A", count: 43))", "sipcall_device=\(other)"] {
                #expect(try await signsIn(forged, as: "admin") == 429)
            }
            #expect(try await signsIn(device, as: "admin") == 200)
            #expect(try await signsIn("a=b", as: "anna") == 200)
        }
    }

    @Test("An account with a second factor asks for it, and takes each code once")
    func secondFactor() async throws {
        try await withBox { box in
            let name = try #require(AccountName("admin"))
            let second = OneTimePassword()
            let now = Date.now
            let codes = try await box.accounts.begin(second, for: name, code: second.code(at: now), now: now)
            let recovery = try #require(codes).codes.revealed[0]
            let client = try await RawClient(port: box.port)
            let asked = try await client.request("POST", "/api/v1/session", body: signIn)
            #expect(asked.member("code") == "web.code-needed")
            let body = #"{"user":"admin","password":"\#(Box.password)","code":"\#(recovery)"}"#
            #expect(try await client.request("POST", "/api/v1/session", body: body).status == 200)
            #expect(try await client.request("POST", "/api/v1/session", body: body).status == 401)
        }
    }

    @Test(
        "What is not a sign-in is refused with the right status",
        arguments: [
            (#"{"user":"admin","password":5}"#, 400), ("junk", 400), (#"{}"#, 400), (#"{"password":"x"}"#, 400),
            (String(repeating: "a", count: 16 * 1024 + 1), 413),
        ])
    func malformed(body: String, status: Int) async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            let answer = try await client.request("POST", "/api/v1/session", body: body)
            #expect(answer.status == status)
            #expect(answer["content-type"] == "application/problem+json")
        }
    }

    @Test("A page of another site can neither sign in, nor go on, nor sign out")
    func otherOrigin() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            for path in ["/api/v1/session", "/api/v1/session/renewal"] {
                let answer = try await client.request(
                    "POST", path, headers: ["Origin: https://evil.example"], body: signIn)
                #expect(answer.status == 403)
                #expect(answer.member("code") == "web.other-origin")
            }
            #expect(try await client.request("DELETE", "/api/v1/session", headers: ["Origin: null"]).status == 403)
        }
    }

    @Test("Unknown addresses and methods are told apart")
    func unknown() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            #expect(try await client.request("GET", "/api/v1/nothing").status == 404)
            let method = try await client.request("PUT", "/api/v1/session")
            #expect(method.status == 405)
            #expect(method["allow"] == "GET, POST, DELETE")
            #expect(try await client.request("GET", "/api/v1/status").member("code") == "web.not-signed-in")
            #expect(try await client.request("GET", "/api/v1/phone").status == 426)
        }
    }
}
