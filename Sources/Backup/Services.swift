package import Wire

/// The units of an installed box, stopped and started around a restore.
package enum Services {
    package static func areActive() -> Bool {
        let units = ["sipcall.target", "sipcall-core.service", "sipcall-web.service"]
        return units.contains { unit in
            let ask = ChildPipeline(children: [.init(program: "systemctl", arguments: ["--quiet", "is-active", unit])])
            return (try? ask.run().failures.isEmpty) ?? false
        }
    }

    /// The sockets too, or the next browser would start the page again.
    package static func stop() throws(Problem) {
        try systemctl(["stop", "sipcall.target", "sipcall-core.service", "sipcall-web.service"])
    }

    package static func start() throws(Problem) { try systemctl(["start", "sipcall.target"]) }

    private static func systemctl(_ arguments: [String]) throws(Problem) {
        let ending = try ChildPipeline(
            children: [.init(program: "systemctl", arguments: arguments)], patience: .seconds(180)
        ).run()
        if let failure = ending.failures.first {
            throw BackupProblem.toolFailed("systemctl \(arguments[0])", failure.said)
        }
    }
}
