package import Control
import Wire

// What the core's word about the provider means.
extension Finding {
    /// Of all accounts the worst; what works is told in one line.
    package static func registration(of status: BoxStatus) -> Finding {
        together(status.trunks.map(registration)) ?? registration(status.trunk)
    }

    /// Of all accounts the worst; what is well is told in one line.
    private static func together(_ findings: [Finding]) -> Finding? {
        guard !findings.isEmpty else { return nil }
        for verdict in [Verdict.fault, .warning, .unchecked] {
            if let worst = findings.first(where: { $0.verdict == verdict }) { return worst }
        }
        return Finding(.ok, findings.map(\.sentence).joined(separator: " "))
    }

    package static func answers(_ reports: [ProviderReport]) -> Finding {
        together(reports.map { named(answer($0), $0, reports) }) ?? Finding(.unchecked, "No provider was asked.")
    }

    package static func publicAddresses(_ reports: [ProviderReport]) -> Finding {
        // An account without registration is told nothing: that is worth a word only where no other was.
        let findings = reports.filter { $0.seenAt != nil }
        return together((findings.isEmpty ? reports : findings).map { named(publicAddress($0), $0, reports) })
            ?? Finding(.unchecked, "No provider was asked.")
    }

    /// Where there are several accounts, it is said which is meant.
    private static func named(_ finding: Finding, _ report: ProviderReport, _ all: [ProviderReport]) -> Finding {
        guard all.count > 1 else { return finding }
        var finding = finding
        finding.sentence = "\(report.name): \(finding.sentence)"
        return finding
    }

    package static func registration(_ trunk: TrunkStatus) -> Finding {
        switch trunk.state {
        case .none:
            Finding(
                .warning, "No provider is set up.",
                remedy: "Add the account to sipcall.toml; until then *43, *44 and *45 work.")
        case .registering: Finding(.warning, "The box is still registering with \(trunk.name).", remedy: "Ask again.")
        case .registered:
            Finding(.ok, "\(trunk.name) has registered the box for \(words(seconds: trunk.expires ?? 0)).")
        case .ready where trunk.answers == true:
            Finding(.ok, "\(trunk.name) answers, and wants no registration.")
        case .ready: Finding(.ok, "\(trunk.name) was found and wants no registration.")
        case .failed:
            trunk.problem.map { Finding(.fault, $0) }
                ?? Finding(.fault, "\(trunk.name) is not \(trunk.answers == false ? "reachable" : "registered").")
        }
    }

    /// Any answer shows that SIP goes both ways; what it says matters to calls, not to the way.
    package static func answer(_ report: ProviderReport) -> Finding {
        guard let status = report.status else {
            if report.answersCalls == true {
                return Finding(.ok, "The provider answers no OPTIONS, but calls by it go through.")
            }
            return report.problem.map { Finding(.fault, $0) } ?? Finding(.unchecked, "The provider was not asked.")
        }
        let time = report.roundTripMilliseconds.map { " after \($0) ms" } ?? ""
        let sentence = "The provider answered OPTIONS with \(status)\(time)."
        return status >= 500
            ? Finding(
                .warning, sentence, remedy: "It is in trouble, or in maintenance: see the provider's status page.")
            : Finding(.ok, sentence)
    }

    /// What the registrar saw against what the box has.
    package static func publicAddress(_ report: ProviderReport) -> Finding {
        guard let local = report.local else {
            return Finding(.unchecked, "The way to the provider is not known yet.")
        }
        guard let seen = report.seenAt else {
            return Finding(.unchecked, "The provider has not told yet from where it sees the box.")
        }
        if seen.host == local.host {
            return Finding(.ok, "The provider sees the box at its own address \(seen.host): there is no NAT between.")
        }
        let between = "The box stands behind NAT: it is \(local.host) here, and the provider sees \(seen)."
        guard let advertised = report.advertised else {
            return Finding(
                .warning, between,
                remedy: "If pages outside of this network have no sound, set media.advertise = [\"\(seen.host)\"] and "
                    + "forward the UDP media port to this machine.")
        }
        return advertised == seen.host
            ? Finding(.ok, between + " media.advertise says so too.")
            : Finding(
                .warning, between + " But media.advertise says \(advertised).",
                remedy: "Correct media.advertise in sipcall.toml.")
    }
}
