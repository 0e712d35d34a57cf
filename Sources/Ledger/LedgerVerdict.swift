package import Wire

/// What `sipcall verify` says of one part of what the box keeps.
package struct LedgerVerdict: Codable, Sendable, Equatable {
    package enum Part: String, Codable, CaseIterable, Sendable {
        /// Records of calls, their details, and the list of what was erased.
        case ledger
        /// Every wrapped key.
        case keys
        case audit
    }

    /// One thing that is not as it was written.
    package struct Fault: Codable, Sendable, Equatable {
        /// `2026-11.calls`
        package var name: String
        /// Numbers of the damaged rows, when it is only some; at most 100.
        package var rows: [Int64]?
        package var problem: Problem

        package init(name: String, rows: [Int64]? = nil, problem: Problem) {
            (self.name, self.rows, self.problem) = (name, rows, problem)
        }
    }

    /// ``Part`` or `backups`.
    package var part: String
    package var isWhole: Bool
    /// How many of what were looked at: `rows`, `keys`, `entries`, …
    package var counts: [String: Int]
    package var faults: [Fault]

    package init(part: String, counts: [String: Int] = [:], faults: [Fault] = []) {
        (self.part, self.counts, self.faults) = (part, counts, faults)
        isWhole = faults.isEmpty
    }

    package mutating func add(_ fault: Fault) {
        faults.append(fault)
        isWhole = false
    }
}
