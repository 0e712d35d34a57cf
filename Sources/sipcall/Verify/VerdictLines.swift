import Console
import Ledger
import Wire

/// How a verdict is shown: a line for the part, and two for each fault.
enum VerdictLines {
    /// ```
    /// audit    BROKEN  0 entries
    ///   audit: The audit log was altered: entry 17 is not what was written. [ledger.audit-broken]
    ///     Compare with the head of the chain in the journal and in the backups.
    /// ```
    static func of(_ verdict: LedgerVerdict, _ style: Style) -> [String] {
        let word = verdict.isWhole ? style.good("whole ") : style.bad("BROKEN")
        let counts = verdict.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        var lines = [verdict.part.padded(10) + word + "  " + style.faint(counts.joined(separator: ", "))]
        for fault in verdict.faults {
            let rows = fault.rows.map { ", rows " + $0.prefix(10).map(String.init).joined(separator: ", ") } ?? ""
            let more = (fault.rows?.count ?? 0) > 10 ? ", …" : ""
            lines.append("  \(fault.name)\(rows)\(more): \(fault.problem.sentence) [\(fault.problem.code)]")
            if !fault.problem.remedy.isEmpty { lines.append("    \(fault.problem.remedy)") }
        }
        return lines
    }
}
