import Call
package import Control
package import Wire

/// Everything that `sipcall status` shows: the verdict first, then what it rests on.
package struct StatusScreen: Sendable {
    /// The calls that fit a screen.
    private static let mostCalls = 12

    package enum Verdict: String, Codable, Sendable, Comparable {
        case works, limited, broken

        private var rank: Int { self == .works ? 0 : self == .limited ? 1 : 2 }
        package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
    }

    private let status: BoxStatus
    let processes: [ProcessReport]
    let backup: BackupReport?
    private let now: WallTime

    /// - Parameter backup: nil where nobody looked.
    package init(
        _ status: BoxStatus, processes: [ProcessReport], backup: BackupReport? = nil, now: WallTime = .now()
    ) {
        (self.status, self.processes, self.backup, self.now) = (status, processes, backup, now)
    }

    /// What does not work, the worst first; empty when everything works.
    package var troubles: [(verdict: Verdict, problem: Problem)] {
        if status.waitsToBeClaimed == true { return [(.limited, ControlProblem.unclaimed)] }
        var troubles: [(verdict: Verdict, problem: Problem)] = []
        switch status.trunk.state {
        case .registered, .ready: break
        case .none:
            troubles.append(
                (
                    .limited,
                    Problem(
                        code: "trunk.none", sentence: "No provider is set up on this box.",
                        remedy: "Add the provider's account to sipcall.toml; until then *43, *44 and *45 work.")
                ))
        case .registering:
            troubles.append(
                (
                    .limited,
                    Problem(
                        code: "trunk.registering", sentence: "The box is still registering with \(status.trunk.name).",
                        remedy: "Wait a few seconds.")
                ))
        case .failed:
            troubles.append(
                (
                    .broken,
                    status.trunk.problem
                        ?? Problem(code: "trunk.unreachable", sentence: "The provider cannot be reached.")
                ))
        }
        // Calls go by another account; that this one is missed is worth knowing all the same.
        for trunk in status.trunks where trunk != status.trunk && trunk.state == .failed {
            guard let problem = trunk.problem else { continue }
            troubles.append(
                (
                    .limited,
                    Problem(
                        code: problem.code, sentence: "\(trunk.name): \(problem.sentence)", remedy: problem.remedy)
                ))
        }
        for part in status.degraded { troubles.append((.limited, part.problem)) }
        if status.draining {
            troubles.append(
                (
                    .limited,
                    Problem(
                        code: "status.draining", sentence: "The box takes no new calls.",
                        remedy: "That was asked for; to take calls again: sipcall drain --cancel")
                ))
        }
        if !processes.isEmpty, !processes.contains(where: { $0.part == "web" }) {
            troubles.append(
                (
                    .broken,
                    Problem(
                        code: "status.no-page", sentence: "The web process is not running: no page can be opened.",
                        remedy: "Look at the journal of sipcall-web, and start it with: systemctl start sipcall-web")
                ))
        }
        for report in processes where report.isOutdated {
            troubles.append(
                (
                    .limited,
                    Problem(
                        code: "status.outdated",
                        sentence: "The \(report.part) process still runs the version from before the upgrade.",
                        remedy: "Restart it: systemctl restart sipcall-\(report.part)")
                ))
        }
        if let problem = backup?.trouble(now: now) { troubles.append((.limited, problem)) }
        return troubles.sorted { $0.verdict > $1.verdict }
    }

    package var verdict: Verdict { troubles.first?.verdict ?? .works }

    /// The whole screen, line by line.
    package func lines(_ style: Style) -> [String] {
        var lines: [String] = []
        for (verdict, problem) in troubles {
            lines.append(verdict == .broken ? style.bad(problem.sentence) : style.warning(problem.sentence))
            if !problem.remedy.isEmpty { lines.append("  " + problem.remedy) }
        }
        if lines.isEmpty { lines.append(style.good("Everything works.")) }
        lines.append("")
        func row(_ name: String, _ text: String) {
            lines.append(style.faint(name.padded(11)) + text)
        }
        let trunks = status.trunks.isEmpty ? [status.trunk] : status.trunks
        for (index, trunk) in trunks.enumerated() { row(index == 0 ? "Provider" : "", Self.line(trunk)) }
        if let listens = status.listens { row("SIP", "at " + listens.map(\.description).joined(separator: " and ")) }
        row("Calls", callSummary)
        for call in status.list.prefix(Self.mostCalls) { row("", Self.line(call, style)) }
        if status.list.count > Self.mostCalls {
            row("", style.faint("and \(status.list.count - Self.mostCalls) more"))
        }
        row("Pages", status.pages == 0 ? "none is open" : "\(counted(status.pages, "page")) connected")
        row(
            "Sound",
            "\(counted(status.mediaLegs, "side")), \(counted(status.mediaSockets, "socket")), "
                + counted(status.opusStates, "Opus state"))
        row("Signalling", "\(counted(status.dialogs, "dialog")), \(counted(status.transactions, "transaction"))")
        for (index, report) in shownProcesses.enumerated() {
            row(index == 0 ? "Processes" : "", Self.line(report))
        }
        if let backup { row("Backup", backup.line(now: now)) }
        row("SIPCall", "\(status.version), up \(words(seconds: status.uptimeSeconds))")
        return lines
    }

    private static func line(_ trunk: TrunkStatus) -> String {
        switch trunk.state {
        case .none: "none"
        case .registering: "\(trunk.name), registering"
        case .registered:
            "\(trunk.name), registered" + (trunk.expires.map { " for \(words(seconds: $0))" } ?? "")
                + (trunk.target?.contains("[") == true ? ", over IPv6" : "")
        case .ready where trunk.answers == true: "\(trunk.name), reachable, needs no registration"
        case .ready where trunk.isAsked == false: "\(trunk.name), needs no registration, not asked whether it is there"
        case .ready: "\(trunk.name), needs no registration, not heard from yet"
        case .failed where trunk.answers == false: "\(trunk.name), not reachable"
        case .failed: "\(trunk.name), not registered"
        }
    }

    private var callSummary: String {
        let talking = status.list.count { $0.talkSeconds != nil }
        guard status.calls > 0 else { return "none" }
        let dialled =
            status.callsDialled > 0
            ? "; \(status.callsDialled) dialled, \(status.callsDialledLimit) allowed at once" : ""
        return "\(status.calls), \(talking) of them answered" + dialled
    }

    private static func line(_ call: CallStatus, _ style: Style) -> String {
        let direction = call.direction == .outbound ? "to" : "from"
        let time = call.talkSeconds.map { "for \(words(seconds: $0))" } ?? "since \(words(seconds: call.seconds))"
        return "\(direction.padded(5))\(call.far.padded(7))\(word(call.state).padded(11))\(time.padded(14))"
            + style.faint("\(call.call)")
    }

    private static func word(_ state: CallState) -> String {
        switch state {
        case .summoning: "rings here"
        case .dialling: "dialling"
        case .ringing, .early: "rings"
        case .active: "talking"
        case .ended: "ended"
        }
    }

    /// The core's own count where nothing can be seen from outside.
    private var shownProcesses: [ProcessReport] {
        processes.isEmpty
            ? [
                ProcessReport(
                    part: "core", process: 0, residentBytes: status.residentBytes,
                    openDescriptors: status.openDescriptors, threads: status.threads)
            ] : processes
    }

    private static func line(_ report: ProcessReport) -> String {
        var parts: [String] = []
        if let bytes = report.residentBytes { parts.append(words(bytes: bytes)) }
        if let count = report.openDescriptors { parts.append(counted(count, "descriptor")) }
        if let count = report.threads { parts.append(counted(count, "thread")) }
        return report.part.padded(5) + parts.joined(separator: ", ")
    }
}

extension String {
    /// At least this wide, with a space after it.
    package func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
