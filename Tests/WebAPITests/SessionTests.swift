import Foundation
import Testing
import Wire

@testable import WebAPI

@Suite("Sign-in and sessions", .timeLimit(.minutes(5)))
struct SessionTests {
    @Test("The right password gives a cookie that scripts and other sites cannot use")
    func signIn() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            #expect(try await client.request("GET", "/api/v1/session").status == 401)
            let answer = try await client.request(
                "POST", "/api/v1/session", body: #"{"password":"\#(Box.password)"}"#)
            #expect(answer.status == 204)
            let parts = (answer["set-cookie"] ?? "").split(separator: ";").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            let cookie = try #require(parts.first)
            #expect(cookie.hasPrefix("sipcall_session="))
            #expect(cookie.utf8.count == "sipcall_session=".utf8.count + 43)
            for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] { #expect(parts.contains(flag)) }

            let who = try await client.request("GET", "/api/v1/session", headers: ["Cookie: \(cookie)"])
            #expect(who.status == 200)
            #expect(who.member("user") == "admin")
            let status = try await client.request("GET", "/api/v1/status", headers: ["Cookie: \(cookie)"])
            #expect(status.member("version") == "test")

            let out = try await client.request("DELETE", "/api/v1/session", headers: ["Cookie: \(cookie)"])
            #expect(out.status == 204)
            #expect(try await client.request("GET", "/api/v1/session", headers: ["Cookie: \(cookie)"]).status == 401)
        }
    }

    @Test("Wrong passwords get a problem, and each makes the next attempt wait longer")
    func wrongPassword() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            var statuses: [Int] = []
            var last = RawClient.Answer()
            for _ in 0..<12 {
                last = try await client.request("POST", "/api/v1/session", body: #"{"password":"wrong"}"#)
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
            // Not even the right one gets through meanwhile.
            let right = try await client.request(
                "POST", "/api/v1/session", body: #"{"password":"\#(Box.password)"}"#)
            #expect(right.status == 429)
        }
    }

    @Test(
        "What is not a sign-in is refused with the right status",
        arguments: [
            (#"{"password":5}"#, 400), ("junk", 400), (#"{}"#, 400),
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

    @Test("A page of another site can neither sign in nor out")
    func otherOrigin() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            let answer = try await client.request(
                "POST", "/api/v1/session", headers: ["Origin: https://evil.example"],
                body: #"{"password":"\#(Box.password)"}"#)
            #expect(answer.status == 403)
            #expect(answer.member("code") == "web.other-origin")
            let out = try await client.request("DELETE", "/api/v1/session", headers: ["Origin: null"])
            #expect(out.status == 403)
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

    @Test("The password is made once, readable by its owner only, and only as a hash")
    func firstStart() throws {
        let directory = try temporaryDirectory()
        let made = try #require(try AdminPassword.create(in: directory)).revealed
        #expect(made.wholeMatch(of: /[a-hj-km-np-z2-9]{4}(-[a-hj-km-np-z2-9]{4}){3}/) != nil)
        #expect(try AdminPassword.create(in: directory) == nil)
        let path = directory + "/web/admin.json"
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(!text.contains(made))
        let password = try AdminPassword(in: directory)
        #expect(password.matches(Redacted(made)))
        #expect(!password.matches(Redacted(made + "x")))
    }

    @Test("A damaged or missing password file is one sentence")
    func damaged() throws {
        let directory = try temporaryDirectory()
        #expect(throws: Problem.self) { try AdminPassword(in: directory) }
        try FileManager.default.createDirectory(atPath: directory + "/web", withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(filePath: directory + "/web/admin.json"))
        #expect(throws: Problem.self) { try AdminPassword(in: directory) }
        #expect(throws: WebProblem.passwordTooShort) {
            try AdminPassword.create(in: try temporaryDirectory(), given: "short")
        }
    }
}
