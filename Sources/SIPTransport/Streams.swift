import NIOCore
import NIOPosix
import SIPMessage
import Synchronization
import Wire

/// All TCP and TLS connections of a transport, and which of them a message goes over (RFC 3261 §18.1.1, §18.2.2).
///
/// - A *flow* is an outbound connection to a peer, name included; it is opened on use, and again on the next use after
///   its end. What is sent meanwhile waits.
/// - An inbound connection carries answers to whoever sent requests on it, and nothing that wants a verified name.
///
/// Everything here happens on one event loop.
final class Streams {
    let loop: any EventLoop
    let limits: StreamLimits
    private let counts: SharedCounts
    private let continuation: AsyncStream<SIPTransport.Input>.Continuation
    let tls: TLSClient
    private var table: ConnectionTable
    private var handlers: [Int: StreamHandler] = [:]
    /// Connections by where the other end is.
    private var remotes: [SIPPeer: Int] = [:]
    private var flows: [SIPPeer: Flow] = [:]
    private var nextNumber = 0
    private var recovery: Scheduled<Void>?
    private(set) var isClosed = false
    var listeners: [any Channel] = []
    private var large = LargeRequests()
    /// Inbound connections that ended: who asked on them is answered over a new one.
    private var former: [SIPPeer] = []
    /// Those of them that others had opened: nobody listens where they came from.
    private var formerCallers: [SIPPeer] = []
    /// The way by UDP.
    var sendDatagram: ([UInt8], NetworkAddress) -> Void = { _, _ in }

    private enum Flow {
        /// By the connection of this number, with what waits for it.
        case opening(Int, [Waiting])
        case open(Int)
    }

    private struct Waiting {
        let bytes: [UInt8]
        let isLarge: Bool
    }

    /// Messages that may wait for a connection; what is more is lost, as on any network.
    private static let waitingLimit = 256
    private static let flowLimit = 256
    private static let formerLimit = 64

    init(
        loop: any EventLoop, limits: StreamLimits, tls: TLSOptions, counts: SharedCounts,
        continuation: AsyncStream<SIPTransport.Input>.Continuation
    ) {
        self.loop = loop
        self.limits = limits
        self.tls = TLSClient(tls, loop: loop)
        self.counts = counts
        self.continuation = continuation
        table = ConnectionTable(limits)
    }

    var count: Int { handlers.count }

    func trust(_ sources: TrustedSources) {
        table.trusted = sources
    }

    func hasRoom(forTrusted isTrusted: Bool) -> Bool {
        counts.hasRoom(upTo: isTrusted ? SIPTransport.inputLimit : SIPTransport.inputLimit / 2)
    }

    func report(_ message: SIPMessage, from peer: SIPPeer) {
        counts.received.add(1, ordering: .relaxed)
        counts.report(.message(message, from: peer), to: continuation)
    }

    func reportMalformed() {
        counts.received.add(1, ordering: .relaxed)
        counts.malformed.add(1, ordering: .relaxed)
    }

    private func makeNumber() -> Int {
        defer { nextNumber += 1 }
        return nextNumber
    }

    func stopListening(_ family: AddressFamily) {
        let given = listeners.filter { $0.localAddress.flatMap(NetworkAddress.init)?.family == family }
        listeners.removeAll { listener in given.contains { $0 === listener } }
        for listener in given { listener.close(promise: nil) }
    }

    func closeAll() {
        isClosed = true
        for listener in listeners { listener.close(promise: nil) }
        listeners = []
        flows = [:]
        recovery?.cancel()
        for handler in handlers.values { handler.close() }
    }
}

// MARK: - Sending

extension Streams {
    /// - Parameter isLarge: it goes this way for its size only, and may go by UDP.
    func send(_ bytes: [UInt8], to peer: SIPPeer, isLarge: Bool = false) {
        guard !isClosed else { return }
        let target = wayOut(for: bytes, to: peer)
        switch (flows[target], remotes[target]) {
        case (.open(let number)?, _): handlers[number]?.send(bytes)
        case (.opening(let number, var waiting)?, _):
            guard waiting.count < Self.waitingLimit else { return }
            waiting.append(Waiting(bytes: bytes, isLarge: isLarge))
            flows[target] = .opening(number, waiting)
        case (nil, let number?): handlers[number]?.send(bytes)
        case (nil, nil): open(target, with: Waiting(bytes: bytes, isLarge: isLarge))
        }
    }

    /// The connection that a request came on, while it lasts; then the answer opens one to the port in its Via, at the
    /// host that the request came from (RFC 3261 §18.2.2). A request of ours in the call that came on it opens one to the
    /// port that whoever called listens on: nobody listens where that connection came from.
    private func wayOut(for bytes: [UInt8], to peer: SIPPeer) -> SIPPeer {
        guard flows[peer] == nil, remotes[peer] == nil, let message = try? SIPMessage.parse(bytes) else { return peer }
        let host = peer.address.host
        let port: UInt16?
        switch message {
        case .response(let response):
            guard let via = response.headers.topVia else { return peer }
            port = via.port
        case .request(let request):
            guard formerCallers.contains(peer) else { return peer }
            let first = (try? request.headers.routes())?.first?.uri.sip ?? request.uri.sip
            port = first?.host.address == host ? first?.port : nil
        }
        let address = NetworkAddress(host: host, port: port ?? peer.transport.defaultPort)
        return SIPPeer(peer.transport, address, name: peer.name)
    }

    /// A message to a peer that is spoken with over UDP: large requests go over TCP (RFC 3261 §18.1.1).
    func sendByUDP(_ bytes: [UInt8], to address: NetworkAddress) {
        switch large.way(of: bytes, to: address, now: .now()) {
        case .udp: sendDatagram(bytes, address)
        case .tcp(let bytes): send(bytes, to: SIPPeer(.tcp, address), isLarge: true)
        case .sentBefore: break
        }
    }

    /// A message to whoever is at this address. What follows a large request goes as that did: a connection that was opened
    /// for it is no reason to leave UDP in the Via.
    func send(_ bytes: [UInt8], to address: NetworkAddress) {
        guard let peer = peer(at: address) else { return sendByUDP(bytes, to: address) }
        switch large.way(of: bytes, to: address, now: .now()) {
        case .udp: send(bytes, to: peer)
        case .tcp(let bytes): send(bytes, to: SIPPeer(.tcp, address), isLarge: true)
        case .sentBefore: break
        }
    }

    /// Whoever sent something from there over a connection, not long ago.
    func peer(at address: NetworkAddress) -> SIPPeer? {
        [SIPPeer(.tcp, address), SIPPeer(.tls, address)].first { remotes[$0] != nil || former.contains($0) }
    }

    private func open(_ peer: SIPPeer, with first: Waiting) {
        guard flows.count < Self.flowLimit else { return }
        guard peer.transport == .tcp || peer.name != nil else {
            return counts.report(.unreachable(peer, TLSProblem.noName), to: continuation)
        }
        let number = makeNumber()
        flows[peer] = .opening(number, [first])
        let handler = StreamHandler(number: number, peer: peer, isInbound: false, isTrusted: true, streams: self)
        connect(handler, within: first.isLarge ? limits.connectingLarge : limits.connecting)
    }

    /// A connection did not come about: told once for all that waited for it.
    func failed(_ handler: StreamHandler, _ problem: Problem?) {
        let peer = handler.peer
        // It may have been given up, and another be on its way.
        guard case .opening(let number, let waiting)? = flows[peer], number == handler.number, !isClosed else { return }
        flows[peer] = nil
        if waiting.contains(where: \.isLarge) { large.refused(by: peer.address, now: .now()) }
        for message in waiting where message.isLarge {
            sendDatagram(LargeRequests.withUDPInVia(message.bytes), peer.address)
        }
        if waiting.contains(where: { !$0.isLarge }) {
            counts.report(.unreachable(peer, problem), to: continuation)
        }
    }
}

extension Streams {
    /// Gives up the flow to this peer. Its end is told to nobody: it was wanted.
    func leave(_ peer: SIPPeer) {
        guard case .open(let number)? = flows.removeValue(forKey: peer) else { return }
        let remote = SIPPeer(peer.transport, peer.address)
        // It ends a little later, and what is sent meanwhile must not go by it.
        if remotes[remote] == number { remotes[remote] = nil }
        handlers[number]?.close()
    }
}

// MARK: - What connections tell

extension Streams {
    func opened(_ handler: StreamHandler) {
        handlers[handler.number] = handler
        remotes[SIPPeer(handler.peer.transport, handler.peer.address)] = handler.number
        guard !handler.isInbound else { return }
        guard case .opening(let number, let waiting)? = flows[handler.peer], number == handler.number else {
            return handler.close()
        }
        flows[handler.peer] = .open(handler.number)
        for message in waiting { handler.send(message.bytes) }
    }

    func spoke(_ handler: StreamHandler) {
        if handler.isInbound { table.spoke(handler.number) }
    }

    func closed(_ handler: StreamHandler) {
        let peer = handler.peer
        handlers[handler.number] = nil
        let remote = SIPPeer(peer.transport, peer.address)
        if remotes[remote] == handler.number {
            remotes[remote] = nil
            Self.remember(remote, in: &former)
            if handler.isInbound { Self.remember(remote, in: &formerCallers) }
        }
        guard !handler.isInbound else { return table.closed(handler.number) }
        guard case .open(let number)? = flows[peer], number == handler.number else {
            return failed(handler, handler.problem)
        }
        flows[peer] = nil
        large.lost(peer.address)
        if !isClosed { counts.report(.lost(peer), to: continuation) }
    }

    private static func remember(_ peer: SIPPeer, in list: inout [SIPPeer]) {
        list.append(peer)
        if list.count > formerLimit { list.removeFirst() }
    }

    /// A place for an inbound connection.
    /// - Returns: nil when there is none.
    func admit(_ peer: SIPPeer) -> StreamHandler? {
        guard !isClosed else { return nil }
        let number = makeNumber()
        switch table.admit(number, from: peer.address.host) {
        case .refused: return nil
        case .inPlace(let oldest): handlers[oldest]?.close()
        case .admitted: break
        }
        let handler = StreamHandler(
            number: number, peer: peer, isInbound: true, isTrusted: table.trusted.contains(peer.address.host),
            streams: self)
        handlers[number] = handler
        return handler
    }

    /// No descriptor is left for a new connection: some that say nothing give theirs.
    func makeRoom() {
        for oldest in table.exhausted() { handlers[oldest]?.close() }
        recovery?.cancel()
        recovery = loop.assumeIsolated().scheduleTask(in: .seconds(60)) { self.table.recovered() }
    }
}
