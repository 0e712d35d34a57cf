package import FoundationEssentials
import GRDB
import Synchronization
package import Wire

extension AccountStore {
    /// Somebody has proved who they are. With too many sessions of theirs the one that was seen longest ago ends.
    ///
    /// - Parameter epoch: the account's before the proof was looked at, which takes its time: of what has ended every session
    ///   meanwhile none begins either. nil for a proof that was looked at in this turn.
    /// - Returns: the session, and the cookie's value.
    /// - Throws: `account.unknown`, also for an account that may not sign in.
    package func beginSession(
        of name: AccountName, device: String, source: String, epoch: Int64? = nil, now: Date
    ) throws(Problem) -> (session: Session, cookie: Redacted<String>) {
        let id = Session.newID()
        let secret = cookieKey.make(for: id)
        let session = Session(
            id: id, account: name, device: String(decoding: device.utf8.prefix(200), as: UTF8.self), source: source,
            secret: secret, now: now)
        let (over, own) = snapshot.withLock { state in
            (
                state.sessions.values.filter { $0.isOver(now) }.map(\.id),
                state.sessions.values.filter { $0.account == name && !$0.isOver(now) }.sorted { $0.seen < $1.seen }
            )
        }
        let gone = Set(over + own.dropLast(max(Self.mostSessions - 1, 0)).map(\.id))
        guard account(name)?.state == .active, epoch == nil || self.epoch(name) == epoch else {
            throw AccountProblem.unknown
        }
        keep { database throws in
            for id in gone { try database.execute(sql: "DELETE FROM session WHERE id = ?", arguments: [id]) }
            try Self.insert(session, database)
        }
        snapshot.withLock { state in
            for id in gone { state.sessions[id] = nil }
            state.sessions[session.id] = session
        }
        return (session, SessionCookieValue.text(session.id, secret))
    }

    /// What a cookie's value has led to.
    package enum Renewal: Sendable {
        /// Its value is to be this from now on.
        case renewed(Session, Account, cookie: Redacted<String>)
        /// It was good once, and came again: the session has ended.
        case usedTwice(Session)
        case unknown
    }

    /// Takes the cookie's value of a session and gives the next one.
    ///
    /// - Throws: `account.file`.
    package func renew(_ cookie: Redacted<String>, source: String, now: Date) throws(Problem) -> Renewal {
        guard let value = SessionCookieValue(cookie.revealed),
            var session = snapshot.withLock({ $0.sessions[value.session] }), !session.isOver(now),
            let account = account(session.account), account.state == .active
        else { return .unknown }
        switch session.use(value, cookieKey, now: now) {
        case .forged: return .unknown
        case .usedTwice:
            snapshot.withLock { $0.sessions[session.id] = nil }
            keep { database throws in
                try database.execute(sql: "DELETE FROM session WHERE id = ?", arguments: [session.id])
            }
            return .usedTwice(session)
        case .goOn(let next):
            session.source = source
            keep { database throws in
                try database.execute(
                    sql: "UPDATE session SET current = ?, successor = ?, seen = ?, source = ? WHERE id = ?",
                    arguments: [
                        session.current, session.successor, session.seen.timeIntervalSince1970, source, session.id,
                    ])
            }
            snapshot.withLock { if $0.sessions[session.id] != nil { $0.sessions[session.id] = session } }
            return .renewed(session, account, cookie: SessionCookieValue.text(session.id, next))
        }
    }

    /// The password was given once more in this session.
    package func proved(_ id: Session.ID, now: Date) {
        keep { database throws in
            try database.execute(
                sql: "UPDATE session SET proved = ? WHERE id = ?", arguments: [now.timeIntervalSince1970, id])
        }
        snapshot.withLock { $0.sessions[id]?.proved = now }
    }

    /// - Throws: `account.file`: it has ended, but a restart may bring it back.
    package func endSession(_ id: Session.ID) throws(Problem) {
        // Whatever the disk says, nobody goes on with it.
        snapshot.withLock { $0.sessions[id] = nil }
        try file.transact { database in
            try database.execute(sql: "DELETE FROM session WHERE id = ?", arguments: [id])
        }
    }

    /// Which session a cookie's value belongs to, whatever became of it: for signing out.
    package nonisolated func session(of cookie: Redacted<String>) -> Session? {
        guard let value = SessionCookieValue(cookie.revealed) else { return nil }
        return snapshot.withLock { state in
            guard let session = state.sessions[value.session],
                [session.current, session.successor].contains(value.digest)
            else { return nil }
            return session
        }
    }

    /// The latest first.
    package nonisolated func sessions(of name: AccountName, now: Date) -> [Session] {
        snapshot.withLock { state in
            state.sessions.values.filter { $0.account == name && !$0.isOver(now) }.sorted { $0.seen > $1.seen }
        }
    }

    /// Whether a session goes on, and whose it is.
    package nonisolated func holder(of id: Session.ID, now: Date) -> (account: Account, session: Session)? {
        snapshot.withLock { state in
            guard let session = state.sessions[id], !session.isOver(now), let account = state.accounts[session.account],
                account.state == .active
            else { return nil }
            return (account, session)
        }
    }

    /// Counts what ends every session of an account.
    package nonisolated func epoch(_ name: AccountName) -> Int64? {
        snapshot.withLock { $0.epochs[name] }
    }

    /// Keeps what may be lost: on a disk that is full or cannot be written people sign in all the same, until the process ends.
    private func keep(_ body: (Database) throws -> Void) {
        do throws(Problem) {
            try file.transact(body)
            snapshot.withLock { ($0.fault, $0.isFaultTold) = (nil, false) }
        } catch {
            snapshot.withLock { $0.fault = error }
        }
    }

    private static func insert(_ session: Session, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO session (id, account, device, source, began, seen, proved, current, successor)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                session.id, session.account.description, session.device, session.source,
                session.began.timeIntervalSince1970, session.seen.timeIntervalSince1970,
                session.proved.timeIntervalSince1970, session.current, session.successor,
            ])
    }
}
