import Control
import Ledger
import Logging
import Supervision
import Switchboard
import Systemd
import Wire

/// Takes the commands that come over the control socket: what concerns the process is done here, the rest is the
/// switchboard's.
struct CoreDesk: Sendable {
    let parts: CoreParts
    let keeper: SettingsKeeper
    let watchdog: WatchdogDriver
    let status: ServiceStatus
    let notifier: Notifier
    let log: Logger
    let ledger = LedgerNews()

    func handle(_ command: ControlCommand) async -> ControlReply {
        defer { status.look() }
        switch command {
        case .reload: return await reload()
        case .chosen: return .chosen(await keeper.inForce)
        case .choose(let choice): return await keeper.choose(choice, parts)
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

    /// The service manager is told that it goes on.
    private func reload() async -> ControlReply {
        notifier.reloading()
        defer { notifier.reloaded() }
        return await keeper.reload(parts)
    }
}
