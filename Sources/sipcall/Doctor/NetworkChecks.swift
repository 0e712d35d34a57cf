import Console
import Control
import Glibc
import NIOSSL
import SIPTransport
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
            Check("port-sip", "SIP port") { await sipPort("UDP", "SIP") },
            Check("port-sip-tcp", "SIP port (TCP)") { await sipPort("TCP", "SIP over TCP") },
            Check("port-media", "Media port") { await port("UDP", settings.media.listen.port, "browsers' sound") },
            Check("port-web", "Web port") { await port("TCP", page.place.address.port, "the page") },
            Check("page", "Page") {
                guard await isRunning else { return Finding(.unchecked, "The box does not run.") }
                return await page.finding(now: time(nil))
            },
        ] + (settings.sip.certificate.map(tlsChecks) ?? [])
    }

    /// The port of each family, which is mostly one, and which of the families are spoken.
    private func sipPort(_ kind: String, _ purpose: String) async -> Finding {
        var last: Finding?
        for address in settings.sip.listen {
            let finding = await port(kind, address.port, purpose)
            if finding.verdict == .fault { return finding }
            last = finding
        }
        let finding = last ?? Finding(.unchecked, "No address is configured.")
        guard finding.verdict == .ok, let spoken = try? await status().listens else { return finding }
        return .families(
            finding, wanted: settings.sip.listen, spoken: spoken, own: LocalAddress.all(withLoopback: false))
    }

    /// For a box that is listened to over TLS.
    private func tlsChecks(_ certificate: String) -> [Check] {
        [
            Check("port-sip-tls", "SIP port (TLS)") { await port("TCP", TLSOptions.defaultListenPort, "SIP over TLS") },
            Check("sip-certificate", "SIP certificate") { Self.sipCertificate(certificate, now: time(nil)) },
        ]
    }

    private static func sipCertificate(_ file: String, now: Int) -> Finding {
        guard access(file, R_OK) == 0 || errno != EACCES else {
            return Finding(.unchecked, "This user may not read \(file).", remedy: "Ask again as root.")
        }
        // What expires first of the chain is what callers stumble over.
        guard let chain = try? NIOSSLCertificate.fromPEMFile(file), let end = chain.map(\.notValidAfter).min() else {
            return Finding(
                .fault, "\(file) holds no certificate.",
                remedy: "Let sip.certificate name a PEM file with the box's certificate first.")
        }
        return .sipCertificate(daysLeft: (Int(end) - now) / 86_400)
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
