import GRDB
import Synchronization
package import Wire

/// What owners and admins change about accounts. Who may do so is asked by the routes (``Role/maySetUp(_:)``).
extension AccountStore {
    /// Changes what others see.
    ///
    /// - Throws: `account.unknown`, `account.file`.
    package func describe(_ name: AccountName, displayName: String, language: String?) throws(Problem) {
        let (display, language) = (Account.shown(displayName), Account.language(language))
        try change(name) { database throws in
            try database.execute(
                sql: "UPDATE account SET display = ?, language = ? WHERE name = ?",
                arguments: [display, language, name.description])
        }
        snapshot.withLock {
            $0.accounts[name]?.displayName = display
            $0.accounts[name]?.language = language
        }
    }

    /// Takes effect with the next request, for sessions that are open as well.
    ///
    /// - Throws: `account.unknown`, `account.last-owner`, `account.file`.
    package func set(_ name: AccountName, role: Role) throws(Problem) {
        try change(name) { database throws in
            try database.execute(
                sql: "UPDATE account SET role = ?, epoch = epoch + 1 WHERE name = ?",
                arguments: [role.rawValue, name.description])
            try Self.requireOwner(database)
        }
        snapshot.withLock {
            $0.accounts[name]?.role = role
            $0.epochs[name, default: 0] += 1
        }
    }

    /// Suspending ends every session; nothing is removed.
    ///
    /// - Throws: `account.unknown`, `account.last-owner`, `account.file`.
    package func set(_ name: AccountName, isSuspended: Bool) throws(Problem) {
        let state = try change(name) { database throws in
            let hasPassword =
                try Bool.fetchOne(
                    database, sql: "SELECT password IS NOT NULL FROM account WHERE name = ?",
                    arguments: [name.description]) ?? false
            let state: Account.State = isSuspended ? .suspended : hasPassword ? .active : .invited
            try database.execute(
                sql: "UPDATE account SET state = ?, epoch = epoch + 1 WHERE name = ?",
                arguments: [state.rawValue, name.description])
            if isSuspended {
                try database.execute(sql: "DELETE FROM session WHERE account = ?", arguments: [name.description])
            }
            try Self.requireOwner(database)
            return state
        }
        snapshot.withLock {
            $0.accounts[name]?.state = state
            $0.epochs[name, default: 0] += 1
            if isSuspended { $0.sessions = $0.sessions.filter { $0.value.account != name } }
        }
    }

    /// Sets the password anew and ends every session, but for one.
    ///
    /// - Parameter keeping: the session in which somebody changes their own password.
    /// - Throws: `account.unknown`, `account.file`.
    package func set(_ name: AccountName, password: PasswordHash, keeping: Session.ID? = nil) throws(Problem) {
        try change(name) { database throws in
            try database.execute(
                sql: """
                    UPDATE account SET password = ?, epoch = epoch + 1,
                        state = CASE state WHEN 'invited' THEN 'active' ELSE state END
                    WHERE name = ?
                    """,
                arguments: [password.encoded, name.description])
            try database.execute(
                sql: "DELETE FROM session WHERE account = ? AND id <> ?", arguments: [name.description, keeping ?? ""])
            try database.execute(sql: "DELETE FROM invitation WHERE account = ?", arguments: [name.description])
        }
        snapshot.withLock {
            if $0.accounts[name]?.state == .invited { $0.accounts[name]?.state = .active }
            $0.epochs[name, default: 0] += 1
            $0.sessions = $0.sessions.filter { $0.value.account != name || $0.key == keeping }
        }
    }

    /// Removes an account with its sessions and tokens; its calls stay in the ledger.
    ///
    /// - Throws: `account.unknown`, `account.last-owner`, `account.file`.
    package func remove(_ name: AccountName) throws(Problem) {
        try change(name) { database throws in
            try database.execute(sql: "DELETE FROM account WHERE name = ?", arguments: [name.description])
            try Self.requireOwner(database)
        }
        snapshot.withLock {
            $0.accounts[name] = nil
            $0.epochs[name] = nil
            $0.sessions = $0.sessions.filter { $0.value.account != name }
            $0.tokens = $0.tokens.filter { $0.value.account != name }
        }
    }

    /// A transaction on an account that is there.
    @discardableResult
    func change<Value>(_ name: AccountName, _ body: (Database) throws -> Value) throws(Problem) -> Value {
        guard account(name) != nil else { throw AccountProblem.unknown }
        return try file.transact(body)
    }

    /// Within a transaction, which it undoes by throwing.
    private static func requireOwner(_ database: Database) throws {
        let owners = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM account WHERE role = 'owner' AND state = 'active'")
        guard let owners, owners > 0 else { throw AccountProblem.lastOwner }
    }
}
