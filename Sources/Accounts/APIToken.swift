package import FoundationEssentials
import GRDB
import Synchronization
package import Wire

/// What a program signs in with: it acts for an account, with no more than its scopes.
package struct APIToken: Sendable, Equatable {
    package enum Scope: String, Sendable, Codable, CaseIterable {
        /// Make and end calls for the account.
        case calls
        case readHistory = "history"
        case readStatus = "status"
        case administer = "admin"
    }

    /// Tells such a token from other secrets, for programs that search for leaked ones.
    static let prefix = "sipcall_"

    package let id: String
    package let account: AccountName
    package let name: String
    package let scopes: Set<Scope>
    package let created: Date
    /// nil: until it is withdrawn.
    package let ends: Date?
}

extension AccountStore {
    /// A new token.
    ///
    /// - Returns: the text to show once, and what is kept of it.
    /// - Throws: `account.unknown`, `account.token-name`, `account.too-many-tokens`, `account.file`.
    package func addToken(
        _ name: String, for account: AccountName, scopes: Set<APIToken.Scope>, ends: Date?, now: Date
    ) throws(Problem) -> (text: Redacted<String>, token: APIToken) {
        guard (1...64).contains(name.count) else { throw AccountProblem.tokenName }
        guard tokens(of: account).count < Self.mostTokens else { throw AccountProblem.tooManyTokens }
        let secret = SecretText()
        let text = Redacted(APIToken.prefix + secret.text.revealed)
        let digest = SecretText.digest(text.revealed)
        var generator = SystemRandomNumberGenerator()
        let id = hexadecimal((0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) })
        let token = APIToken(id: id, account: account, name: name, scopes: scopes, created: now, ends: ends)
        try change(account) { database throws in
            try database.execute(
                sql:
                    "INSERT INTO token (id, account, name, digest, scopes, created, ends) VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    id, account.description, name, digest, scopes.map(\.rawValue).sorted().joined(separator: " "),
                    now.timeIntervalSince1970, ends?.timeIntervalSince1970,
                ])
        }
        snapshot.withLock { $0.tokens[digest] = token }
        return (text, token)
    }

    /// In the order of their making.
    package nonisolated func tokens(of account: AccountName) -> [APIToken] {
        snapshot.withLock { state in
            state.tokens.values.filter { $0.account == account }.sorted { $0.created < $1.created }
        }
    }

    /// - Throws: `account.file`: good for nothing all the same, until a restart.
    package func withdrawToken(_ id: String, of account: AccountName) throws(Problem) {
        snapshot.withLock { $0.tokens = $0.tokens.filter { $0.value.id != id || $0.value.account != account } }
        try file.transact { database in
            try database.execute(
                sql: "DELETE FROM token WHERE id = ? AND account = ?", arguments: [id, account.description])
        }
    }

    /// Whom a program acts for; nil when the text is no token, or one that has ended.
    package nonisolated func holder(of text: Redacted<String>, now: Date) -> (account: Account, token: APIToken)? {
        guard text.revealed.hasPrefix(APIToken.prefix), text.revealed.utf8.count == APIToken.prefix.utf8.count + 43
        else {
            return nil
        }
        let digest = SecretText.digest(text.revealed)
        return snapshot.withLock { state in
            guard let token = state.tokens[digest], token.ends.map({ $0 > now }) ?? true,
                let account = state.accounts[token.account], account.state == .active
            else { return nil }
            return (account, token)
        }
    }
}
