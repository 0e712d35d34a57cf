import Dispatch
package import FoundationEssentials
import GRDB
import Synchronization
package import Wire

/// Everybody who may use the box, and every session. One process opens it.
///
/// All of it is held in memory as well, so that a request is admitted without waiting for the disk; a change is durable
/// before it counts.
package actor AccountStore {
    static let mostAccounts = 1000
    static let mostSessions = 64
    static let mostTokens = 32

    /// What a request is checked against.
    struct Snapshot {
        var accounts: [AccountName: Account] = [:]
        /// Counted up by whatever must end access tokens that are out.
        var epochs: [AccountName: Int64] = [:]
        var sessions: [Session.ID: Session] = [:]
        var tokens: [Data: APIToken] = [:]
        /// Of people who have left: their calls are filed under them.
        var retired: Set<AccountName> = []
        var fault: Problem?
        var isFaultTold = false
    }

    private let executor = DatabaseExecutor("sipcall.accounts")
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let file: AccountFile
    /// Marks what this box handed out to browsers.
    let cookieKey: CookieKey
    nonisolated let snapshot: Mutex<Snapshot>

    /// - Parameter path: `…/web/accounts.sqlite`; made (0600) when it is missing.
    /// - Throws: `account.file`.
    package init(_ path: String) throws(Problem) {
        file = try AccountFile(path)
        snapshot = Mutex(try file.read { database in try Self.everything(database) })
        cookieKey = CookieKey(keptIn: file)
    }

    /// Nobody has an account yet: the box is still to be claimed.
    package nonisolated var isEmpty: Bool { snapshot.withLock { $0.accounts.isEmpty } }

    /// Why sessions cannot be kept at the moment: a restart would sign people out.
    package nonisolated var fault: Problem? { snapshot.withLock { $0.fault } }

    /// The same, once for each time that it begins.
    package nonisolated func newFault() -> Problem? {
        snapshot.withLock { state in
            guard let fault = state.fault, !state.isFaultTold else { return nil }
            state.isFaultTold = true
            return fault
        }
    }

    /// A whole copy in a new file, for a backup: everybody signs in anew where it is restored, and needs a new link if theirs was
    /// not used yet.
    ///
    /// - Throws: `account.file`; what was written so far is of no use then.
    package func copy(to path: String) throws(Problem) { try file.copy(to: path) }

    /// By name.
    package nonisolated var accounts: [Account] {
        snapshot.withLock { $0.accounts.values.sorted { $0.name.description < $1.name.description } }
    }

    package nonisolated func account(_ name: AccountName) -> Account? {
        snapshot.withLock { $0.accounts[name] }
    }

    /// Makes an account.
    ///
    /// - Parameter password: nil for somebody who is to be invited.
    /// - Throws: `account.name-taken`, `account.name-retired`, `account.too-many`, `account.file`.
    package func add(
        _ name: AccountName, displayName: String, role: Role, password: PasswordHash?, language: String? = nil,
        now: Date
    ) throws(Problem) -> Account {
        try add(
            name, displayName: displayName, role: role, password: password, language: language,
            most: (Self.mostAccounts, AccountProblem.tooManyAccounts), now: now)
    }

    /// Makes the first account, its owner's: the box is theirs from then on. Of two who try at once, one finds it there.
    ///
    /// - Parameter password: nil for somebody who is to be invited.
    /// - Throws: `setup.claimed`, `account.file`.
    package func claim(
        _ name: AccountName, displayName: String, password: PasswordHash?, language: String? = nil, now: Date
    ) throws(Problem) -> Account {
        try add(
            name, displayName: displayName, role: .owner, password: password, language: language,
            most: (1, AccountProblem.claimed), now: now)
    }

    /// - Parameter most: accounts that there may be, and what is wrong with one more.
    private func add(
        _ name: AccountName, displayName: String, role: Role, password: PasswordHash?, language: String?,
        most: (count: Int, problem: Problem), now: Date
    ) throws(Problem) -> Account {
        let account = Account(
            name: name, displayName: Account.shown(displayName), role: role,
            state: password == nil ? .invited : .active, language: Account.language(language), created: now)
        guard !snapshot.withLock({ $0.retired.contains(name) }) else { throw AccountProblem.nameRetired }
        try file.transact { database in
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM account") ?? 0
            guard count < most.count else { throw most.problem }
            let known = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM account WHERE name = ?", arguments: [name.description])
            guard known == 0 else { throw AccountProblem.nameTaken }
            try database.execute(
                sql: """
                    INSERT INTO account (name, display, role, state, language, password, created)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    name.description, account.displayName, role.rawValue, account.state.rawValue, account.language,
                    password?.encoded, now.timeIntervalSince1970,
                ])
        }
        snapshot.withLock {
            $0.accounts[name] = account
            $0.epochs[name] = 0
        }
        return account
    }
}
