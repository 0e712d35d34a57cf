import Console
import Glibc
import Settings
import WebAPI
import Wire

/// The way out and the ports.
extension Examiner {
    var networkChecks: [Check] {
        let page = PageCheck(self)
        return [
            Check("route", "Default route") {
                .defaultRoute(
                    routes: FileContents.text("/proc/net/route", atMost: 65_536) ?? "",
                    routesIPv6: FileContents.text("/proc/net/ipv6_route", atMost: 262_144) ?? "")
            },
            Check("port-sip", "SIP port") { await port("UDP", settings.sip.listen.port, "SIP") },
            Check("port-media", "Media port") { await port("UDP", settings.media.listen.port, "browsers' sound") },
            Check("port-web", "Web port") { await port("TCP", page.place.address.port, "the page") },
            Check("page", "Page") {
                guard await isRunning else { return Finding(.unchecked, "The box does not run.") }
                return await page.finding(now: time(nil))
            },
        ]
    }

    private func port(_ kind: String, _ port: UInt16, _ purpose: String) async -> Finding {
        let table = SocketTable(
            ["", "6"].compactMap { FileContents.text("/proc/net/\(kind.lowercased())\($0)", atMost: 8 << 20) },
            states: kind == "UDP" ? [7, 1] : [10])
        let sockets = table.sockets(on: port)
        return .port(
            "\(kind) \(port) (\(purpose))", sockets: sockets.count, owners: ProcessTable.owners(of: sockets),
            isRunning: await isRunning)
    }
}
