package import Appliance

extension Finding {
    /// - Parameters:
    ///   - reports: of all processes, with the files that they stand in.
    ///   - since: `2026-11-22T08:15:30`, UTC; what crashed before counts no more.
    ///   - isHidden: a directory of reports cannot be read by this user.
    package static func crashes(
        _ reports: [(file: String, report: CrashReport)], since: String, isHidden: Bool
    ) -> Finding {
        // Times of this form are in order as text is.
        let recent = reports.filter { $0.report.time >= since }.sorted { $0.report.time > $1.report.time }
        guard let newest = recent.first else {
            return isHidden
                ? Finding(.unchecked, "Only root sees whether the box has crashed.")
                : Finding(.ok, "There was no crash in the last 7 days.")
        }
        return Finding(
            .warning,
            "The box has crashed in the last 7 days, times: \(recent.count). The last time \(newest.report.sentence).",
            remedy: "Send a bundle to the developers: sipcall doctor --bundle FILE",
            details: recent.map { "\($0.report.line), \($0.file)" })
    }
}

extension CrashReport {
    /// `2026-11-22T08:15:30Z: sipcall-core ended by SIGABRT after 3 h, because its media loop no longer answered;
    /// watchdog, version 0.1.0, registered, 2 calls`
    fileprivate var line: String {
        "\(time): \(sentence); \(result), version \(version)\(activity.map { ", \($0)" } ?? "")"
    }
}
