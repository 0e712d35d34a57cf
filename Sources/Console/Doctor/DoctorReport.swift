package import Wire

/// What `sipcall doctor --json` prints.
package struct DoctorReport: Codable, Sendable, Equatable {
    package var version: String
    package var time: WallTime
    package var checks: [Examination]

    package init(version: String, time: WallTime = .now(), results: [Examination]) {
        self.version = version
        self.time = time
        checks = results
    }

    package var hasFault: Bool { checks.contains { $0.verdict == .fault } }

    package var summary: String {
        let faults = checks.count { $0.verdict == .fault }
        let warnings = checks.count { $0.verdict == .warning }
        switch (faults, warnings) {
        case (0, 0): return "Nothing is wrong."
        case (0, _): return "It works, with \(counted(warnings, "warning"))."
        default: return "\(counted(faults, "fault")), \(counted(warnings, "warning"))."
        }
    }
}
