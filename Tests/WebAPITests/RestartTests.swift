import Foundation
import Logging
import Testing
import Wire

@testable import WebAPI

@Suite("Sessions and the password across a restart", .timeLimit(.minutes(5)))
struct RestartTests {
    private let quiet = Logger(label: "test")

    private func store(_ directory: String, password: String = "one") -> SessionStore {
        SessionStore(in: directory, password: password, logger: quiet)
    }

    @Test("A session outlives the process; the file holds no cookie and is its owner's alone")
    func kept() async throws {
        let directory = try temporaryDirectory()
        let first = store(directory)
        let token = first.begin(user: "admin", now: .now()).revealed
        let ended = first.begin(user: "admin", now: .now()).revealed
        first.end(SessionStore.digest(ended))
        await first.keep()
        let path = directory + "/web/sessions.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(!text.contains(token))
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)

        let second = store(directory)
        #expect(second.user(SessionStore.digest(token), now: .now()) == "admin")
        #expect(second.user(SessionStore.digest(ended), now: .now()) == nil)
        #expect(second.user(SessionStore.digest(token), now: .now() + .seconds(12 * 3600 + 1)) == nil)
        // A password that was set while nobody ran.
        #expect(store(directory, password: "two").user(SessionStore.digest(token), now: .now()) == nil)
    }

    @Test(
        "A damaged file signs nobody in, and neither does one that grants years", arguments: ["junk", "cut", "years"])
    func damaged(how: String) async throws {
        let directory = try temporaryDirectory()
        let first = store(directory)
        let token = first.begin(user: "admin", now: .now()).revealed
        await first.keep()
        let url = URL(filePath: directory + "/web/sessions.json")
        let data = try Data(contentsOf: url)
        switch how {
        case "junk": try Data([0xff, 0, 1]).write(to: url)
        case "cut": try data.prefix(data.count / 2).write(to: url)
        default:
            let text = String(decoding: data, as: UTF8.self).replacing(/"end":[0-9.]+/, with: "\"end\":1e300")
            try Data(text.utf8).write(to: url)
        }
        let user = store(directory).user(SessionStore.digest(token), now: .now() + .seconds(13 * 3600))
        #expect(user == nil)
    }

    @Test("A password that is set anew counts at once: every session and every phone socket has ended")
    func newPassword() async throws {
        try await withBox { box in
            let cookie = box.cookie()
            let phone = try await RawClient(port: box.port)
            #expect(try await phone.upgrade(cookie: cookie).status == 101)
            try AdminPassword.set(Redacted("another-one"), in: box.stateDirectory, cost: 1 << 10, parallelism: 1)
            #expect(try await phone.closeCode() == 1008)
            let client = try await RawClient(port: box.port)
            #expect(try await client.request("GET", "/api/v1/session", headers: ["Cookie: \(cookie)"]).status == 401)
            let former = try await client.request("POST", "/api/v1/session", body: #"{"password":"\#(Box.password)"}"#)
            #expect(former.status == 401)
            let next = try await client.request("POST", "/api/v1/session", body: #"{"password":"another-one"}"#)
            #expect(next.status == 204)
        }
    }

    @Test("The note with the first password goes with the first sign-in")
    func note() async throws {
        try await withBox { box in
            let path = box.stateDirectory + "/web/first-password"
            try Data("\(Box.password)\n".utf8).write(to: URL(filePath: path))
            #expect(AdminPassword.firstPassword(in: box.stateDirectory)?.revealed == Box.password)
            let client = try await RawClient(port: box.port)
            _ = try await client.request("POST", "/api/v1/session", body: #"{"password":"wrong-one"}"#)
            #expect(FileManager.default.fileExists(atPath: path))
            _ = try await client.request("POST", "/api/v1/session", body: #"{"password":"\#(Box.password)"}"#)
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(AdminPassword.firstPassword(in: box.stateDirectory) == nil)
        }
    }

    @Test("Where the page is stands in words that a command can read")
    func places() throws {
        let directory = try temporaryDirectory()
        #expect(WebPlace.last(in: directory) == [])
        let places = [
            WebPlace(isSecure: true, address: NetworkAddress(host: .ipv6(high: 0, low: 0), port: 443)),
            WebPlace(isSecure: false, address: NetworkAddress(host: .ipv4(0x7f00_0001), port: 8080)),
        ]
        try WebPlace.keep(places, in: directory)
        #expect(WebPlace.last(in: directory) == places)
        #expect(places[0].url(host: .ipv4(0xc000_0201)) == "https://192.0.2.1/")
        #expect(places[0].url() == "https://[::]/")
        #expect(places[1].url() == "http://127.0.0.1:8080/")
    }
}
