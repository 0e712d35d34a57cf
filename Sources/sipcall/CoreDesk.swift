import Control
import Ledger
import Logging
import Settings
import Supervision
import Switchboard
import Systemd
import Wire

/// Takes the commands that come over the control socket: what concerns the process is done here, the rest is the
/// switchboard's.
struct CoreDesk: Sendable {
    let box: BoxOptions
    let parts: CoreParts
    let watchdog: WatchdogDriver
    let status: ServiceStatus
    let notifier: Notifier
    let log: Logger
    let ledger = LedgerNews()

    func handle(_ command: ControlCommand) async -> ControlReply {
        defer { status.look() }
        switch command {
        case .reload: return await reload()
        case .claimed: return .done
        case .ledger(let handover): return await take(handover)
        case .sealedRecords(let position):
            return await replying { () throws(Problem) in
                let entries = try await parts.callLog.batch(
                    after: position, count: LedgerHandover.batchCount, bytes: LedgerHandover.batchBytes)
                return .sealedRecords(entries.map(\.record), last: entries.last?.position ?? position)
            }
        case .filed(let headers):
            return await replying { () throws(Problem) in
                try await parts.callLog.acknowledge(headers)
                return .done
            }
        #if DEBUG
            case .fault(let part): return await fault(part)
        #endif
        default: break
        }
        var reply = await parts.switchboard.handle(command)
        if case .status(var figures) = reply {
            figures.degraded = watchdog.degraded.map { DegradedPart(part: $0.part, problem: $0.problem) }
            for problem in ledger.problems { figures.degraded.append(DegradedPart(part: "ledger", problem: problem)) }
            reply = .status(figures)
        }
        return reply
    }

    /// The key that records are sealed with, and what is wrong with the ledger if something is.
    private func take(_ handover: LedgerHandover) async -> ControlReply {
        ledger.problems = [handover.problem, handover.warning].compactMap { $0 }
        guard let key = handover.sealingKey else { return .done }
        return await replying { () throws(Problem) in
            try await parts.callLog.adopt(key)
            return .done
        }
    }

    private func replying(_ body: () async throws(Problem) -> ControlReply) async -> ControlReply {
        do throws(Problem) {
            return try await body()
        } catch {
            return .failed(error)
        }
    }

    private func reload() async -> ControlReply {
        notifier.reloading()
        defer { notifier.reloaded() }
        let settings: BoxSettings
        do {
            // Off the loop of the sockets, on which commands are handled: a disk may take its time.
            settings = try await withTaskExecutorPreference(globalConcurrentExecutor) {
                try box.loadConfiguration().settings
            }
        } catch {
            let problem = (error as? SettingsError)?.problem ?? Problem(code: "settings.invalid", sentence: "\(error)")
            log.error(
                "\(problem.sentence) The former configuration still holds.", metadata: ["code": "\(problem.code)"])
            return .configurationRejected(problem)
        }
        parts.callLog.keep(CallPrivacy(settings.ledger.farNumbers))
        let notices = await parts.switchboard.apply(settings)
        for notice in notices {
            log.notice("\(notice.sentence) \(notice.remedy)", metadata: ["code": "\(notice.code)"])
        }
        return .reloaded(notices: notices)
    }
}
