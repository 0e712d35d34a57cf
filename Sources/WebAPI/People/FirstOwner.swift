package import Accounts
import FoundationEssentials
import Glibc
package import Wire

/// The account of a box that is somebody's before anybody claims it: `admin`, an owner. Its password is the one that the box
/// had before it had accounts, or one that it is run with.
package enum FirstOwner {
    package static let name = "admin"

    /// Makes the account when there is none and there is a password for it.
    ///
    /// - Parameter given: the password to take where the box never had one.
    /// - Returns: whether the box has an owner; otherwise it waits to be claimed.
    /// - Throws: `account.password-too-short`, `account.file`.
    package static func make(
        in store: AccountStore, stateDirectory: String, given: Redacted<String>? = nil,
        cost: PasswordHash.Cost = .init()
    ) async throws(Problem) -> Bool {
        guard store.isEmpty, let name = AccountName(name) else { return true }
        var hash = formerPassword(in: stateDirectory)
        if hash == nil, let given { hash = try PasswordHash(given, cost: cost) }
        guard let hash else { return false }
        _ = try await store.claim(name, displayName: "Admin", password: hash, now: .now)
        return true
    }

    // MARK: A box without accounts

    /// One that cannot be read is no password: the box waits to be claimed then.
    private static func formerPassword(in stateDirectory: String) -> PasswordHash? {
        guard let file = FileManager.default.contents(atPath: stateDirectory + "/web/admin.json") else { return nil }
        return PasswordHash(ofBoxWithoutAccounts: file)
    }

    /// Removes what a box without accounts kept, once this version serves: until then the former one may be put back.
    package static func forgetFormer(in stateDirectory: String) {
        unlink(stateDirectory + "/web/admin.json")
        unlink(stateDirectory + "/web/sessions.json")
    }

    // MARK: The note of former versions

    /// - Returns: the first password that a version without a claim made, until it has been used.
    package static func password(in stateDirectory: String) -> Redacted<String>? {
        guard let data = FileManager.default.contents(atPath: note(in: stateDirectory)), data.count <= 1025 else {
            return nil
        }
        let text = String(decoding: data, as: UTF8.self).filter { $0 != "\n" }
        return text.isEmpty ? nil : Redacted(text)
    }

    static func forgetNote(in stateDirectory: String) {
        unlink(note(in: stateDirectory))
    }

    private static func note(in stateDirectory: String) -> String { stateDirectory + "/web/first-password" }
}
