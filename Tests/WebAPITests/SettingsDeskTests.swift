import Accounts
import Control
import Foundation
import Settings
import Testing
import Wire

@testable import WebAPI

@Suite("Settings that are chosen in the page", .timeLimit(.minutes(5)))
struct SettingsDeskTests {
    private struct Listing: Decodable {
        struct Section: Decodable {
            struct Account: Decodable {
                var name: String
                var server: String
                var hasPassword: Bool
            }

            var fixed: Bool
            var origin: String
            var accounts: [Account]?
        }

        var sections: [String: Section]
        var revision: Int
        var inForce: Bool?
    }

    private static let account = #"[{"name":"Main","server":"sip.example.net","user":"a","password":"top-secret"}]"#

    private func read(_ box: Box) async throws -> (listing: Listing, tag: String) {
        let answer = try await RawClient(port: box.port).request(
            "GET", "/api/v1/settings", headers: ["Authorization: Bearer \(box.token())"])
        return (
            try JSONDecoder().decode(Listing.self, from: Data(answer.body)), try #require(answer["etag"])
        )
    }

    private func put(
        _ box: Box, _ section: String, _ body: String, tag: String? = nil
    ) async throws -> RawClient.Answer {
        let tag = if let tag { tag } else { try await read(box).tag }
        return try await RawClient(port: box.port).request(
            "PUT", "/api/v1/settings/\(section)",
            headers: ["Authorization: Bearer \(box.token())"] + (tag.isEmpty ? [] : ["If-Match: \(tag)"]), body: body)
    }

    private func file(_ box: Box) -> String? {
        try? String(contentsOfFile: box.stateDirectory + "/web/settings.toml", encoding: .utf8)
    }

    @Test("What is chosen holds in the core before it is answered, and is written down without its password")
    func choosing() async throws {
        try await withBox(configuration: "[ledger]\nkeep_days = 30\n") { box in
            let (before, tag) = try await read(box)
            #expect(before.revision == 0)
            #expect(before.sections["ledger"]?.fixed == true && before.sections["ledger"]?.origin == "file")
            #expect(before.sections["dialling"]?.origin == "default")
            let done = try await put(box, "trunks", Self.account, tag: tag)
            #expect(done.status == 200)
            let (now, next) = try await read(box)
            #expect(done["etag"] == next && next != tag)
            #expect(now.revision == 1 && now.inForce == true)
            let account = try #require(now.sections["trunks"]?.accounts?.first)
            #expect(account.name == "Main" && account.server == "sip.example.net" && account.hasPassword)
            let choice = try #require(await box.core.choices.last)
            #expect(choice.passwords == ["Main": Redacted("top-secret")])
            #expect(!choice.toml.contains("top-secret") && choice.toml.contains("sip.example.net"))
            #expect(file(box) == choice.toml)
            let attributes = try FileManager.default.attributesOfItem(atPath: box.stateDirectory + "/web/settings.toml")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(!String(decoding: done.body, as: UTF8.self).contains("top-secret"))
            // Taken back.
            #expect(try await put(box, "trunks", "null").status == 200)
            #expect(try await read(box).listing.sections["trunks"]?.origin == "default")
        }
    }

    @Test("A change says which state it changes; of two from the same state one holds")
    func conditions() async throws {
        try await withBox { box in
            let tag = try await read(box).tag
            let missing = try await put(box, "dialling", "{}", tag: "")
            #expect(missing.status == 428 && missing.member("code") == "settings.unconditional")
            for other in ["\"0-0\"", "W/\(tag)", "x"] {
                #expect(try await put(box, "dialling", "{}", tag: other).status == 412)
            }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for limit in 1...8 {
                    group.addTask { try await put(box, "dialling", "{\"calls_at_once\":\(limit)}", tag: tag).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 200 } == 1 && statuses.count { $0 == 412 } == 7)
            #expect(await box.core.choices.count == 1)
            let now = try await read(box)
            #expect(now.listing.revision == 1)
            #expect(try await put(box, "dialling", "{}", tag: "\"x\", \(now.tag)").status == 200)
            // Nothing else: nobody is told.
            #expect(try await put(box, "dialling", "{}", tag: "*").status == 200)
            #expect(try await read(box).listing.revision == 2)
        }
    }

    @Test(
        "What cannot hold is refused with its place, and the former goes on to hold",
        arguments: [
            ("dialling", #"{"country":"XX"}"#, 422, "dialling.country"),
            ("dialling", #"{"calls_at_once":1.5}"#, 422, "dialling.calls_at_once"),
            ("dialling", #"{"calls_at_once":[{}]}"#, 422, "dialling.calls_at_once"),
            ("dialling", #"{"a\n[sip]":"b"}"#, 422, "dialling.a\n[sip]"),
            ("media", #"{"listen":"0.0.0.0:1"}"#, 422, "media.listen"),
            ("trunks", #"[{"name":"A","user":"a","server":"a.net"},{"name":"B"}]"#, 422, "trunks[1].server"),
            ("trunks", #"[{"name":"A","password":5}]"#, 422, "trunks[0].password"),
            ("trunks", #"[{"name":"A","preset":"/etc/passwd"}]"#, 422, "trunks[0].preset"),
            ("trunks", "{}", 400, nil), ("dialling", "[]", 400, nil), ("dialling", "{", 400, nil),
            ("sip", #"{"listen":"0.0.0.0:1"}"#, 404, nil), ("ledger", "{}", 409, nil),
        ])
    func mistakes(section: String, body: String, status: Int, key: String?) async throws {
        try await withBox(configuration: "[ledger]\n") { box in
            let answer = try await put(box, section, body)
            #expect(answer.status == status)
            #expect(answer.member("key") == key)
            if status == 409 { #expect(answer.member("code") == "settings.fixed") }
            #expect(await box.core.choices.isEmpty && file(box) == nil)
            #expect(try await read(box).listing.revision == 0)
        }
    }

    @Test("What the core refuses does not hold; without a core nothing changes")
    func refused() async throws {
        try await withBox { box in
            let problem = Problem(code: "settings.invalid", sentence: "trunks[0].password: Missing.")
            await box.core.refuse(problem, key: "trunks[0].password")
            let answer = try await put(box, "trunks", Self.account)
            #expect(answer.status == 422 && answer.member("key") == "trunks[0].password")
            await box.core.refuse(SettingsProblem.notKept)
            #expect(try await put(box, "dialling", "{}").status == 507)
            #expect(file(box) == nil)
            #expect(try await read(box).listing.sections["trunks"]?.origin == "default")
            await box.core.refuse(nil)
            #expect(try await put(box, "trunks", Self.account).status == 200)
            await box.control.stop()
            let away = try await put(box, "trunks", "null")
            #expect(away.status == 503 && away.member("code") == "core.unreachable")
            #expect(try await read(box).listing.sections["trunks"]?.origin == "page")
        }
    }

    @Test("The core has a later choice than this process wrote down: it is taken over")
    func laterCore() async throws {
        var later = ChosenSettings()
        later.revision = 9
        later.tables[.dialling] = [["country": .text("DE")]]
        let held = SettingsInForce(revision: 9, toml: later.toml)
        for chosen in [nil, ChosenSettings().toml, "broken"] {
            try await withBox(chosen: chosen, held: held) { box in
                let isIn = await eventually { file(box) == held.toml }
                #expect(isIn, "\(chosen ?? "none")")
                let (now, _) = try await read(box)
                #expect(now.revision == 9)
                #expect(await box.core.choices.isEmpty)
            }
        }
    }

    @Test("A core that has lost what was chosen is told again, without a password")
    func earlierCore() async throws {
        var chosen = ChosenSettings()
        chosen.revision = 4
        chosen.tables[.dialling] = [["country": .text("DE")]]
        try await withBox(chosen: chosen.toml) { box in
            let isTold = await eventually { await !box.core.choices.isEmpty }
            #expect(isTold)
            #expect(await box.core.choices == [SettingsChoice(revision: 4, toml: chosen.toml)])
        }
    }

    @Test("What is kept and does not hold is told again when the same is chosen once more")
    func sameOnceMore() async throws {
        var chosen = ChosenSettings()
        chosen.revision = 4
        chosen.tables[.dialling] = [["country": .text("DE")]]
        let problem = Problem(code: "settings.invalid", sentence: "It did not hold.")
        let held = SettingsInForce(revision: 4, toml: chosen.toml, withPassword: [], problem: problem)
        try await withBox(chosen: chosen.toml, held: held) { box in
            #expect(await eventually { (try? await read(box).listing.inForce) == false })
            let mended = try await put(box, "dialling", #"{"country":"DE"}"#)
            #expect(mended.status == 200)
            #expect(await box.core.choices.map(\.revision) == [5])
            #expect(try await read(box).listing.inForce == true)
            // Now it holds: nobody is told.
            #expect(try await put(box, "dialling", #"{"country":"DE"}"#).status == 200)
            #expect(await box.core.choices.count == 1)
        }
    }

    @Test("Presets say what an account needs")
    func presets() async throws {
        try await withBox { box in
            let answer = try await RawClient(port: box.port).request(
                "GET", "/api/v1/presets", headers: ["Authorization: Bearer \(box.token())"])
            let text = String(decoding: answer.body, as: UTF8.self)
            #expect(text.contains(#""preset":"example""#) && text.contains(#""needs":["server","number"]"#))
        }
    }
}
