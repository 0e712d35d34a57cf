import Foundation
import GRDB
import Wire

extension AccountStore {
    /// All that is kept in memory. A row that nobody of us wrote is left out.
    static func everything(_ database: Database) throws -> Snapshot {
        var found = Snapshot()
        for row in try Row.fetchAll(
            database,
            sql: "SELECT name, display, role, state, language, created, one_time_secret IS NOT NULL, epoch FROM account"
        ) {
            guard let name = AccountName(row[0] as String), let role = Role(rawValue: row[2]),
                let state = Account.State(rawValue: row[3])
            else { continue }
            found.accounts[name] = Account(
                name: name, displayName: row[1], role: role, state: state, language: row[4], hasSecondFactor: row[6],
                created: Date(timeIntervalSince1970: row[5]))
            found.epochs[name] = row[7]
        }
        for row in try Row.fetchAll(
            database,
            sql: "SELECT id, account, device, source, began, seen, proved, current, successor FROM session")
        {
            guard let name = AccountName(row[1] as String) else { continue }
            let session = Session(
                id: row[0], account: name, device: row[2], source: row[3], began: Date(timeIntervalSince1970: row[4]),
                seen: Date(timeIntervalSince1970: row[5]), proved: Date(timeIntervalSince1970: row[6]), current: row[7],
                successor: row[8])
            found.sessions[session.id] = session
        }
        for row in try Row.fetchAll(database, sql: "SELECT id, account, name, digest, scopes, created, ends FROM token")
        {
            guard let name = AccountName(row[1] as String) else { continue }
            let scopes = (row[4] as String).split(separator: " ").compactMap { APIToken.Scope(rawValue: String($0)) }
            found.tokens[row[3]] = APIToken(
                id: row[0], account: name, name: row[2], scopes: Set(scopes),
                created: Date(timeIntervalSince1970: row[5]),
                ends: (row[6] as Double?).map { Date(timeIntervalSince1970: $0) })
        }
        return found
    }
}
