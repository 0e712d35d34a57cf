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
    /// - Throws: `account.unknown`, `account.last-owner`, `account.file`: a role that includes less is in force all the same, until
    ///   a restart; one that includes more is not.
    package func set(_ name: AccountName, role: Role) throws(Problem) {
        func onDisk(_ database: Database) throws {
            try database.execute(
                sql: "UPDATE account SET role = ?, epoch = epoch + 1 WHERE name = ?",
                arguments: [role.rawValue, name.description])
        }
        func inMemory(_ state: inout Snapshot) {
            state.accounts[name]?.role = role
            state.epochs[name, default: 0] += 1
        }
        guard let former = account(name)?.role else { throw AccountProblem.unknown }
        if Permission.allCases.allSatisfy({ former.may($0) || !role.may($0) }) {
            try revoke(name, inMemory: inMemory, onDisk: onDisk)
        } else {
            try change(name, onDisk)
            snapshot.withLock { inMemory(&$0) }
        }
    }

    /// Suspending ends every session and withdraws the link, if there is one; nothing else is removed.
    ///
    /// - Throws: `account.unknown`, `account.last-owner`, `account.file`: suspended all the same, until a restart.
    package func set(_ name: AccountName, isSuspended: Bool) throws(Problem) {
        guard isSuspended else { return try admitAgain(name) }
        try revoke(name) { state in
            state.accounts[name]?.state = .suspended
            state.epochs[name, default: 0] += 1
            state.sessions = state.sessions.filter { $0.value.account != name }
        } onDisk: { database in
            try database.execute(
                sql: "UPDATE account SET state = 'suspended', epoch = epoch + 1 WHERE name = ?",
                arguments: [name.description])
            try database.execute(sql: "DELETE FROM session WHERE account = ?", arguments: [name.description])
            try database.execute(sql: "DELETE FROM invitation WHERE account = ?", arguments: [name.description])
        }
    }

    private func admitAgain(_ name: AccountName) throws(Problem) {
        let state = try change(name) { database throws in
            let hasPassword =
                try Bool.fetchOne(
                    database, sql: "SELECT password IS NOT NULL FROM account WHERE name = ?",
                    arguments: [name.description]) ?? false
            let state: Account.State = hasPassword ? .active : .invited
            try database.execute(
                sql: "UPDATE account SET state = ?, epoch = epoch + 1 WHERE name = ?",
                arguments: [state.rawValue, name.description])
            return state
        }
        snapshot.withLock {
            $0.accounts[name]?.state = state
            $0.epochs[name, default: 0] += 1
        }
    }

    /// Sets the password anew and ends every session, but for one. Where its owner did not do it themselves, what programs sign in
    /// with ends as well: somebody else may have made it.
    ///
    /// - Parameters:
    ///   - keeping: the session in which somebody changes their own password.
    ///   - epoch: see `beginSession`.
    /// - Throws: `account.unknown`, `account.file`.
    package func set(
        _ name: AccountName, password: PasswordHash, keeping: Session.ID? = nil, epoch: Int64? = nil
    ) throws(Problem) {
        guard epoch == nil || self.epoch(name) == epoch else { throw AccountProblem.unknown }
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
            if keeping == nil {
                try database.execute(sql: "DELETE FROM token WHERE account = ?", arguments: [name.description])
            }
        }
        snapshot.withLock {
            if keeping == nil { $0.tokens = $0.tokens.filter { $0.value.account != name } }
            if $0.accounts[name]?.state == .invited { $0.accounts[name]?.state = .active }
            $0.epochs[name, default: 0] += 1
            $0.sessions = $0.sessions.filter { $0.value.account != name || $0.key == keeping }
        }
    }

    /// Removes an account with its sessions and tokens; its calls stay in the ledger, under its name.
    ///
    /// The name is given to nobody else then, who would find those calls as their own; ``release(_:)`` frees it. Ledger, audit log and
    /// the core's records know people by name, and a name that is never used twice is as good as a number. Whoever never chose
    /// a password has no calls.
    ///
    /// - Throws: `account.unknown`, `account.last-owner`, `account.file`: gone all the same, but a restart brings it back.
    package func remove(_ name: AccountName) throws(Problem) {
        try revoke(name) { state in
            let isRetired = state.accounts[name].map { $0.state != .invited } ?? false
            state.accounts[name] = nil
            state.epochs[name] = nil
            state.sessions = state.sessions.filter { $0.value.account != name }
            state.tokens = state.tokens.filter { $0.value.account != name }
            if isRetired { state.retired.insert(name) }
        } onDisk: { database in
            let hadPassword = try Bool.fetchOne(
                database, sql: "SELECT password IS NOT NULL FROM account WHERE name = ?",
                arguments: [name.description])
            try database.execute(sql: "DELETE FROM account WHERE name = ?", arguments: [name.description])
            if hadPassword == true {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO retired_name (name) VALUES (?)", arguments: [name.description])
            }
        }
    }

    /// Everything that was kept under a name is erased: it may be given to somebody.
    ///
    /// - Throws: `account.file`.
    package func release(_ name: AccountName) throws(Problem) {
        guard snapshot.withLock({ $0.retired.contains(name) }) else { return }
        try file.transact { database in
            try database.execute(sql: "DELETE FROM retired_name WHERE name = ?", arguments: [name.description])
        }
        _ = snapshot.withLock { $0.retired.remove(name) }
    }

    /// Takes something away from somebody: at once, whatever the disk says, and then durably.
    ///
    /// - Parameters:
    ///   - inMemory: what requests are checked against from now on; undone only when it would leave the box without an owner.
    ///   - onDisk: the same within one transaction.
    /// - Throws: `account.unknown`, `account.last-owner`, and `account.file`: it holds all the same, until this process ends.
    func revoke(
        _ name: AccountName, inMemory: (inout Snapshot) -> Void, onDisk: (Database) throws -> Void
    ) throws(Problem) {
        let problem: Problem? = snapshot.withLock { state in
            guard state.accounts[name] != nil else { return AccountProblem.unknown }
            var changed = state
            inMemory(&changed)
            guard changed.accounts.values.contains(where: { $0.role == .owner && $0.state == .active }) else {
                return AccountProblem.lastOwner
            }
            state = changed
            return nil
        }
        if let problem { throw problem }
        try file.transact(onDisk)
    }

    /// A transaction on an account that is there.
    @discardableResult
    func change<Value>(_ name: AccountName, _ body: (Database) throws -> Value) throws(Problem) -> Value {
        guard account(name) != nil else { throw AccountProblem.unknown }
        return try file.transact(body)
    }
}
