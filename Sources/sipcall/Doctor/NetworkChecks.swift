import Console
import Glibc
import NIOCore
import NIOPosix
import SIPTransport
import Settings
import Wire

/// The way out and the ports.
extension Examiner {
    var networkChecks: [Check] {
        let web = settings.web.listen
        return [
            Check("route", "Default route") {
                .defaultRoute(
                    routes: FileContents.text("/proc/net/route", atMost: 65_536) ?? "",
                    routesIPv6: FileContents.text("/proc/net/ipv6_route", atMost: 262_144) ?? "")
            },
            Check("port-sip", "SIP port") { await port("UDP", settings.sip.listen.port, "SIP") },
            Check("port-media", "Media port") { await port("UDP", settings.media.listen.port, "browsers' sound") },
            Check("port-web", "Web port") { await port("TCP", web.port, "the page") },
            Check("page", "Page") { await page(web) },
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

    /// Opens a connection as a browser would.
    private func page(_ listen: NetworkAddress) async -> Finding {
        guard await isRunning else { return Finding(.unchecked, "The box does not run.") }
        let host: NetworkAddress.Host =
            !listen.host.isUnspecified ? listen.host : listen.isIPv6 ? .ipv6(high: 0, low: 1) : .ipv4(0x7f00_0001)
        do {
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(.seconds(3))
                .connect(to: SocketAddress(NetworkAddress(host: host, port: listen.port))).get()
            try? await channel.close().get()
            return Finding(.ok, "The page's port \(listen.port) takes connections.")
        } catch {
            return Finding(
                .fault, "The page's port \(listen.port) takes no connection.",
                remedy: "Look at the journal of sipcall-web, and restart it: systemctl restart sipcall-web")
        }
    }
}
