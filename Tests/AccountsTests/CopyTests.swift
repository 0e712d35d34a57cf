import FoundationEssentials
import Testing
import Wire

@testable import Accounts

@Suite("Copies of the accounts, and what a box kept before it had any")
struct CopyTests {
    @Test("A copy has the accounts and their passwords, and neither sessions nor links")
    func copy() async throws {
        let accounts = try TestAccounts()
        defer { accounts.remove() }
        let anna = try await accounts.add("anna", .owner)
        let bert = try await accounts.add("bert", password: nil)
        let (_, cookie) = try await accounts.store.beginSession(of: anna, device: "", source: "", now: accounts.now)
        let link = try await accounts.store.invite(bert, now: accounts.now)
        let path = accounts.folder + "/copy.sqlite"
        try await accounts.store.copy(to: path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        let copy = try AccountStore(path)
        #expect(copy.accounts == accounts.store.accounts)
        #expect(try await copy.passwordHash(anna).matches(Redacted("correct horse")))
        guard case .unknown = try await copy.renew(cookie, source: "", now: accounts.now) else {
            Issue.record("a session came back")
            return
        }
        await #expect(throws: AccountProblem.invitationUsed) { try await copy.invited(by: link, now: accounts.now) }
        // The original goes on as it was.
        guard case .renewed = try await accounts.store.renew(cookie, source: "", now: accounts.now) else {
            Issue.record("the copy took the session away")
            return
        }
        _ = try await accounts.store.invited(by: link, now: accounts.now)
    }

    /// `web/admin.json` as version 0.1 wrote it for the password "correct-horse", with a quick cost.
    private static let hash = "3xExSTLetW/u5n0VKkWZ9YaaXbzZ6BiL5u8FiV8Jilw="
    private static let salt = "AQIDBAUGBwgJCgsMDQ4PEA=="
    static let file = """
        {"algorithm":"scrypt","blockSize":8,"cost":1024,"hash":"\(hash)","parallelism":1,"salt":"\(salt)"}
        """

    @Test("The one password of a box without accounts is still the password")
    func former() throws {
        let hash = try #require(PasswordHash(ofBoxWithoutAccounts: Data(Self.file.utf8)))
        #expect(hash.matches(Redacted("correct-horse")))
        #expect(!hash.matches(Redacted("correct-horsf")))
        #expect(PasswordHash(encoded: hash.encoded) == hash)
    }

    /// Each replaces one thing of the file.
    @Test(
        "What no such box wrote is none",
        arguments: [
            ("{", ""), ("1024", "1025"), ("1024", "1073741824"), ("scrypt", "md5"), ("Size\":8", "Size\":-8"),
            ("ism\":1", "ism\":9000000000000000000"), (salt, "AAAA"), (hash, "AAAA"), ("\"salt\"", "\"pepper\""),
        ])
    func damaged(what: String, by: String) {
        let file = Self.file.replacing(what, with: by)
        #expect(file != Self.file && PasswordHash(ofBoxWithoutAccounts: Data(file.utf8)) == nil)
    }
}
