package import Wire

/// Who has a port: /proc/net/udp, udp6, tcp and tcp6 (proc(5)).
package struct SocketTable: Sendable {
    /// Kernel names ("inodes") of the sockets on each port.
    private var inodes: [UInt16: Set<UInt64>] = [:]

    /// - Parameters:
    ///   - texts: of the tables of one protocol.
    ///   - states: that a socket may have: 7 and 1 for an open UDP socket without and with a peer, 10 for a listening
    ///     TCP one.
    package init(_ texts: [String], states: Set<UInt8>) {
        for text in texts {
            for line in text.split(separator: "\n").dropFirst() {
                // sl local_address rem_address st tx:rx tr:tm->when retrnsmt uid timeout inode
                let fields = line.split(separator: " ", maxSplits: 10)
                guard fields.count > 9, UInt8(fields[3], radix: 16).map(states.contains) == true,
                    let port = fields[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) }),
                    let inode = UInt64(fields[9])
                else { continue }
                inodes[port, default: []].insert(inode)
            }
        }
    }

    package func sockets(on port: UInt16) -> Set<UInt64> { inodes[port] ?? [] }
}

extension Finding {
    /// - Parameters:
    ///   - finding: that the port is open.
    ///   - wanted: the addresses that are configured.
    ///   - spoken: those that the core has.
    ///   - own: the machine's addresses that others can reach.
    package static func families(
        _ finding: Finding, wanted: [NetworkAddress], spoken: [NetworkAddress], own: [NetworkAddress.Host]
    ) -> Finding {
        let names = spoken.map(\.family.rawValue).joined(separator: " and ")
        let missing = wanted.map(\.family).filter { family in !spoken.contains { $0.family == family } }
        // A machine without IPv6 misses nothing.
        let isMissed = missing.first { family in own.contains { $0.family == family } }
        guard let isMissed else { return Finding(finding.verdict, "\(finding.sentence) It takes \(names).") }
        return Finding(
            .warning,
            "\(finding.sentence) It takes \(names), and not \(isMissed.rawValue), which the machine has by now.",
            remedy: "When no call is on: systemctl restart sipcall-core.")
    }

    /// - Parameters:
    ///   - what: `SIP (UDP 5060)`
    ///   - sockets: how many are open on the port.
    ///   - owners: the names of the programs that have them, as far as this user may see.
    ///   - isRunning: whether the box runs.
    package static func port(_ what: String, sockets: Int, owners: Set<String>, isRunning: Bool) -> Finding {
        if sockets == 0 {
            return isRunning
                ? Finding(
                    .fault, "Nothing listens on \(what).",
                    remedy: "Restart the box, and read the journal of its units for the reason.")
                : Finding(.unchecked, "\(what) is free: the box does not run.")
        }
        // systemd holds the web process's sockets too.
        let ours = owners.intersection(["sipcall", "systemd"])
        let others = owners.subtracting(ours).sorted()
        if !others.isEmpty, ours.isEmpty {
            return Finding(
                .fault, "\(what) is taken by \(others.joined(separator: ", ")).",
                remedy: "Stop that program, or give the box another port in sipcall.toml.")
        }
        if owners.isEmpty {
            return isRunning
                ? Finding(.ok, "\(what) is open; only root sees by whom.")
                : Finding(
                    .warning, "\(what) is taken although the box does not run.",
                    remedy: "As root, 'ss -lnp' shows the program.")
        }
        return Finding(.ok, "\(what) is the box's.")
    }
}
