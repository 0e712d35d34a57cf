import Accounts
import Control
import Foundation
import HTTPTypes
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

    @Test("Whoever holds the rest of a request back uses no rights that have ended meanwhile")
    func heldBack() async throws {
        try await withBox { box in
            let hash = try PasswordHash(Redacted(Box.password), cost: Box.cost)
            let anna = try #require(AccountName("anna"))
            _ = try await box.accounts.add(anna, displayName: "", role: .admin, password: hash, now: .now)
            let token = try await box.token(of: "anna")
            let body = #"{"user":"eve","name":"","role":"admin"}"#
            let slow = try await RawClient(port: box.port)
            try await slow.send(
                "POST /api/v1/users HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                    + "Authorization: Bearer \(token)\r\nContent-Length: \(body.utf8.count)\r\n\r\n{")
            // Its head has been looked at by now.
            try await Task.sleep(for: .milliseconds(300))
            try await box.accounts.set(anna, isSuspended: true)
            try await slow.send(String(body.dropFirst()))
            #expect(try await slow.answer().status == 401)
            #expect(AccountName("eve").flatMap { box.accounts.account($0) } == nil)
        }
    }

    @Test("Which calls go on is told to those alone who may read everything; one person leaves lines for others")
    func others() async throws {
        var limits = WebLimits()
        limits.phonesOfAccount = 2
        try await withBox(limits: limits) { box in
            let hash = try PasswordHash(Redacted(Box.password), cost: Box.cost)
            let ulla = try #require(AccountName("ulla"))
            _ = try await box.accounts.add(ulla, displayName: "", role: .user, password: hash, now: .now)
            let (own, owner) = (try await box.token(of: "ulla"), try await box.token())
            func list(_ token: String) async throws -> Int {
                let body = try await ask(box, "GET", "/api/v1/status", token).body
                return try JSONDecoder().decode(BoxStatus.self, from: Data(body)).list.count
            }
            #expect(try await list(own) == 0)
            #expect(try await list(owner) == 1)
            var phones: [RawClient] = []
            for _ in 0..<2 {
                let phone = try await RawClient(port: box.port)
                #expect(try await phone.upgrade(token: own).status == 101)
                _ = try await phone.text(with: "phone.ready")
                phones.append(phone)
            }
            let third = try await RawClient(port: box.port)
            #expect(try await third.upgrade(token: own).status == 503)
            let other = try await RawClient(port: box.port)
            #expect(try await other.upgrade(token: owner).status == 101)
            await phones.removeLast().vanish()
            let left = await eventually {
                (try? await RawClient(port: box.port).upgrade(token: own).status) == 101
            }
            #expect(left)
        }
    }

    private static let everybody = Set(Role.allCases)
    private static let leaders: Set<Role> = [.owner, .admin]

    /// What each address asks for, and who gets through; nobody: without a sign-in.
    private static let table: [(method: String, path: String, body: String, may: Set<Role>, nobody: Bool)] = [
        ("GET", "setup", "", everybody, true), ("POST", "setup/claim", "junk", everybody, true),
        ("POST", "setup/token", "", [], false),
        ("GET", "session", "", everybody, false), ("POST", "session", "junk", everybody, true),
        ("GET", "sessions", "", everybody, false), ("DELETE", "sessions/0123", "", everybody, false),
        ("POST", "session/proof", "junk", everybody, false),
        ("GET", "account", "", everybody, false), ("PATCH", "account", "{}", everybody, false),
        ("PUT", "account/password", "junk", everybody, false),
        ("POST", "account/second-factor", "", everybody, false),
        ("PUT", "account/second-factor", "junk", everybody, false),
        ("DELETE", "account/second-factor", "", everybody, false),
        ("POST", "account/recovery-codes", "", everybody, false),
        ("GET", "account/tokens", "", everybody, false), ("POST", "account/tokens", "junk", everybody, false),
        ("DELETE", "account/tokens/0123", "", everybody, false),
        ("POST", "invitation", "junk", everybody, true), ("POST", "invitation/acceptance", "junk", everybody, true),
        ("GET", "users", "", [.owner, .admin, .auditor], false), ("POST", "users", "junk", leaders, false),
        ("POST", "users", #"{"user":"x","role":"owner"}"#, [.owner], false),
        ("PATCH", "users/other", "{}", leaders, false),
        ("POST", "users/other/invitation", "", leaders, false),
        ("DELETE", "users/other/second-factor", "", leaders, false),
        ("PUT", "users/other/password", #"{"password":"long enough"}"#, [], false),
        ("PATCH", "users/other", #"{"role":"owner"}"#, [.owner], false),
        ("PATCH", "users/admin", "{}", [.owner], false),
        ("GET", "status", "", everybody, false), ("GET", "calls", "", everybody, false),
        ("GET", "calls.csv", "", leaders, false), ("GET", "calls.json", "", leaders, false),
        ("GET", "audit", "", [.owner, .admin, .auditor], false),
        ("GET", "totals", "", [.owner, .admin, .auditor], false), ("GET", "verify", "", [], false),
        ("POST", "master-key", "", [], false),
        ("GET", "settings", "", [.owner, .admin, .auditor], false),
        ("PUT", "settings/dialling", "{}", leaders, false), ("GET", "presets", "", [.owner, .admin, .auditor], false),
        ("GET", "certificate", "", [.owner, .admin, .auditor], false),
        ("PUT", "certificate", "{}", [.owner], false), ("DELETE", "certificate", "", [.owner], false),
        ("PUT", "certificate/challenges/a", "{}", [], false), ("DELETE", "certificate/challenges/a", "", [], false),
        ("POST", "privacy/export", #"{"user":"other"}"#, leaders, false),
        ("POST", "privacy/erase", #"{"user":"other"}"#, leaders, false),
        ("POST", "backup", "", [], false), ("DELETE", "backup", "", [], false), ("GET", "phone", "", everybody, true),
        // It takes the owner away, who comes last.
        ("DELETE", "users/admin", "", [.owner], false),
        ("POST", "session/renewal", "", [], false), ("DELETE", "session", "", everybody, true),
    ]

    @Test("Which role may use which address")
    func roles() async throws {
        try await withBox { box in
            var tokens: [(role: Role?, token: String?)] = [(nil, nil)]
            let hash = try PasswordHash(Redacted(Box.password), cost: Box.cost)
            for (user, role) in [("anna", Role.admin), ("ulla", .user), ("arno", .auditor), ("other", .user)] {
                let name = try #require(AccountName(user))
                _ = try await box.accounts.add(name, displayName: "", role: role, password: hash, now: .now)
                if user != "other" { tokens.append((role, try await box.token(of: user))) }
            }
            // The owner comes last: what they may do changes what is there for others.
            tokens.append((.owner, try await box.token()))
            for row in Self.table {
                for (role, token) in tokens {
                    let answer = try await ask(box, row.method, "/api/v1/\(row.path)", token, body: row.body)
                    let note = "\(row.method) \(row.path) as \(role.map(\.rawValue) ?? "nobody"): \(answer.status)"
                    guard let role else {
                        #expect((answer.status == 401) != row.nobody, "\(note)")
                        continue
                    }
                    if row.path == "session/renewal" {
                        // A token is no cookie.
                        #expect(answer.status == 401, "\(note)")
                    } else if row.may.contains(role) {
                        #expect(answer.status != 401 && answer.status != 403 && answer.status != 405, "\(note)")
                    } else {
                        #expect(answer.status == 403, "\(note)")
                    }
                }
            }
        }
    }

    @Test("Every address of the API is in the table of who may use it, and no two are the same")
    func allRoutes() {
        let routes = WebResponder.routes
        for route in routes {
            let rows = Self.table.filter {
                $0.method == route.method.rawValue && route.captures(Route.parts($0.path[...])) != nil
            }
            #expect(!rows.isEmpty, "\(route.method) \(route.pattern.joined(separator: "/")) is not in the table")
            let isRenewal = route.pattern == ["session", "renewal"]
            #expect(rows.contains(where: \.nobody) == (route.access == .everybody) || isRenewal)
        }
        #expect(Set(routes.map { "\($0.method) \($0.pattern)" }).count == routes.count)
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

    @Test("The first password that a former version left goes with the first sign-in")
    func formerNote() async throws {
        try await withBox { box in
            let path = box.stateDirectory + "/web/first-password"
            try Data("\(Box.password)\n".utf8).write(to: URL(filePath: path))
            #expect(FirstOwner.password(in: box.stateDirectory)?.revealed == Box.password)
            _ = try await ask(box, "POST", "/api/v1/session", nil, body: #"{"user":"admin","password":"wrong-one"}"#)
            #expect(FileManager.default.fileExists(atPath: path))
            _ = try await ask(
                box, "POST", "/api/v1/session", nil, body: #"{"user":"admin","password":"\#(Box.password)"}"#)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test("A box that had one password and no accounts keeps it as its owner's")
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
        let isClaimed = try await FirstOwner.make(
            in: store, stateDirectory: directory, given: Redacted("another password"), cost: Box.cost)
        #expect(isClaimed)
        #expect(store.accounts.map(\.role) == [.owner])
        #expect(try await store.passwordHash(AccountName("admin")).matches(Redacted("correct-horse")))
        #expect(FileManager.default.fileExists(atPath: file))
        FirstOwner.forgetFormer(in: directory)
        for path in [file, sessions] { #expect(!FileManager.default.fileExists(atPath: path)) }
        // What nobody can read is no password: the box waits to be claimed.
        let other = try stateDirectory()
        try Data("{}".utf8).write(to: URL(filePath: other + "/web/admin.json"))
        let fresh = try AccountStore(other + "/web/accounts.sqlite")
        #expect(try await !FirstOwner.make(in: fresh, stateDirectory: other, cost: Box.cost))
        #expect(fresh.isEmpty)
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
