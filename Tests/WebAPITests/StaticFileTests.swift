import Foundation
import Testing
import Wire

@testable import WebAPI

@Suite("The page's files over HTTP", .timeLimit(.minutes(5)))
struct StaticFileTests {
    @Test("A file comes with its type, an entity tag and every security header, and is not sent twice")
    func file() async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            let page = try await client.request("GET", "/")
            #expect(page.status == 200)
            #expect(page.text.contains("SIPCall"))
            #expect(page["content-type"] == "text/html; charset=utf-8")
            #expect(page["content-security-policy"] == SecurityHeaders.contentSecurityPolicy)
            #expect(page["content-security-policy"]?.contains("require-trusted-types-for 'script'") == true)
            #expect(page["x-content-type-options"] == "nosniff")
            #expect(page["referrer-policy"] == "no-referrer")
            #expect(page["permissions-policy"] == "microphone=(self)")
            #expect(page["cache-control"] == "no-cache")

            let tag = try #require(page["etag"])
            let again = try await client.request("GET", "/", headers: ["If-None-Match: \"x\", W/\(tag)"])
            #expect(again.status == 304)
            #expect(again.body.isEmpty)

            let script = try await client.request("GET", "/app/main.js?v=1")
            #expect(script["content-type"] == "text/javascript; charset=utf-8")
            #expect(script.text == "export default 1;\n")
            #expect(script["etag"] != tag)

            let head = try await client.request("HEAD", "/")
            #expect(head.status == 200)
            #expect(head["content-length"] == "\(page.body.count)")
            #expect(try await client.request("GET", "/").status == 200)
            #expect(try await client.request("POST", "/").status == 405)
        }
    }

    @Test(
        "Nothing outside the folder, no hidden file and no link is served",
        arguments: [
            "/../outside.txt", "/app/../../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt",
            "//outside.txt", "/.secret", "/link.txt", "/app", "/app/", "/index.html%00", "/web/admin.json",
            "/app/..//../web/admin.json",
        ])
    func traversal(path: String) async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            let answer = try await client.request("GET", path)
            #expect(answer.status == 404)
            #expect(!answer.text.contains("outside"))
        }
    }

    @Test("A client that does not end its header or its body is cut off")
    func slowClients() async throws {
        var limits = WebLimits()
        limits.firstHeader = .seconds(3)
        limits.body = .seconds(3)
        limits.idle = .seconds(3)
        try await withBox(limits: limits) { box in
            let silent = try await RawClient(port: box.port)
            #expect(await silent.isClosed)

            let slow = try await RawClient(port: box.port)
            let started = ContinuousClock.now
            // On a busy machine its time may be over already.
            try? await slow.send("GET / HTTP/1.1\r\nHost: a\r\n")
            // It goes on dripping: a deadline counts from the first byte, not from the last.
            while (try? await slow.send("X: y\r\n")) != nil, ContinuousClock.now - started < .seconds(60) {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(await slow.isClosed)
            #expect(ContinuousClock.now - started < .seconds(60))

            let body = try await RawClient(port: box.port)
            try? await body.send(
                "POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            )
            #expect(await body.isClosed)

            let idle = try await RawClient(port: box.port)
            #expect(try await idle.request("GET", "/").status == 200)
            #expect(await idle.isClosed)
        }
    }

    @Test(
        "A connection that the client does not keep is closed after the answer",
        arguments: ["GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Close, TE\r\n\r\n"])
    func notKept(request: String) async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            try await client.send(request)
            #expect(try await client.answer().text.contains("SIPCall"))
            let started = ContinuousClock.now
            #expect(await client.isClosed)
            #expect(ContinuousClock.now - started < .seconds(10))
        }
    }

    @Test(
        "What is not HTTP ends its own connection only",
        arguments: [
            "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 20_000) + "\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: a\r\n", count: 200) + "\r\n",
            "POST /api/v1/session HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        ])
    func junk(request: String) async throws {
        try await withBox { box in
            let client = try await RawClient(port: box.port)
            try await client.send(request)
            #expect(await client.isClosed)
            #expect(try await RawClient(port: box.port).request("GET", "/").status == 200)
        }
    }

    @Test("A missing folder is one sentence")
    func missing() {
        do {
            _ = try StaticFiles(root: "/nonexistent/www")
            Issue.record("read")
        } catch {
            #expect(error.code == "web.page-missing")
        }
    }
}
