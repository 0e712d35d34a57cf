package import FoundationEssentials
import GRDB
package import Wire

/// Links that make a password once: for new people, and for those who have forgotten theirs.
extension AccountStore {
    static let invitationLasts = 7 * 86_400.0

    /// A new link's secret; a former one of the same account is good for nothing any more.
    ///
    /// - Throws: `account.unknown`, `account.file`.
    package func invite(_ name: AccountName, now: Date) throws(Problem) -> Redacted<String> {
        let secret = SecretText()
        try change(name) { database throws in
            try database.execute(
                sql: "INSERT OR REPLACE INTO invitation (account, digest, ends) VALUES (?, ?, ?)",
                arguments: [name.description, secret.digest, now.timeIntervalSince1970 + Self.invitationLasts])
        }
        return secret.text
    }

    /// Withdraws the link, if there is one.
    package func withdrawInvitation(of name: AccountName) throws(Problem) {
        try change(name) { database throws in
            try database.execute(sql: "DELETE FROM invitation WHERE account = ?", arguments: [name.description])
        }
    }

    /// Whom a link is for.
    ///
    /// - Throws: `account.invitation-used`, `account.file`.
    package func invited(by secret: Redacted<String>, now: Date) throws(Problem) -> Account {
        let name = try file.read { database in
            try String.fetchOne(
                database, sql: "SELECT account FROM invitation WHERE digest = ? AND ends > ?",
                arguments: [SecretText.digest(secret.revealed), now.timeIntervalSince1970])
        }
        guard let name = name.flatMap(AccountName.init), let account = account(name), account.state != .suspended else {
            throw AccountProblem.invitationUsed
        }
        return account
    }

    /// Uses the link up: of two who come with it, one sets the password.
    ///
    /// - Throws: `account.invitation-used`, `account.file`.
    package func accept(_ secret: Redacted<String>, password: PasswordHash, now: Date) throws(Problem) -> Account {
        let name = try invited(by: secret, now: now).name
        // Setting the password removes the invitation in the same transaction, on this actor, one after the other.
        try set(name, password: password)
        guard let account = account(name) else { throw AccountProblem.unknown }
        return account
    }
}
