import SIP
import SIPMessage
import Testing
import Wire

@Suite("RFC 3261 §17 and §18 a trunk over TCP or TLS")
struct ReliableTransportTests {
    private static let box = NetworkAddress(host: .ipv4(0xc000_0201), port: 5060)
    private static let provider = NetworkAddress(host: .ipv4(0xc633_6401), port: 5061)

    private static func trunk(_ transport: TransportProtocol) -> Trunk {
        Trunk(
            name: "p", domain: "sip.example.net", target: provider, user: "u", password: Redacted("p"),
            transport: transport)
    }

    private static func requests(_ effects: [UserAgentEffect]) -> [SIPRequest] {
        effects.compactMap { effect in
            guard case .send(let bytes, provider) = effect else { return nil }
            return (try? SIPMessage.parse(bytes))?.request
        }
    }

    @Test(
        "Via and Contact name the transport, and nothing is repeated", arguments: [TransportProtocol.udp, .tcp, .tls])
    func register(transport: TransportProtocol) throws {
        var generator = SeededGenerator(seed: 1)
        var agent = UserAgent(contact: Self.box, product: "t")
        let first = Self.requests(agent.setTrunk(Self.trunk(transport), now: .zero, using: &generator))
        let register = try #require(first.first)
        #expect(register.headers.topVia?.transport == transport.viaName)
        let parameter = register.headers.contact?.uri.sip?.parameters["transport"]
        #expect(parameter == (transport == .udp ? nil : transport.rawValue))
        let repeated = Self.requests(agent.advance(to: .zero + .seconds(3), using: &generator))
        #expect(repeated.isEmpty == transport.isReliable)
    }

    @Test("A lost connection fails what waits on it and registers again at once")
    func lost() throws {
        var generator = SeededGenerator(seed: 1)
        var agent = UserAgent(contact: Self.box, product: "t")
        let register = try #require(
            Self.requests(agent.setTrunk(Self.trunk(.tls), now: .zero, using: &generator)).first)
        var granted = SIPResponse(to: register, status: 200, toTag: "r")
        granted.headers.copy(.contact, from: register.headers)
        _ = agent.received(.response(granted), from: Self.provider, now: .zero, using: &generator)
        let leg = LegIdentifier(number: 1)
        let called = agent.invite(leg, to: Redacted("+49"), offer: [0x76], now: .zero, using: &generator)
        #expect(Self.requests(called).map(\.method) == [.invite])
        let effects = agent.connectionLost(to: Self.provider, now: .zero + .seconds(1), using: &generator)
        #expect(effects.contains(.event(.ended(leg, .unreachable))))
        #expect(Self.requests(effects).map(\.method) == [.register])
    }

    @Test("A challenge to an INVITE is answered, although its transaction has nothing more to wait for")
    func challenge() throws {
        var generator = SeededGenerator(seed: 1)
        var agent = UserAgent(contact: Self.box, product: "t")
        _ = agent.setTrunk(Self.trunk(.tcp), now: .zero, using: &generator)
        let leg = LegIdentifier(number: 1)
        let invite = try #require(
            Self.requests(agent.invite(leg, to: Redacted("+49"), offer: [0x76], now: .zero, using: &generator)).first)
        var challenge = SIPResponse(to: invite, status: 407, toTag: "proxy")
        challenge.headers.append(.proxyAuthenticate, "Digest realm=\"sip.example.net\", nonce=\"1\"")
        let answered = Self.requests(
            agent.received(.response(challenge), from: Self.provider, now: .zero, using: &generator))
        #expect(answered.map(\.method) == [.ack, .invite])
        #expect(answered.last?.headers.contains(.proxyAuthorization) == true)
    }

    @Test("Inside a dialog everything goes to the trunk, whatever address the callee names")
    func noWayAround() throws {
        var generator = SeededGenerator(seed: 1)
        var agent = UserAgent(contact: Self.box, product: "t")
        _ = agent.setTrunk(Self.trunk(.tls), now: .zero, using: &generator)
        let leg = LegIdentifier(number: 1)
        let invite = try #require(
            Self.requests(agent.invite(leg, to: Redacted("+49"), offer: [0x76], now: .zero, using: &generator)).first)
        var answer = SIPResponse(to: invite, status: 200, toTag: "callee")
        answer.headers.append(.contact, "<sip:x@203.0.113.9:5060>")
        answer.setBody([0x76])
        let acknowledged = agent.received(.response(answer), from: Self.provider, now: .zero, using: &generator)
        #expect(Self.requests(acknowledged).map(\.method) == [.ack])
        let ended = agent.hangUp(leg, now: .zero, using: &generator)
        #expect(Self.requests(ended).map(\.method) == [.bye])
    }
}
