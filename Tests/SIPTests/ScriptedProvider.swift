import SIP
import SIPMessage
import Testing
import Wire

/// A user agent on virtual time, and the other end of its wire in the test's hand.
struct ScriptedProvider {
    static let target = NetworkAddress(host: .ipv4(0xc000_0201), port: 5060)
    static let local = NetworkAddress(host: .ipv4(0x0a00_0005), port: 5062)
    static let stranger = NetworkAddress(host: .ipv4(0xcb00_7107), port: 4000)
    static let trunk = Trunk(
        name: "Carrier", domain: "sip.example.net", target: target, user: "alice", password: Redacted("secret"),
        displayNumber: "+4930123456", expires: 300)
    static let offer = Array(
        "v=0\r\no=- 7 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
            .utf8)

    var agent: UserAgent
    var random = SeededGenerator(seed: 99)
    var now = MonotonicTime.zero
    /// What the agent sent and the test has not looked at yet.
    var sent: [(message: SIPMessage, target: NetworkAddress)] = []
    var events: [UserAgentEvent] = []
    /// Where registrations went through, and where they did not.
    var reached: [SIPPeer] = []
    var failed: [(SIPPeer, TargetSelection.Failure)] = []
    /// Datagrams that only keep a NAT's mapping open.
    var keepAlives = 0
    /// Between the two stands a router that rewrites addresses. A registrar's answers always tell of one.
    var isBehindNAT = false

    /// Where the provider sees what comes through the router.
    static let seen = NetworkAddress(host: .ipv4(0xcb00_7163), port: 61_000)

    init(asksOwner: Bool = false) {
        agent = UserAgent(contact: Self.local, product: "SIPCall/test", asksOwner: asksOwner)
    }

    mutating func act(_ body: (inout UserAgent, MonotonicTime, inout SeededGenerator) -> [UserAgentEffect]) throws {
        for effect in body(&agent, now, &random) {
            switch effect {
            case .send([0x0d, 0x0a, 0x0d, 0x0a], let target):
                #expect(target == Self.target)
                keepAlives += 1
            case .send(let bytes, let target): sent.append((try SIPMessage.parse(bytes), target))
            case .event(.targetReached(_, let peer)): reached.append(peer)
            case .event(.targetFailed(_, let peer, let failure)): failed.append((peer, failure))
            case .event(let event): events.append(event)
            }
        }
    }

    /// Lets time pass, timer by timer.
    mutating func wait(_ duration: Duration) throws {
        let end = now + duration
        while let due = agent.nextDeadline, due <= end {
            now = max(now, due)
            try act { $0.advance(to: $1, using: &$2) }
        }
        now = end
    }

    mutating func deliver(_ message: SIPMessage, from source: NetworkAddress = target) throws {
        // Over the wire, as it would be.
        let message = try SIPMessage.parse(message.serialized())
        try act { $0.received(message, from: source, now: $1, using: &$2) }
    }

    mutating func takeEvents() -> [UserAgentEvent] {
        defer { events = [] }
        return events
    }

    /// The only message sent since the last look, a request.
    mutating func takeRequest(_ method: SIPMethod, at location: SourceLocation = #_sourceLocation) throws -> SIPRequest
    {
        defer { sent = [] }
        #expect(sent.count == 1, "\(sent.map(\.message))", sourceLocation: location)
        let request = try #require(sent.first?.message.request, sourceLocation: location)
        #expect(request.method == method, sourceLocation: location)
        return request
    }

    mutating func takeResponse(at location: SourceLocation = #_sourceLocation) throws -> SIPResponse {
        defer { sent = [] }
        #expect(sent.count == 1, "\(sent.map(\.message))", sourceLocation: location)
        return try #require(sent.first?.message.response, sourceLocation: location)
    }

    mutating func answer(
        _ request: SIPRequest, _ status: Int, tag: String = "peer", body: [UInt8] = [],
        from source: NetworkAddress = target, _ change: (inout SIPHeaders) -> Void = { _ in }
    ) throws {
        var noted = request
        noted.note(source: isBehindNAT || request.method == .register ? Self.seen : Self.local)
        var response = SIPResponse(to: noted, status: status, toTag: tag)
        if !body.isEmpty { response.setBody(body) }
        change(&response.headers)
        try deliver(.response(response), from: source)
    }

    /// A request of the provider's.
    mutating func request(
        _ method: SIPMethod, branch: String, sequence: UInt32 = 1, toTag: String? = nil, body: [UInt8] = [],
        callID: String = "inbound", _ change: (inout SIPRequest) throws -> Void = { _ in }
    ) throws -> SIPRequest {
        var request = SIPRequest(
            method, SIPURI(user: "alice", address: Self.local),
            via: Via(sentBy: Self.target, branch: "z9hG4bK\(branch)"),
            from: NameAddress(displayName: "Bob \"B\"", try SIPURI("sip:+33987@sip.example.net"), tag: "theirs"),
            to: NameAddress(try SIPURI("sip:+4930123456@sip.example.net"), tag: toTag), callID: callID, cseq: sequence)
        if method != .ack && method != .cancel {
            request.headers.contact = NameAddress(SIPURI(user: "gw", address: Self.target))
        }
        if !body.isEmpty { request.setBody(body) }
        try change(&request)
        return request
    }
}
