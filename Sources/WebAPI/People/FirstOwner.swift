package import Accounts
import FoundationEssentials
import Glibc
package import Wire

/// The account that a box begins with: `admin`, an owner. Its password is the one that the box had before it had accounts;
/// otherwise it is given, or made and left as a note.
package enum FirstOwner {
    package static let name = "admin"

    /// Makes the account when there is none.
    ///
    /// - Parameters:
    ///   - given: the password to take where the box never had one; without one a readable one of 79 random bits is made.
    ///   - leavesNote: a service has no terminal to show the password on: it is left in `web/first-password` until it has been
    ///     used.
    /// - Returns: the password, to be shown once; nil if there is an account or a password already.
    /// - Throws: `account.password-too-short`, `account.file`, `web.password-note`.
    package static func make(
        in store: AccountStore, stateDirectory: String, given: Redacted<String>? = nil, leavesNote: Bool,
        cost: PasswordHash.Cost = .init()
    ) async throws(Problem) -> Redacted<String>? {
        guard store.isEmpty, let name = AccountName(name) else { return nil }
        if let former = formerPassword(in: stateDirectory) {
            _ = try await store.add(name, displayName: "Admin", role: .owner, password: former, now: .now)
            return nil
        }
        let password = given ?? readable()
        let hash = try PasswordHash(password, cost: cost)
        if leavesNote {
            do {
                // The note first: a password that nobody can read any more would lock its owner out.
                try PrivateFile.write(Data("\(password.revealed)\n".utf8), to: note(in: stateDirectory))
            } catch {
                throw PeopleProblem.note(note(in: stateDirectory), why: "\(error)")
            }
        }
        _ = try await store.add(name, displayName: "Admin", role: .owner, password: hash, now: .now)
        return password
    }

    // MARK: A box without accounts

    /// One that cannot be read is no reason to keep the page shut: the owner finds a new one in the note.
    private static func formerPassword(in stateDirectory: String) -> PasswordHash? {
        guard let file = FileManager.default.contents(atPath: stateDirectory + "/web/admin.json") else { return nil }
        return PasswordHash(ofBoxWithoutAccounts: file)
    }

    /// Removes what a box without accounts kept, once this version serves: until then the former one may be put back.
    package static func forgetFormer(in stateDirectory: String) {
        unlink(stateDirectory + "/web/admin.json")
        unlink(stateDirectory + "/web/sessions.json")
    }

    // MARK: The note

    /// - Returns: nil when the first password has been used, or was never left as a note.
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

    /// Four groups of four letters and digits, without those that look like another (0 o, 1 i l).
    private static func readable() -> Redacted<String> {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("abcdefghjkmnpqrstuvwxyz23456789")
        let groups = (0..<4).map { _ in String((0..<4).compactMap { _ in alphabet.randomElement(using: &generator) }) }
        return Redacted(groups.joined(separator: "-"))
    }
}
