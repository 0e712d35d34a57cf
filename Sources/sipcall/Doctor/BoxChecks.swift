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

    /// Where each process leaves a report when it has crashed: `TIME.json`.
    var crashDirectories: [String] { ["core", "web"].map { "\(box.stateDirectory)/\($0)/crashes" } }

    private func crashes() -> Finding {
        var recent = 0
        var isHidden = false
        for directory in crashDirectories {
            guard let names = FileContents.names(in: directory) else {
                if errno == EACCES { isHidden = true }
                continue
            }
            let since = time(nil) - 7 * 86_400
            recent += names.count { name in
                guard name.hasSuffix(".json") else { return false }
                var status = stat()
                return stat("\(directory)/\(name)", &status) == 0 && status.st_mtim.tv_sec >= since
            }
        }
        if recent > 0 {
            return Finding(
                .warning, "The box has crashed in the last 7 days, times: \(recent).",
                remedy: "Send a bundle to the developers: sipcall doctor --bundle FILE")
        }
        return isHidden
            ? Finding(.unchecked, "Only root sees whether the box has crashed.")
            : Finding(.ok, "There was no crash in the last 7 days.")
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

    static let unitNames = ["sipcall-core.service", "sipcall-web.service", "sipcall.target"]

    /// What `systemctl show` prints about the box's units.
    static func unitStates() async -> String? {
        await ToolOutput.of(
            "systemctl",
            ["show", "--property=Id,LoadState,ActiveState,SubState,Result,NRestarts,StatusText,ActiveEnterTimestamp"]
                + unitNames)
    }
}
