import Appliance
// Where stat is found once Foundation is loaded.
import CDispatch
import Console
import Control
import Glibc
import Settings
import Subprocess
import Wire

/// The box's own parts: settings, processes, units, crash reports.
extension Examiner {
    var boxChecks: [Check] {
        [
            Check("settings", "Settings") { settingsFile() },
            Check("core", "Core") { await coreProcess() },
            Check("web", "Web process") { await webProcess() },
            Check("records", "Call records") { await callRecords() },
            Check("keys", "Keys") { keys() },
            Check("backup", "Backup") {
                box.backupReport?.finding(now: .now())
                    ?? Finding(
                        .unchecked, "This user may not see whether there is a recovery key.",
                        remedy: "Ask again as root.")
            },
            Check("crashes", "Crashes") { crashes() },
            Check("units", "Units") { await units() },
        ]
    }

    private func settingsFile() -> Finding {
        do {
            let configuration = try box.loadConfiguration(withSecrets: false)
            return Finding(.ok, "\(configuration.file) can be used.")
        } catch let error as SettingsError {
            return Finding(.fault, "\(error)")
        } catch {
            return errno == EACCES
                ? Finding(.unchecked, "This user may not read the configuration.", remedy: "Ask again as root.")
                : Finding(.fault, "\(error)")
        }
    }

    private func coreProcess() async -> Finding {
        do throws(Problem) {
            let status = try await status()
            guard status.version == productVersion else {
                return Finding(
                    .fault, "The core that runs is version \(status.version), and this command is \(productVersion).",
                    remedy: "Restart it: systemctl restart sipcall-core")
            }
            if status.waitsToBeClaimed == true {
                return Finding(
                    .warning, ControlProblem.unclaimed.sentence, remedy: ControlProblem.unclaimed.remedy)
            }
            return outdated("core")
                ?? Finding(.ok, "The core answers; it has been up for \(words(seconds: status.uptimeSeconds)).")
        } catch {
            return Finding(.fault, error)
        }
    }

    /// What the core says of its own part, and what the web process told it of the ledger.
    private func callRecords() async -> Finding {
        guard let status = try? await status() else { return Finding(.unchecked, "The box does not run.") }
        guard let part = status.degraded.first(where: { $0.part == CorePart.callLog.rawValue || $0.part == "ledger" })
        else { return Finding(.ok, "Records of calls are kept.") }
        return Finding(.fault, part.problem)
    }

    private func webProcess() async -> Finding {
        let reports = ProcessTable.reports(state: box.state)
        if let finding = outdated("web") { return finding }
        if reports.contains(where: { $0.part == "web" }) { return Finding(.ok, "The web process runs.") }
        guard await isRunning else { return Finding(.unchecked, "The box does not run.") }
        return Finding(
            .fault, "The web process does not run, so no page can be opened.",
            remedy: "Start it: systemctl start sipcall-web")
    }

    private func outdated(_ part: String) -> Finding? {
        guard ProcessTable.reports(state: box.state).contains(where: { $0.part == part && $0.isOutdated }) else {
            return nil
        }
        return Finding(
            .warning, "The \(part) process still runs the version from before the upgrade.",
            remedy: "Restart it: systemctl restart sipcall-\(part)")
    }

    /// What each process keeps.
    var processDirectories: [String] { ["core", "web"].map { "\(box.stateDirectory)/\($0)" } }
    /// Where each process leaves a report when it has crashed: `TIME.json`.
    private var crashDirectories: [String] { processDirectories.map { "\($0)/crashes" } }

    private func crashes() -> Finding {
        var isHidden = false
        for directory in crashDirectories where access(directory, R_OK) != 0 && errno == EACCES { isHidden = true }
        let week = WallTime(milliseconds: (Int64(time(nil)) - 7 * 86_400) * 1000)
        return .crashes(
            processDirectories.flatMap(CrashReports.read), since: String(week.description.prefix(19)),
            isHidden: isHidden)
    }

    private func keys() -> Finding {
        let web = "\(box.stateDirectory)/web"
        // What systemd handed over to the running process is there under this name wherever it came from; what it would hand
        // over to the next, in its credential stores.
        let places = [
            "/run/credentials/sipcall-web.service/master-key", "/etc/credstore.encrypted/sipcall.master-key",
            "/etc/credstore/sipcall.master-key",
        ]
        let credential = (box.state == nil ? places : []).lazy.map { ($0, Self.keyFile($0)) }
            .first { if case .present = $0.1 { true } else { false } }
        let ledger = FileContents.names(in: "\(web)/ledger")
        return .keys(
            sealing: Self.keyFile("\(box.stateDirectory)/core/sealing-key"), master: Self.keyFile("\(web)/master.key"),
            credential: credential.map { (path: $0.0, file: $0.1) },
            hasLedger: ledger.map { $0.contains { $0.hasSuffix(".key") || $0.hasSuffix(".sqlite") } }
                ?? (errno == ENOENT ? false : nil))
    }

    private static func keyFile(_ path: String) -> KeyFile {
        var status = stat()
        guard stat(path, &status) == 0 else { return errno == EACCES ? .hidden : .missing }
        return .present(mode: status.st_mode & 0o7777)
    }

    private func units() async -> Finding {
        guard box.state == nil else { return Finding(.unchecked, "This box was started without systemd.") }
        guard access("/run/systemd/system", F_OK) == 0 else {
            return Finding(.unchecked, "systemd does not run this machine.")
        }
        guard let text = await Self.unitStates() else {
            return Finding(.unchecked, "systemctl did not say how the units are.")
        }
        return .units(UnitState.units(in: text))
    }

    static let unitNames = [
        "sipcall-core.service", "sipcall-web.service", "sipcall-web.socket", "sipcall-web-http.socket",
        "sipcall-web-operator.socket", "sipcall-acme.timer", "sipcall-backup.timer", "sipcall-backup.path",
        "sipcall.target",
    ]

    /// What `systemctl show` prints about the box's units.
    static func unitStates() async -> String? {
        await ToolOutput.of(
            "systemctl",
            ["show", "--property=Id,LoadState,ActiveState,SubState,Result,NRestarts,StatusText,ActiveEnterTimestamp"]
                + unitNames)
    }
}
