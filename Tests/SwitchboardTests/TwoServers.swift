import NameServer
import SIPTransport
import Settings
import Synchronization
import Wire

/// Two servers of one provider behind SRV records, and what finds them.
struct TwoServers {
    let names = NameServer()
    let first: ScriptedProvider
    let second: ScriptedProvider

    init() async throws {
        (first, second) = (try await .open(), try await .open())
        names.set(ttl: 300)
        names.set(
            "_sip._udp.carrier.test",
            .srv(priority: 1, weight: 0, port: first.address.port, target: "a.carrier.test"),
            .srv(priority: 2, weight: 0, port: second.address.port, target: "b.carrier.test"))
        names.set("a.carrier.test", .a(0x7f00_0001))
        names.set("b.carrier.test", .a(0x7f00_0001))
        // The bare name is a web server, as everywhere.
        names.set("carrier.test", .a(0x7f00_0063))
        for provider in [first, second] { provider.answersCalls.store(true, ordering: .relaxed) }
    }

    var resolver: DNSClient { DNSClient(server: NetworkAddress(host: .ipv4(0x7f00_0001), port: names.port)) }

    func open(_ trunks: String = TwoServers.trunk) async throws -> Box {
        try await Box.open(Self.settings(trunks), first, resolver: resolver)
    }

    func close(_ box: Box) async {
        await box.close()
        await second.transport.close()
        names.close()
    }

    static let trunk = """
        [[trunk]]
        name = "SRV"
        server = "carrier.test"
        transport = "udp"
        user = "alice"
        password = "secret"

        """

    /// - Parameter listen: as TOML.
    static func settings(_ trunks: String, listen: String = "\"127.0.0.1:0\"") throws -> BoxSettings {
        try BoxSettings(
            toml: """
                [sip]
                listen = \(listen)
                [media]
                listen = "127.0.0.1:0"
                ports = "34000-34999"
                [dialling]
                countries = ["all"]
                \(Box.everything)
                \(trunks)
                """, file: "test", readSecret: { _ in nil })
    }

    static func direct(
        _ name: String, _ provider: ScriptedProvider, _ more: String = "", user: String = "alice"
    ) -> String {
        """
        [[trunk]]
        name = "\(name)"
        server = "\(provider.address)"
        user = "\(user)"
        password = "secret"
        \(more)

        """
    }
}
