import Appliance
import Logging
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
