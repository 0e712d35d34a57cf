import Accounts
import Call
import Control
import Foundation
import Ledger
import Logging
import Sealing
import Testing
import Wire

@testable import WebAPI

@Suite("Exports, the audit log, and what the law lets people ask for", .serialized)
struct RecordsTests {
    /// A web server with a ledger, whose commands' socket is asked; nobody stands behind the control socket.
    private static func with(
        _ records: [CallRecord], _ body: (OperatorClient, Int, WebServer, String) async throws -> Void
    ) async throws {
        let directory = try stateDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let www = directory + "/www"
        try FileManager.default.createDirectory(atPath: www, withIntermediateDirectories: true)
        try Data("<!doctype html>".utf8).write(to: URL(filePath: www + "/index.html"))
        let settings = LedgerSettings(directory: "\(directory)/web/ledger")
        do {
            let store = try await LedgerStore.open(settings, keyring: try Self.keyring(directory))
            let sealed = try records.map { try store.sealingKey.seal($0) }
            _ = await store.file(sealed)
        }
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let desk = LedgerDesk(settings, lock: "\(directory)/web/ledger.lock", logger: log) { () throws(Problem) in
            try Self.keyring(directory)
        } storing: { (keyring) throws(Problem) in
            try MasterKeyFile.store(keyring, credential: nil, path: "\(directory)/web/master.key")
        } clock: {
            RetentionClock(wall: .now(), sinceBoot: .seconds(9), boot: "b", isSynchronised: true)
        }
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let server = try WebServer(
            listen: try #require(NetworkAddress("127.0.0.1", port: 0)),
            control: ControlClient(path: "\(directory)/none.sock", logger: log),
            accounts: await owned(in: directory), ledger: desk,
            operatorPath: "\(directory)/operator.sock",
            spellings: { $0 == "030 1234-0001" ? ["+493012340001", "493012340001", "03012340001"] : [$0] },
            recoveryRecipient: { try? String(contentsOfFile: "\(directory)/recovery.pub", encoding: .utf8) },
            wwwRoot: www, stateDirectory: directory, logger: log,
            whenListening: { announce.yield(Int($0.first?.address.port ?? 0)) })
        let running = Task { try await server.run() }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        let client = OperatorClient(
            path: "\(directory)/operator.sock", notRunning: Problem(code: "test.gone", sentence: "Gone."),
            patience: .seconds(20))
        do {
            try await body(client, port, server, directory)
        } catch {
            running.cancel()
            _ = try? await running.value
            throw error
        }
        running.cancel()
        _ = try? await running.value
    }

    private static func keyring(_ directory: String) throws(Problem) -> MasterKeyring {
        try MasterKeyFile.keyring(
            credential: nil, path: "\(directory)/web/master.key", ledger: "\(directory)/web/ledger")
    }

    private static func call(_ index: Int, _ number: String, user: String = "admin") -> CallRecord {
        var generator = SeededGenerator(seed: UInt64(index))
        let dialled = WallTime(milliseconds: 1_793_491_200_000 + Int64(index) * 60_000)
        var record = CallRecord(
            identifier: CallIdentifier(using: &generator), stage: .ended, box: "box-1", direction: .outbound,
            far: FarParty(number: Redacted(number), name: Redacted("Erika")), dialled: dialled, zone: "UTC")
        (record.user, record.device) = (CallOwner(user), "Firefox")
        (record.ended, record.reason) = (dialled, .busy)
        return record
    }

    private static let number = "030 1234-0001"
    private static let records = [
        call(1, "+493012340001"), call(2, "03012340001"), call(3, "+493012340002", user: "berta"),
        call(4, "493012340001", user: "berta"), call(5, "+493012340003"),
    ]

    private struct Audit: Decodable {
        struct Entry: Decodable {
            var number: Int
            var actor: String?
            var action: String?
            var detail: String?
        }

        var entries: [Entry]
    }

    private static func post(_ path: String, _ body: [String: String]) throws -> OperatorClient.Request {
        .init(path, method: "POST", body: Array(try JSONEncoder().encode(body)))
    }

    @Test("The master key is handed over only when the audit log says so durably; the copy has the entry")
    func handedOver() async throws {
        try await Self.with([]) { client, _, _, directory in
            let request = OperatorClient.Request("/api/v1/backup", method: "POST")
            let handover = try await client.json(request, as: BackupHandover.self)
            #expect(handover.masterKey.revealed.contains("sipcall-master") && handover.ledger.auditHead.sequence > 0)
            _ = try await client.send(OperatorClient.Request("/api/v1/backup", method: "DELETE"))
            let ledger = "\(directory)/web/ledger"
            for name in try FileManager.default.contentsOfDirectory(atPath: ledger) where name.hasSuffix(".audit.key") {
                try Data("nothing".utf8).write(to: URL(filePath: "\(ledger)/\(name)"))
            }
            await #expect(throws: Problem.self) { try await client.send(request) }
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/web/handover"))
        }
    }

    private struct Sums: Decodable {
        struct Step: Decodable {
            var calls: Int
            var missed: Int
            var reasons: [String: Int]
        }
        var steps: [Step]
    }

    @Test("Sums come a step each; what asks for more than there can be, or for nothing, is refused")
    func sums() async throws {
        try await Self.with(Self.records) { client, port, _, _ in
            func ask(_ hours: String, until: String = "2026-11-02T00:00:00.000Z") async throws -> Sums {
                let query = [(name: "from", value: "2026-11-01T00:00:00.000Z"), ("until", until), ("hours", hours)]
                return try await client.json(.init("/api/v1/totals", query: query), as: Sums.self)
            }
            let sums = try await ask("24")
            #expect(sums.steps.map(\.calls) == [Self.records.count])
            #expect(sums.steps.map(\.missed) == [Self.records.count])
            #expect(sums.steps.first?.reasons == ["call.busy": Self.records.count])
            for (hours, until) in [
                ("0", "2026-11-02T00:00:00.000Z"), ("1", "2199-11-02T00:00:00.000Z"), ("1", "2026-10-02T00:00:00.000Z"),
                ("9223372036854775807", "2026-11-02T00:00:00.000Z"),
            ] {
                await #expect(throws: WebProblem.badTotalsQuery) { try await ask(hours, until: until) }
            }
            #expect(try await RawClient(port: port).request("GET", "/api/v1/totals").status == 401)
        }
    }

    @Test("Whether the ledger is whole is told on the commands' socket alone, and while it is in use")
    func verified() async throws {
        try await Self.with(Self.records) { client, port, _, _ in
            let head = AuditHead(sequence: 99, hash: String(repeating: "0", count: 64))
            let verdicts = try await client.json(.init("/api/v1/verify"), as: [LedgerVerdict].self)
            #expect(verdicts.map(\.part) == ["ledger", "keys", "audit"] && verdicts.allSatisfy(\.isWhole))
            #expect(verdicts.first?.counts["rows"] == Self.records.count)
            let query = [(name: "part", value: "audit"), ("head", "\(head)")]
            let broken = try await client.json(.init("/api/v1/verify", query: query), as: [LedgerVerdict].self)
            #expect(broken.map(\.isWhole) == [false])
            for pair in [("part", "everything"), ("head", "1:2"), ("other", "")] {
                await #expect(throws: WebProblem.badVerifyQuery) {
                    try await client.send(.init("/api/v1/verify", query: [(name: pair.0, value: pair.1)]))
                }
            }
            #expect(try await RawClient(port: port).request("GET", "/api/v1/verify").status == 401)
        }
    }

    @Test("The master key is changed while the ledger is in use: the former one opens nothing; the audit log says so")
    func masterKey() async throws {
        try await Self.with(Self.records) { client, _, _, directory in
            let former = try Self.keyring(directory)
            _ = try await client.send(.init("/api/v1/master-key", method: "POST"))
            let ring = try Self.keyring(directory)
            #expect(ring.names.count == 1 && ring.names != former.names)
            let keys = "\(directory)/web/ledger"
            for name in try FileManager.default.contentsOfDirectory(atPath: keys) where name.hasSuffix(".key") {
                let wrapped = try WrappedKey(Array(Data(contentsOf: URL(filePath: "\(keys)/\(name)"))))
                #expect(wrapped.master == ring.current, "\(name)")
            }
            let verdicts = try await client.json(.init("/api/v1/verify"), as: [LedgerVerdict].self)
            #expect(verdicts.count == 3 && verdicts.flatMap(\.faults) == [])
            let audit = try await client.json(.init("/api/v1/audit"), as: Audit.self).entries
            #expect(audit.map(\.action) == ["key.master-changed", "key.change-master"])
            #expect(audit.first?.detail?.hasSuffix("by the master key \(hexadecimal(ring.current))") == true)
        }
    }

    @Test("A recovery key that the audit log does not know is told once, whoever put it there")
    func recoveryKey() async throws {
        try await Self.with([]) { client, _, _, directory in
            var told: [String] = []
            for key in [RecoveryKey(), RecoveryKey()] {
                try Data("\(key.ageRecipient)\n".utf8).write(to: URL(filePath: "\(directory)/recovery.pub"))
                told.insert("backups are made for \(key.ageRecipient)", at: 0)
                let end = ContinuousClock.now + .seconds(60)
                var found: [String?] = []
                while found.count < told.count, ContinuousClock.now < end {
                    try await Task.sleep(for: .milliseconds(200))
                    found = try await client.json(.init("/api/v1/audit"), as: Audit.self).entries.map(\.detail)
                }
                #expect(found == told)
            }
            // It is known once the entry is durable: a moment after it can be read.
            let end = ContinuousClock.now + .seconds(60)
            var known = ""
            while told.first != "backups are made for \(known)", ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(50))
                known = try String(contentsOfFile: "\(directory)/web/recovery-known", encoding: .utf8)
            }
            #expect(told.first == "backups are made for \(known)")
        }
    }

    @Test("An export has every call, and the audit log who asked for it, without the number in it")
    func exports() async throws {
        try await Self.with(Self.records) { client, _, _, _ in
            let csv = String(decoding: try await client.send(.init("/api/v1/calls.csv")), as: UTF8.self)
            #expect(csv.split(separator: "\r\n").count == 6 && csv.hasPrefix("id,box,"))
            let some = OperatorClient.Request("/api/v1/calls.json", query: [("number", "+493012340003")])
            let json = try await client.json(some, as: [[String: String]].self)
            #expect(json.map { $0["number"] } == ["+493012340003"])
            let audit = try await client.json(.init("/api/v1/audit"), as: Audit.self).entries
            #expect(audit.map(\.number) == [2, 1] && audit.map(\.action) == ["calls.export", "calls.export"])
            #expect(audit.first?.detail == "calls as json, number …03")
            #expect(audit.first?.actor == userName(getuid()))
            for bad in ["?limit=5", "?after=1@2026-11", "?colour=red"] {
                await #expect(throws: WebProblem.badQuery) { try await client.send(.init("/api/v1/calls.csv\(bad)")) }
            }
            await #expect(throws: WebProblem.badAuditQuery) { try await client.send(.init("/api/v1/audit?limit=0")) }
        }
    }

    @Test("Everything about a number, in whatever spelling, is one archive without the users' data")
    func archive() async throws {
        try await Self.with(Self.records) { client, _, _, directory in
            for (person, lines) in [(["number": Self.number], 4), (["user": "berta"], 3)] {
                let bytes = try await client.send(try Self.post("/api/v1/privacy/export", person))
                let path = "\(directory)/out-\(lines).zip"
                try Data(bytes).write(to: URL(filePath: path))
                let csv = try Self.unzip(path, "calls.csv")
                #expect(csv.split(separator: "\r\n").count == lines)
                let calls = try JSONDecoder().decode(
                    [[String: String]].self, from: Data(Self.unzip(path, "calls.json").utf8))
                #expect(calls.count == lines - 1)
                #expect(try Self.unzip(path, "README.txt").contains("article 15"))
                if person["user"] == nil {
                    #expect(calls.allSatisfy { $0["user"] == nil && $0["device"] == nil && $0["number"] != nil })
                } else {
                    #expect(calls.allSatisfy { $0["number"] == nil && $0["name"] == nil && $0["last_digits"] != nil })
                    #expect(!csv.contains("Erika") && !csv.contains("1234000"))
                }
            }
        }
    }

    /// By the standard tool, which checks the sums.
    private static func unzip(_ archive: String, _ name: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = [
            "-c",
            "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; sys.stdout.buffer.write(z.read(sys.argv[2]))",
            archive, name,
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw RawClient.Closed() }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("An erasure takes every spelling, says what it took, and its certificate is in the audit log, too")
    func erasure() async throws {
        try await Self.with(Self.records) { client, _, _, _ in
            let notice = try await client.json(
                try Self.post("/api/v1/privacy/erase", ["number": Self.number]), as: ErasureNotice.self)
            #expect(notice.removed == ["calls": 3] && notice.periods == ["2026-11"] && notice.unreadable == 0)
            #expect(notice.subject == "number …01" && notice.askedBy == userName(getuid()))
            #expect(notice.listEntries.count == 3 && notice.listEntries.allSatisfy { $0.utf8.count == 64 })
            // Nobody is there to hand records over.
            #expect(!notice.spoolEmptied)
            let csv = String(decoding: try await client.send(.init("/api/v1/calls.csv")), as: UTF8.self)
            #expect(csv.split(separator: "\r\n").count == 3 && !csv.contains("12340001"))
            let audit = try await client.json(.init("/api/v1/audit"), as: Audit.self).entries
            let entry = try #require(audit.first { $0.action == "privacy.erase" })
            #expect(entry.detail?.contains("\"calls\":3") == true && entry.detail?.contains("12340001") == false)
            let again = try await client.json(
                try Self.post("/api/v1/privacy/erase", ["user": "berta"]), as: ErasureNotice.self)
            #expect(again.removed == ["calls": 1])
        }
    }

    @Test("Nobody, both, or something else is refused, and so is whoever is not the owner or not signed in")
    func refused() async throws {
        try await Self.with([]) { client, port, server, _ in
            for body in [[:], ["number": ""], ["number": "anna"], ["user": ""], ["number": "1", "user": "a"]] {
                await #expect(throws: WebProblem.badPerson) {
                    try await client.send(try Self.post("/api/v1/privacy/erase", body))
                }
            }
            let berta = try #require(AccountName("berta"))
            let hash = try PasswordHash(Redacted(Box.password), cost: Box.cost)
            _ = try await server.accounts.add(berta, displayName: "", role: .user, password: hash, now: .now)
            let token = try await server.token(of: "berta")
            for path in ["calls.csv", "audit"] {
                let other = try await RawClient(port: port).request(
                    "GET", "/api/v1/\(path)", headers: ["Authorization: Bearer \(token)"])
                #expect(other.status == 403 && other.member("code") == "account.not-allowed")
                let nobody = try await RawClient(port: port).request("GET", "/api/v1/\(path)")
                #expect(nobody.status == 401)
            }
        }
    }

    @Test("Sign-ins, wrong passwords and sign-outs are written down; a guesser has one entry")
    func signIns() async throws {
        try await Self.with([]) { client, port, _, _ in
            func signIn(_ password: String) async throws -> RawClient.Answer {
                try await RawClient(port: port).request(
                    "POST", "/api/v1/session", headers: ["Content-Type: application/json"],
                    body: #"{"user":"admin","password":"\#(password)"}"#)
            }
            for _ in 0..<2 { #expect(try await signIn("wrong").status == 401) }
            let answer = try await signIn(Box.password)
            #expect(answer.status == 200)
            let cookie =
                answer.headers.first { $0.name.lowercased() == "set-cookie" }?.value.split(separator: ";").first.map(
                    String.init) ?? ""
            let out = try await RawClient(port: port).request(
                "DELETE", "/api/v1/session", headers: ["Cookie: \(cookie)"])
            #expect(out.status == 204)
            let audit = try await client.json(.init("/api/v1/audit"), as: Audit.self).entries
            #expect(audit.map(\.action) == ["session.sign-out", "session.sign-in", "session.sign-in-failed"])
            #expect(audit.map(\.actor) == ["admin", "admin", "somebody"])
            #expect(audit.last?.detail == "from 127.0.0.1")
        }
    }

    @Test("Who made, changed, invited and removed an account is written down, and that a link was used")
    func people() async throws {
        try await Self.with([]) { client, port, _, _ in
            struct Made: Decodable { var invitation: String }
            let user = try Self.post("/api/v1/users", ["user": "berta", "name": "Berta", "role": "user"])
            let link = try await client.json(user, as: Made.self).invitation
            let accepted = try await RawClient(port: port).request(
                "POST", "/api/v1/invitation/acceptance", headers: ["Content-Type: application/json"],
                body: #"{"invitation":"\#(link)","password":"long enough"}"#)
            #expect(accepted.status == 200)
            let path = "/api/v1/users/berta"
            for change in [#"{"role":"auditor"}"#, #"{"suspended":true}"#] {
                _ = try await client.send(.init(path, method: "PATCH", body: Array(change.utf8)))
            }
            _ = try await client.send(.init("\(path)/invitation", method: "POST"))
            _ = try await client.send(
                .init("\(path)/password", method: "PUT", body: Array(#"{"password":"another one"}"#.utf8)))
            _ = try await client.send(.init(path, method: "DELETE"))
            let audit = try await client.json(.init("/api/v1/audit"), as: Audit.self).entries.reversed()
            #expect(
                audit.map(\.action) == [
                    "user.add", "invitation.accept", "user.change", "user.change", "user.invite", "password.set",
                    "user.remove",
                ])
            let operators = Set(audit.filter { $0.action != "invitation.accept" }.map(\.actor))
            #expect(operators == [userName(getuid())])
            #expect(audit.dropFirst().first?.actor == "berta")
            #expect(audit.dropFirst(2).first?.detail == "berta: user, now auditor")
            #expect(!audit.contains { $0.detail?.contains("long enough") == true || $0.detail?.contains(link) == true })
        }
    }
}
