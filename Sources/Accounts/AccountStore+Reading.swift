import Foundation
import GRDB
import Wire

extension AccountStore {
    /// All that is kept in memory. A row that nobody of us wrote is left out.
    ///
    /// - Throws: also what a damaged page holds in the place of a value.
    static func everything(_ database: Database) throws -> Snapshot {
        var found = Snapshot()
        for row in try Row.fetchAll(
            database,
            sql: "SELECT name, display, role, state, language, created, one_time_secret IS NOT NULL, epoch FROM account"
        ) {
            guard let name = AccountName(try row.text(0)), let role = Role(rawValue: try row.text(2)),
                let state = Account.State(rawValue: try row.text(3))
            else { continue }
            found.accounts[name] = Account(
                name: name, displayName: try row.text(1), role: role, state: state,
                language: try row.decode(String?.self, atIndex: 4), hasSecondFactor: try row.decode(atIndex: 6),
                created: try row.time(5))
            found.epochs[name] = try row.decode(Int64.self, atIndex: 7)
        }
        for row in try Row.fetchAll(
            database,
            sql: "SELECT id, account, device, source, began, seen, proved, current, successor FROM session")
        {
            guard let name = AccountName(try row.text(1)) else { continue }
            let session = Session(
                id: try row.text(0), account: name, device: try row.text(2), source: try row.text(3),
                began: try row.time(4), seen: try row.time(5), proved: try row.time(6),
                current: try row.decode(atIndex: 7), successor: try row.decode(atIndex: 8))
            found.sessions[session.id] = session
        }
        if try database.tableExists("retired_name") {
            let names = try String.fetchAll(database, sql: "SELECT name FROM retired_name")
            found.retired = Set(names.compactMap { AccountName($0) })
        }
        for row in try Row.fetchAll(database, sql: "SELECT id, account, name, digest, scopes, created, ends FROM token")
        {
            guard let name = AccountName(try row.text(1)) else { continue }
            let scopes = try row.text(4).split(separator: " ").compactMap { APIToken.Scope(rawValue: String($0)) }
            found.tokens[try row.decode(atIndex: 3)] = APIToken(
                id: try row.text(0), account: name, name: try row.text(2), scopes: Set(scopes),
                created: try row.time(5),
                ends: try row.decode(Double?.self, atIndex: 6).map { Date(timeIntervalSince1970: $0) })
        }
        return found
    }
}

extension Row {
    fileprivate func text(_ index: Int) throws -> String { try decode(String.self, atIndex: index) }

    fileprivate func time(_ index: Int) throws -> Date {
        Date(timeIntervalSince1970: try decode(Double.self, atIndex: index))
    }
}
