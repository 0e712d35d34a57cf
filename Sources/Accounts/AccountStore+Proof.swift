package import FoundationEssentials
import GRDB
import Synchronization
package import Wire

/// Proving who one is.
extension AccountStore {
    /// What a password is compared with. For a name that nobody has, and for somebody who may not sign in, it is a hash that
    /// nothing matches: finding out takes as long.
    package func passwordHash(_ name: AccountName?) throws(Problem) -> PasswordHash {
        guard let name, let account = account(name), account.state == .active else { return .nobody }
        let encoded = try file.read { database in
            try String.fetchOne(
                database, sql: "SELECT password FROM account WHERE name = ?", arguments: [name.description])
        }
        return encoded.flatMap(PasswordHash.init(encoded:)) ?? .nobody
    }

    /// Asks for one-time passwords from now on.
    ///
    /// - Parameter code: by the new secret, to show that it arrived in the app.
    /// - Returns: codes for the day the telephone is lost; nil when `code` is wrong, and nothing has changed.
    /// - Throws: `account.unknown`, `account.file`.
    package func begin(
        _ second: OneTimePassword, for name: AccountName, code: Redacted<String>, now: Date
    ) throws(Problem) -> RecoveryCodes? {
        guard let step = second.verify(code, at: now, used: nil) else { return nil }
        let codes = RecoveryCodes()
        try change(name) { database throws in
            try database.execute(
                sql: "UPDATE account SET one_time_secret = ?, one_time_used = ? WHERE name = ?",
                arguments: [Data(second.bytes), step, name.description])
            try Self.replace(codes, of: name, database)
        }
        snapshot.withLock { $0.accounts[name]?.hasSecondFactor = true }
        return codes
    }

    /// Asks for the password alone from now on.
    ///
    /// - Throws: `account.unknown`, `account.file`.
    package func endSecondFactor(of name: AccountName) throws(Problem) {
        try change(name) { database throws in
            try database.execute(
                sql: "UPDATE account SET one_time_secret = NULL, one_time_used = NULL WHERE name = ?",
                arguments: [name.description])
            try database.execute(sql: "DELETE FROM recovery_code WHERE account = ?", arguments: [name.description])
        }
        snapshot.withLock { $0.accounts[name]?.hasSecondFactor = false }
    }

    /// Takes a one-time password or a recovery code; either is good once.
    ///
    /// - Throws: `account.unknown`, `account.file`.
    package func takes(_ code: Redacted<String>, from name: AccountName, now: Date) throws(Problem) -> Bool {
        try change(name) { database throws in
            let row = try Row.fetchOne(
                database, sql: "SELECT one_time_secret, one_time_used FROM account WHERE name = ?",
                arguments: [name.description])
            guard let row, let secret = try row.decode(Data?.self, atIndex: 0) else { return false }
            let used = try row.decode(Int64?.self, atIndex: 1)
            if let step = OneTimePassword(secret: Array(secret)).verify(code, at: now, used: used) {
                try database.execute(
                    sql: "UPDATE account SET one_time_used = ? WHERE name = ?", arguments: [step, name.description])
                return true
            }
            try database.execute(
                sql: "DELETE FROM recovery_code WHERE account = ? AND digest = ?",
                arguments: [name.description, RecoveryCodes.digest(code.revealed)])
            return database.changesCount == 1
        }
    }

    /// What marks a browser that somebody has signed in with, until their password is another one.
    package nonisolated func deviceMark(of name: AccountName) -> Redacted<String> {
        cookieKey.make(for: markPurpose(name)).text
    }

    /// Whether it is a mark of a browser that this account has signed in with since its epoch began.
    package nonisolated func isDeviceMark(_ mark: Redacted<String>, of name: AccountName) -> Bool {
        cookieKey.made(mark.revealed, for: markPurpose(name))
    }

    /// No name has a blank in it.
    private nonisolated func markPurpose(_ name: AccountName) -> String {
        "device of \(name) \(epoch(name).map { "\($0)" } ?? "-")"
    }

    /// How many recovery codes are left.
    package func recoveryCodesLeft(of name: AccountName) throws(Problem) -> Int {
        try file.read { database in
            try Int.fetchOne(
                database, sql: "SELECT count(*) FROM recovery_code WHERE account = ?", arguments: [name.description])
                ?? 0
        }
    }

    /// New codes in the place of all former ones.
    ///
    /// - Throws: `account.unknown`, `account.file`.
    package func renewRecoveryCodes(of name: AccountName) throws(Problem) -> RecoveryCodes {
        let codes = RecoveryCodes()
        try change(name) { database throws in try Self.replace(codes, of: name, database) }
        return codes
    }

    private static func replace(_ codes: RecoveryCodes, of name: AccountName, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM recovery_code WHERE account = ?", arguments: [name.description])
        for digest in codes.digests {
            try database.execute(
                sql: "INSERT INTO recovery_code (account, digest) VALUES (?, ?)", arguments: [name.description, digest])
        }
    }
}
