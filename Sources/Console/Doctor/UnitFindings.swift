/// One unit as `systemctl show` prints it.
package struct UnitState: Sendable, Equatable {
    package var identifier: String
    private var properties: [String: String]

    /// - Parameter text: `Key=Value` lines, an empty line between units.
    package static func units(in text: String) -> [UnitState] {
        var blocks: [[String: String]] = [[:]]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                blocks.append([:])
            } else if let equals = line.firstIndex(of: "=") {
                blocks[blocks.count - 1][String(line[..<equals])] = String(line[line.index(after: equals)...])
            }
        }
        return blocks.compactMap { block in
            block["Id"].map { UnitState(identifier: $0, properties: block) }
        }
    }

    var isSocket: Bool { identifier.hasSuffix(".socket") }

    package func value(_ key: String) -> String { properties[key] ?? "" }
}

extension Finding {
    package static func units(_ units: [UnitState]) -> Finding {
        let known = units.filter { $0.value("LoadState") == "loaded" }
        guard !known.isEmpty else { return Finding(.unchecked, "The package's units are not installed here.") }
        // Without its sockets the page is served all the same, elsewhere.
        let (sockets, others) = (known.filter(\.isSocket), known.filter { !$0.isSocket })
        if let unit = others.first(where: { $0.value("ActiveState") == "failed" }) {
            return Finding(
                .fault, "\(unit.identifier) has failed (\(unit.value("Result"))).",
                remedy: "journalctl -x -u \(unit.identifier) says why; then: systemctl restart \(unit.identifier)")
        }
        if let unit = others.first(where: { $0.value("ActiveState") != "active" }) {
            return Finding(
                .fault, "\(unit.identifier) is \(unit.value("ActiveState")).",
                remedy: "Start it: systemctl start sipcall.target")
        }
        if let unit = sockets.first(where: { $0.value("ActiveState") != "active" }) {
            return Finding(
                .warning,
                "\(unit.identifier) is \(unit.value("ActiveState")): the page is not served on its usual port.",
                remedy:
                    "If another program has the port, 'ss -lntp' shows which; else: systemctl start \(unit.identifier)")
        }
        if let unit = known.first(where: { (Int($0.value("NRestarts")) ?? 0) > 0 }) {
            return Finding(
                .warning, "\(unit.identifier) was restarted by itself, times: \(unit.value("NRestarts")).",
                remedy: "journalctl -x -u \(unit.identifier) says why.")
        }
        return Finding(.ok, "All units are active: \(known.map(\.identifier).joined(separator: ", ")).")
    }
}
