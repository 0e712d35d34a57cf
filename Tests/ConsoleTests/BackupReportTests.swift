import Testing
import Wire

@testable import Console

@Suite("What status and doctor say of the backups")
struct BackupReportTests {
    private static let now = WallTime(milliseconds: 1_793_491_200_000)

    private static func report(
        key: Bool = true, hours: Int64? = nil, problem: Problem? = nil
    ) -> BackupReport {
        BackupReport(
            hasRecoveryKey: key, proven: hours.map { WallTime(milliseconds: now.milliseconds - $0 * 3_600_000) },
            problem: problem)
    }

    @Test("Never, without a key, old, failed: each has its remedy; a young one is well")
    func verdicts() {
        let failed = Problem(code: "backup.no-room", sentence: "No room.", remedy: "Make some.")
        let cases: [(BackupReport, Finding.Verdict, String?)] = [
            (Self.report(key: false), .warning, nil), (Self.report(), .warning, nil),
            (Self.report(hours: 30), .ok, nil), (Self.report(hours: 49), .warning, "backup.old"),
            (Self.report(hours: 3, problem: failed), .fault, failed.code),
            (Self.report(hours: -5), .ok, nil),
        ]
        for (report, verdict, trouble) in cases {
            let finding = report.finding(now: Self.now)
            #expect(finding.verdict == verdict, "\(finding.sentence)")
            #expect(verdict == .ok || !finding.remedy.isEmpty, "\(finding.sentence)")
            #expect(report.trouble(now: Self.now)?.code == trouble)
            #expect(!report.line(now: Self.now).isEmpty)
        }
        #expect(Self.report(hours: 30).line(now: Self.now) == "made and proven 1 day 6 h ago")
    }
}
