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
    static let file = """
        {"algorithm":"scrypt","blockSize":8,"cost":1024,"hash":"3xExSTLetW/u5n0VKkWZ9YaaXbzZ6BiL5u8FiV8Jilw=","parallelism":1,"salt":"AQIDBAUGBwgJCgsMDQ4PEA=="}
        """

    @Test("The one password of a box without accounts is still the password")
    func former() throws {
        let hash = try #require(PasswordHash(ofBoxWithoutAccounts: Data(Self.file.utf8)))
        #expect(hash.matches(Redacted("correct-horse")))
        #expect(!hash.matches(Redacted("correct-horsf")))
        #expect(PasswordHash(encoded: hash.encoded) == hash)
    }

    @Test(
        "What no such box wrote is none",
        arguments: [
            "", "{}", CopyTests.file.replacing("1024", with: "1025"), CopyTests.file.replacing("1024", with: "1073741824"),
            CopyTests.file.replacing("scrypt", with: "md5"), CopyTests.file.replacing("\"blockSize\":8", with: "\"blockSize\":-8"),
            CopyTests.file.replacing("\"parallelism\":1", with: "\"parallelism\":9000000000000000000"),
            CopyTests.file.replacing("AQIDBAUGBwgJCgsMDQ4PEA==", with: "AAAA"), CopyTests.file.replacing("3xExSTLetW/u5n0VKkWZ9YaaXbzZ6BiL5u8FiV8Jilw=", with: "AAAA"),
        ])
    func damaged(file: String) {
        #expect(PasswordHash(ofBoxWithoutAccounts: Data(file.utf8)) == nil)
    }
}
