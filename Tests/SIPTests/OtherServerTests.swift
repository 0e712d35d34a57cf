import SIP
import SIPMessage
import Testing
import Wire

@Suite("Calls that another server of the provider's makes")
struct OtherServerTests {
    private static let relay = NetworkAddress(host: .ipv4(0xcb00_7120), port: 41_000)
    private static let leg = LegIdentifier(number: 1 << 32)

    /// - Returns: our tag, in a call that was answered.
    private func answered(
        _ provider: inout ScriptedProvider, over transport: TransportProtocol, contact: String
    ) throws -> String {
        let change: (inout SIPRequest) throws -> Void = { request in
            request.headers.topVia = Via(
                transport: transport.viaName, sentBy: Self.relay, branch: Via.magicCookie + "call")
            request.headers.contact = try NameAddress(contact)
        }
        let invite = try provider.request(.invite, branch: "1", body: ScriptedProvider.offer, change)
        try provider.act {
            $0.received(.request(invite), from: Self.relay, over: transport, now: $1, using: &$2)
        }
        provider.sent = []
        try provider.act { $0.accept(Self.leg, answer: ScriptedProvider.offer, now: $1, using: &$2) }
        let tag = try #require(try provider.takeResponse().headers.to?.tag)
        let ack = try provider.request(.ack, branch: "ack", toTag: tag)
        try provider.act { $0.received(.request(ack), from: Self.relay, over: transport, now: $1, using: &$2) }
        return tag
    }

    @Test(
        "What is said in a call from a further network goes back there, by the way that it came",
        arguments: [TransportProtocol.tcp, .tls])
    func network(transport: TransportProtocol) throws {
        var provider = try ScriptedProvider.ready { trunk in
            trunk.networks = [AddressBlock("203.0.113.0/24")].compactMap(\.self)
        }
        _ = try answered(
            &provider, over: transport, contact: "<sip:gw@203.0.113.32:5060;transport=\(transport.rawValue)>")
        let offer = ScriptedProvider.offer
        try provider.act { $0.renegotiate(Self.leg, offer: offer, now: $1, using: &$2) }
        #expect(provider.sent.first?.target == Self.relay)
        let hold = try provider.takeRequest(.invite)
        #expect(hold.headers.topVia?.transport == transport.viaName)
        try provider.answer(hold, 200, from: Self.relay) { $0.topVia = hold.headers.topVia }
        #expect(provider.sent.first?.target == Self.relay)
        #expect(try provider.takeRequest(.ack).headers.topVia?.transport == transport.viaName)
        try provider.hangUp(Self.leg)
        #expect(provider.sent.first?.target == Self.relay)
        let bye = try provider.takeRequest(.bye)
        #expect(bye.headers.topVia?.transport == transport.viaName)
        // Nobody there may ask for the password.
        try provider.answer(bye, 401, from: Self.relay) {
            $0.topVia = bye.headers.topVia
            $0.append(.wwwAuthenticate, "Digest realm=\"sip.example.net\", nonce=\"n\"")
        }
        #expect(provider.sent.isEmpty)
    }

    @Test("An account over TLS takes no call that came by the less safe way of another account with the same provider")
    func lessSafe() throws {
        var provider = try ScriptedProvider.ready { $0.transport = .tls }
        var other = ScriptedProvider.trunk
        (other.name, other.user, other.displayNumber, other.expires) = ("Second", "bob", nil, 0)
        try provider.act { $0.use(other, now: $1, using: &$2) }
        func trunk(_ branch: String, over transport: TransportProtocol) throws -> String? {
            provider.events = []
            let invite = try provider.request(.invite, branch: branch, body: ScriptedProvider.offer, callID: branch)
            try provider.act {
                $0.received(.request(invite), from: ScriptedProvider.target, over: transport, now: $1, using: &$2)
            }
            for case .incoming(let leg, _, _, _, _) in provider.events { return provider.agent.trunk(of: leg)?.name }
            return nil
        }
        // Addressed to the first account's user.
        #expect(try trunk("datagram", over: .udp) == "Second")
        #expect(try trunk("verified", over: .tls) == "Carrier")
    }
}
