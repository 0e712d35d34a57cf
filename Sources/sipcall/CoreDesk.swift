import Control
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

    func handle(_ command: ControlCommand) async -> ControlReply {
        defer { status.look() }
        switch command {
        case .reload: return await reload()
        #if DEBUG
            case .fault(let part): return await fault(part)
        #endif
        default: break
        }
        var reply = await parts.switchboard.handle(command)
        if case .status(var figures) = reply {
            figures.degraded = watchdog.degraded.map { DegradedPart(part: $0.part, problem: $0.problem) }
            reply = .status(figures)
        }
        return reply
    }

    private func reload() async -> ControlReply {
        notifier.reloading()
        defer { notifier.ready() }
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
        let notices = await parts.switchboard.apply(settings)
        for notice in notices {
            log.notice("\(notice.sentence) \(notice.remedy)", metadata: ["code": "\(notice.code)"])
        }
        return .reloaded(notices: notices)
    }
}
