import Accounts
import Foundation
import Testing
import Wire

@testable import WebAPI

@Suite("People and what they may do", .timeLimit(.minutes(5)))
struct PeopleTests {
    private struct Listed: Decodable {
        var user: String
        var role: String
        var state: String
        var invitation: String?
    }

    private func ask(
        _ box: Box, _ method: String, _ path: String, _ token: String?, body: String = ""
    ) async throws -> RawClient.Answer {
        try await RawClient(port: box.port).request(
            method, path, headers: token.map { ["Authorization: Bearer \($0)"] } ?? [], body: body)
    }

    @Test("An invited person chooses a password with the link, and is signed in")
    func invitation() async throws {
        try await withBox { box in
            let owner = try await box.token()
            let made = try await ask(
                box, "POST", "/api/v1/users", owner, body: #"{"user":"bert","name":"Bert B.","role":"user"}"#)
            #expect(made.status == 201)
            let link = try #require(made.member("invitation"))
            let seen = try await ask(box, "POST", "/api/v1/invitation", nil, body: #"{"invitation":"\#(link)"}"#)
            #expect(seen.member("name") == "Bert B.")
            #expect(seen.member("invitation") == nil)
            let short = try await ask(
                box, "POST", "/api/v1/invitation/acceptance", nil,
                body: #"{"invitation":"\#(link)","password":"short"}"#)
            #expect(short.member("code") == "account.password-too-short")
            let body = #"{"invitation":"\#(link)","password":"long enough"}"#
            let taken = try await ask(box, "POST", "/api/v1/invitation/acceptance", nil, body: body)
            #expect(taken.member("user") == "bert")
            let own = try #require(taken.member("token"))
            #expect(try await ask(box, "GET", "/api/v1/session", own).member("role") == "user")
            let again = try await ask(box, "POST", "/api/v1/invitation/acceptance", nil, body: body)
            #expect(again.status == 410)
            let list = try await ask(box, "GET", "/api/v1/users", owner)
            let users = try JSONDecoder().decode([Listed].self, from: Data(list.body))
            #expect(users.map(\.user) == ["admin", "bert"])
            #expect(users.allSatisfy { $0.invitation == nil && $0.state == "active" })
        }
    }

    @Test("Which role may use which address")
    func roles() async throws {
        try await withBox { box in
            var tokens: [(role: Role?, token: String?)] = [(nil, nil), (.owner, try await box.token())]
            let hash = try PasswordHash(Redacted(Box.password), cost: Box.cost)
            for (user, role) in [("anna", Role.admin), ("ulla", .user), ("arno", .auditor), ("other", .user)] {
                let name = try #require(AccountName(user))
                _ = try await box.accounts.add(name, displayName: "", role: role, password: hash, now: .now)
                if user != "other" { tokens.append((role, try await box.token(of: user))) }
            }
            let everybody: Set<Role> = [.owner, .admin, .user, .auditor]
            let table: [(method: String, path: String, body: String, may: Set<Role>)] = [
                ("GET", "/api/v1/session", "", everybody), ("GET", "/api/v1/sessions", "", everybody),
                ("GET", "/api/v1/status", "", everybody), ("GET", "/api/v1/users", "", [.owner, .admin, .auditor]),
                ("POST", "/api/v1/users", "junk", [.owner, .admin]),
                ("POST", "/api/v1/users", #"{"user":"x","role":"owner"}"#, [.owner]),
                ("PATCH", "/api/v1/users/other", "{}", [.owner, .admin]),
                ("POST", "/api/v1/users/other/invitation", "", [.owner, .admin]),
                ("PUT", "/api/v1/users/other/password", #"{"password":"long enough"}"#, []),
                ("PATCH", "/api/v1/users/other", #"{"role":"owner"}"#, [.owner]),
                ("PATCH", "/api/v1/users/admin", "{}", [.owner]),
                ("GET", "/api/v1/calls", "", everybody), ("GET", "/api/v1/calls.csv", "", [.owner, .admin]),
                ("GET", "/api/v1/calls.json", "", [.owner, .admin]),
                ("GET", "/api/v1/audit", "", [.owner, .admin, .auditor]),
                ("POST", "/api/v1/privacy/export", #"{"user":"other"}"#, [.owner, .admin]),
                ("POST", "/api/v1/privacy/erase", #"{"user":"other"}"#, [.owner, .admin]),
                ("POST", "/api/v1/backup", "", []), ("DELETE", "/api/v1/backup", "", []),
                ("DELETE", "/api/v1/sessions/0123", "", everybody), ("DELETE", "/api/v1/users/admin", "", []),
            ]
            for row in table {
                for (role, token) in tokens {
                    let status = try await ask(box, row.method, row.path, token, body: row.body).status
                    let note = "\(row.method) \(row.path) as \(role.map(\.rawValue) ?? "nobody"): \(status)"
                    guard let role else {
                        #expect(status == 401, "\(note)")
                        continue
                    }
                    if row.path == "/api/v1/users/admin", row.method == "DELETE" {
                        // It is gone for those who come after the owner.
                        #expect([403, 404].contains(status) || role == .owner, "\(note)")
                    } else if row.may.contains(role) {
                        #expect(status != 401 && status != 403, "\(note)")
                    } else {
                        #expect(status == 403, "\(note)")
                    }
                }
            }
        }
    }

    @Test("A program gets what its token's scopes include, and no more")
    func scopes() async throws {
        try await withBox { box in
            let admin = try #require(AccountName("admin"))
            let (text, token) = try await box.accounts.addToken(
                "bell", for: admin, scopes: [.readStatus], ends: nil, now: .now)
            #expect(try await ask(box, "GET", "/api/v1/status", text.revealed).status == 200)
            for path in ["/api/v1/calls", "/api/v1/users", "/api/v1/sessions"] {
                #expect(try await ask(box, "GET", path, text.revealed).member("code") == "web.out-of-scope")
            }
            // A telephone needs a person.
            let phone = try await RawClient(port: box.port)
            #expect(try await phone.upgrade(token: text.revealed).status == 401)
            try await box.accounts.withdrawToken(token.id, of: admin)
            #expect(try await ask(box, "GET", "/api/v1/status", text.revealed).status == 401)
        }
    }

    @Test("Somebody suspended is out at once")
    func suspended() async throws {
        try await withBox { box in
            let owner = try await box.token()
            let bert = try #require(AccountName("bert"))
            let hash = try PasswordHash(Redacted(Box.password), cost: Box.cost)
            _ = try await box.accounts.add(bert, displayName: "", role: .user, password: hash, now: .now)
            let token = try await box.token(of: "bert")
            let phone = try await RawClient(port: box.port)
            #expect(try await phone.upgrade(token: token).status == 101)
            let done = try await ask(box, "PATCH", "/api/v1/users/bert", owner, body: #"{"suspended":true}"#)
            #expect(done.member("state") == "suspended")
            #expect(try await phone.closeCode() == 1008)
            #expect(try await ask(box, "GET", "/api/v1/session", token).status == 401)
        }
    }

    @Test("The first owner: a readable password in a note that goes with the first sign-in")
    func firstOwner() async throws {
        let directory = try stateDirectory()
        let store = try AccountStore(directory + "/web/accounts.sqlite")
        let made = try #require(
            try await FirstOwner.make(in: store, stateDirectory: directory, leavesNote: true, cost: Box.cost)
        ).revealed
        #expect(made.wholeMatch(of: /[a-hj-km-np-z2-9]{4}(-[a-hj-km-np-z2-9]{4}){3}/) != nil)
        #expect(try await FirstOwner.make(in: store, stateDirectory: directory, leavesNote: true) == nil)
        let path = directory + "/web/first-password"
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect(FirstOwner.password(in: directory)?.revealed == made)
        #expect(try await store.passwordHash(AccountName("admin")).matches(Redacted(made)))
        try await withBox { box in
            let path = box.stateDirectory + "/web/first-password"
            try Data("\(Box.password)\n".utf8).write(to: URL(filePath: path))
            _ = try await ask(box, "POST", "/api/v1/session", nil, body: #"{"user":"admin","password":"wrong-one"}"#)
            #expect(FileManager.default.fileExists(atPath: path))
            _ = try await ask(
                box, "POST", "/api/v1/session", nil, body: #"{"user":"admin","password":"\#(Box.password)"}"#)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("A box that had one password and no accounts keeps it, until this version serves and for its owner after that")
    func boxWithoutAccounts() async throws {
        let directory = try stateDirectory()
        let (file, sessions) = (directory + "/web/admin.json", directory + "/web/sessions.json")
        // scrypt of "correct-horse", quick; as a version without accounts wrote it.
        let former = """
            {"algorithm":"scrypt","blockSize":8,"cost":1024,"hash":"3xExSTLetW/u5n0VKkWZ9YaaXbzZ6BiL5u8FiV8Jilw=",\
            "parallelism":1,"salt":"AQIDBAUGBwgJCgsMDQ4PEA=="}
            """
        for path in [file, sessions] { try Data(former.utf8).write(to: URL(filePath: path)) }
        let store = try AccountStore(directory + "/web/accounts.sqlite")
        let made = try await FirstOwner.make(
            in: store, stateDirectory: directory, given: Redacted("another password"), leavesNote: true, cost: Box.cost)
        #expect(made == nil)
        #expect(!FileManager.default.fileExists(atPath: directory + "/web/first-password"))
        #expect(store.accounts.map(\.role) == [.owner])
        #expect(try await store.passwordHash(AccountName("admin")).matches(Redacted("correct-horse")))
        #expect(FileManager.default.fileExists(atPath: file))
        FirstOwner.forgetFormer(in: directory)
        for path in [file, sessions] { #expect(!FileManager.default.fileExists(atPath: path)) }
        // What nobody can read is no password: a new one is made.
        let other = try stateDirectory()
        try Data("{}".utf8).write(to: URL(filePath: other + "/web/admin.json"))
        let fresh = try AccountStore(other + "/web/accounts.sqlite")
        let note = try await FirstOwner.make(in: fresh, stateDirectory: other, leavesNote: true, cost: Box.cost)
        #expect(note != nil && FirstOwner.password(in: other)?.revealed == note?.revealed)
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
