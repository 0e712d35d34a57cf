import NIOPosix
import SIPMessage
import SIPTransport
import Synchronization
import Wire

/// A transport with somebody who takes its inputs; answers every OPTIONS with 200 if it is to.
final class Station: Sendable {
    let transport: SIPTransport
    private let state = Mutex(State())
    private let reader = Mutex<Task<Void, Never>?>(nil)

    private struct State {
        var messages: [(SIPMessage, SIPPeer)] = []
        var unreachable: [(SIPPeer, Problem?)] = []
        var lost: [SIPPeer] = []
    }

    private init(_ transport: SIPTransport) {
        self.transport = transport
    }

    static let loopback = NetworkAddress(host: .ipv4(0x7f00_0001), port: 0)
    static let loopback6 = NetworkAddress(host: .ipv6(high: 0, low: 1), port: 0)

    static func open(
        at address: NetworkAddress = loopback, tls: TLSOptions = TLSOptions(), limits: StreamLimits = StreamLimits(),
        answers: Bool = true, reads: Bool = true
    ) async throws -> Station {
        try await open(at: [address], tls: tls, limits: limits, answers: answers, reads: reads)
    }

    static func open(
        at addresses: [NetworkAddress], tls: TLSOptions = TLSOptions(), limits: StreamLimits = StreamLimits(),
        answers: Bool = true, reads: Bool = true
    ) async throws -> Station {
        let station = Station(
            try await SIPTransport.open(
                listen: addresses, tls: tls, limits: limits, on: MultiThreadedEventLoopGroup.singleton))
        if reads { station.read(answers: answers) }
        return station
    }

    func read(answers: Bool) {
        let task = Task {
            for await input in transport.inputs {
                transport.taken()
                switch input {
                case .message(let message, let peer):
                    state.withLock { $0.messages.append((message, peer)) }
                    if answers, let request = message.request, request.method != .ack {
                        transport.send(SIPResponse(to: request, status: 200, toTag: "t").serialized(), to: peer)
                    }
                case .unreachable(let peer, let problem): state.withLock { $0.unreachable.append((peer, problem)) }
                case .lost(let peer): state.withLock { $0.lost.append(peer) }
                }
            }
        }
        reader.withLock { $0 = task }
    }

    var address: NetworkAddress { transport.localAddress }
    var tcp: SIPPeer { SIPPeer(.tcp, address) }
    func tls(_ name: String?) -> SIPPeer { SIPPeer(.tls, transport.tlsAddress ?? address, name: name) }

    var messages: [(SIPMessage, SIPPeer)] { state.withLock { $0.messages } }
    var unreachable: [(SIPPeer, Problem?)] { state.withLock { $0.unreachable } }
    var lost: [SIPPeer] { state.withLock { $0.lost } }
    var callIDs: [String] { messages.compactMap { $0.0.headers.callID } }

    func heard(_ callID: String) async -> (SIPMessage, SIPPeer)? {
        _ = await eventually { callIDs.contains(callID) }
        return messages.first { $0.0.headers.callID == callID }
    }

    func close() async {
        await transport.close()
        await reader.withLock { $0 }?.value
    }

    /// A request as text.
    static func text(
        _ callID: String, _ method: String = "OPTIONS", over transport: TransportProtocol = .tcp, body: Int = 0,
        sentBy: NetworkAddress = loopback, branch: String? = nil
    ) -> String {
        """
        \(method) sip:box@127.0.0.1 SIP/2.0\r
        Via: SIP/2.0/\(transport.viaName) \(sentBy);branch=z9hG4bK\(branch ?? callID);rport\r
        Max-Forwards: 70\r
        From: <sip:a@127.0.0.1>;tag=1\r
        To: <sip:box@127.0.0.1>\r
        Call-ID: \(callID)\r
        CSeq: 1 \(method)\r
        Content-Length: \(body)\r
        \r

        """ + String(repeating: "b", count: body)
    }

    static func bytes(
        _ callID: String, _ method: String = "OPTIONS", over transport: TransportProtocol = .tcp, body: Int = 0,
        sentBy: NetworkAddress = loopback, branch: String? = nil
    ) -> [UInt8] {
        Array(text(callID, method, over: transport, body: body, sentBy: sentBy, branch: branch).utf8)
    }
}
