import Appliance
import Logging
import Supervision
import Wire

extension BoxOptions {
    /// Reports how the former process of this part ended, if that was a crash, and begins this one's note.
    func noteRunning(part: String, log: Logger) -> RunningNote {
        if let problem = CrashReports(stateDirectory: "\(stateDirectory)/\(part)").collect(part: part) {
            log.error("\(problem.sentence) \(problem.remedy)", metadata: ["code": "\(problem.code)"])
        }
        return RunningNote(version: productVersion)
    }
}

extension RunningNote {
    /// A hung part is written down before the service manager ends the process for it.
    func follow(_ news: WatchdogDriver.News) {
        switch news {
        case .hung(let part, _):
            hangs(part)
            FatalSignals.aPartHangs(true)
        case .answeredAfterAll(let part, _):
            answers(part)
            FatalSignals.aPartHangs(isHanging)
        case .degraded, .mended: break
        }
    }
}

extension StateSchema {
    /// The process is ready. A disk that takes nothing more is no reason to end calls, but until it does the next start would put
    /// the former data back: it is tried for as long as the process runs.
    func commit(_ log: Logger) {
        do throws(Problem) {
            try commit()
        } catch {
            log.error("\(error)", metadata: ["code": "\(error.code)"])
            Task.detached {
                repeat { try await Task.sleep(for: .seconds(30)) } while (try? commit()) == nil
            }
        }
    }
}
