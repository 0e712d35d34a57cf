import Ledger
import Logging
import Wire

/// What the web process writes into the audit log: who did what. Numbers stand in it masked: they would outlive an erasure.
///
/// While the ledger cannot be written, entries wait here, bounded.
package actor AuditTrail {
    enum Action: String, Sendable {
        /// The box has its first account.
        case claim = "box.claim"
        case signIn = "session.sign-in"
        case signInFailed = "session.sign-in-failed"
        case signOut = "session.sign-out"
        /// One's own, from another device.
        case sessionEnd = "session.end"
        case sessionUsedTwice = "session.used-twice"
        case passwordSet = "password.set"
        case userAdd = "user.add"
        case userChange = "user.change"
        case userInvite = "user.invite"
        case userRemove = "user.remove"
        case tokenAdd = "token.add"
        case tokenRemove = "token.remove"
        case invitationAccept = "invitation.accept"
        case settingsChange = "settings.change"
        case export = "calls.export"
        case personalExport = "privacy.export"
        case erasure = "privacy.erase"
        case backup = "backup.hand-over"
        case masterKey = "key.change-master"
        case recoveryKey = "key.recovery"
    }

    /// Entries that wait.
    private static let most = 256
    /// How often the head of the chain is told.
    private static let headTime: Duration = .seconds(3600)
    /// A source that guesses passwords has one entry in this time; the next one counts its attempts.
    private static let failureTime: Duration = .seconds(600)
    private static let mostSources = 256

    private let ledger: LedgerDesk?
    private let logger: Logger
    private var waiting: [AuditEntry] = []
    private var lost = 0
    private var writing: Task<Problem?, Never>?
    private var isTold = false
    private var toldHead: AuditHead?
    private var failures: [String: (since: MonotonicTime, more: Int)] = [:]

    init(_ ledger: LedgerDesk?, logger: Logger) {
        (self.ledger, self.logger) = (ledger, logger)
    }

    /// Writes down what was done, or will when the ledger can be written.
    ///
    /// - Parameter name: of whoever did it; `box` for the box itself.
    func note(_ action: Action, by name: String, _ detail: String = "") {
        guard ledger != nil else { return }
        if waiting.count >= Self.most {
            waiting.removeFirst()
            lost += 1
        }
        waiting.append(
            AuditEntry(time: .now(), actor: Redacted(name), action: action.rawValue, detail: Redacted(detail)))
        // Nobody who signs in waits for the disk.
        if writing == nil { Task { try? await write() } }
    }

    /// The same for what may not happen unless it is written down.
    ///
    /// - Throws: why the audit log cannot be written.
    func require(_ action: Action, by name: String, _ detail: String) async throws(Problem) {
        note(action, by: name, detail)
        try await write()
    }

    /// A wrong password. Whoever tries thousands does not fill the log.
    func noteFailedSignIn(from source: String) {
        let now = MonotonicTime.now()
        if let known = failures[source], now - known.since < Self.failureTime {
            failures[source]?.more += 1
            return
        }
        let more = failures[source]?.more ?? 0
        if failures.count >= Self.mostSources {
            failures = failures.filter { now - $0.value.since < Self.failureTime }
            // So many at once: those that are known say enough.
            guard failures.count < Self.mostSources else { return }
        }
        failures[source] = (now, 0)
        note(.signInFailed, by: "somebody", "from \(source)" + (more > 0 ? ", \(more) more before" : ""))
    }

    /// Writes what waits; returns when it is durable.
    ///
    /// - Throws: why it is not.
    func write() async throws(Problem) {
        // One after the other, so that the log has them in their order.
        while let writing { _ = await writing.value }
        guard ledger != nil, !waiting.isEmpty else { return }
        let task = Task { await writeAll() }
        writing = task
        if let problem = await task.value { throw problem }
    }

    private func writeAll() async -> Problem? {
        defer { writing = nil }
        guard let ledger else { return nil }
        do throws(Problem) {
            let store = try await ledger.opened()
            while let entry = waiting.first {
                waiting.removeFirst()
                do throws(Problem) {
                    _ = try await store.note(entry)
                } catch {
                    waiting.insert(entry, at: 0)
                    throw error
                }
            }
            isTold = false
        } catch {
            if !isTold {
                logger.error("The audit log cannot be written: \(error.sentence)", metadata: ["code": "\(error.code)"])
            }
            isTold = true
            return error
        }
        guard lost > 0 else { return nil }
        let problem = LedgerProblem.auditLost(lost)
        lost = 0
        logger.error("\(problem.sentence) \(problem.remedy)", metadata: ["code": "\(problem.code)"])
        return nil
    }

    /// Writes what waits, and tells the journal the head of the chain, every hour until it is cancelled.
    func run() async {
        while !Task.isCancelled {
            await tellHead()
            try? await Task.sleep(for: Self.headTime)
        }
        await tellHead()
    }

    /// In the journal the head is out of reach of whoever changes the log.
    private func tellHead() async {
        try? await write()
        guard let store = try? await ledger?.opened(), let head = try? await store.auditHead(), head.sequence > 0,
            head != toldHead
        else { return }
        toldHead = head
        let notice = LedgerProblem.auditHead(head)
        logger.notice("\(notice.sentence)", metadata: ["code": "\(notice.code)"])
    }
}
