import Appliance
import Logging
import Settings
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
    /// - Returns: what one part's directory needs to be of this version.
    init(part: String, of box: BoxOptions) {
        self.init(
            directory: "\(box.stateDirectory)/\(part)", version: productVersion, steps: Self.stepsOfThisBuild,
            settings: SettingsSchema.ofThisBuild.current)
    }

    func prepare(_ log: Logger) throws {
        guard let notice = try prepare() else { return }
        log.warning("\(notice.sentence) \(notice.remedy)", metadata: ["code": "\(notice.code)"])
    }

    /// The process is ready. A disk that takes nothing more is no reason to end calls, and the other part may take its time: until the
    /// box has settled an older version would put the former data back, so it is tried for as long as the process runs.
    func serves(_ log: Logger) {
        do throws(Problem) {
            try serves()
            if try commit() { return }
        } catch {
            log.error("\(error)", metadata: ["code": "\(error.code)"])
        }
        Task.detached {
            var isSettled = false
            while !isSettled {
                try await Task.sleep(for: .seconds(2))
                // Both: with nothing to commit this part's word is still what the whole box waits for.
                do throws(Problem) {
                    try serves()
                    isSettled = try commit()
                } catch {
                    isSettled = false
                }
            }
        }
    }
}
