// SIPTransport: SIP messages to and from the network.
//
// In the room: UDP sockets, TCP and TLS connections, their limits and certificates, name lookup, the choice of the local
// address, ICMP errors.
// Never in the room: transactions, dialogs, retransmission (RFC 3261 §17 lives in SIP).
import CLinux
import Glibc
package import NIOCore
import NIOPosix
package import SIPMessage
import Synchronization
package import Wire

/// SIP over UDP, TCP and TLS (RFC 3261 §18).
///
/// Over UDP: one socket for everybody of each family, and one connected socket for each provider, because
/// only a connected UDP socket learns at once that its peer refuses datagrams (ICMP port unreachable).
///
/// IPv4 and IPv6 have sockets of their own, so that an answer leaves by the socket that its request came to.
///
/// Messages are parsed on the socket's event loop, so that junk is gone before it costs anybody else anything.
package final class SIPTransport: Sendable {
    package enum Input: Sendable {
        case message(SIPMessage, from: SIPPeer)
        /// The network says that nobody listens there, or no connection came about; once for all that waited for it.
        case unreachable(SIPPeer, Problem?)
        /// A connection that was opened to this peer ended; the next message to it opens another.
        case lost(SIPPeer)
    }

    /// What came and went since the start.
    package struct Counters: Sendable, Equatable {
        package var received = 0
        /// Not SIP: dropped, without an answer unless a provider sent it (RFC 3261 §18.3).
        package var malformed = 0
        /// Dropped because the switchboard was behind by ``SIPTransport/inputLimit`` messages.
        package var overflowed = 0
    }

    /// How many messages may wait for the switchboard before new ones are dropped.
    package static let inputLimit = 1024
    private static let datagramsAtOnce = 16

    /// What the sockets are bound to, one address of each family that can be spoken, in the order in which they were asked
    /// for; no port is 0.
    package let localAddresses: [NetworkAddress]
    /// Why addresses that were asked for are not among them: the machine does not have them.
    package let missing: [Problem]
    /// Ends when the transport is closed. For one reader, which calls ``taken()`` after each input.
    package let inputs: AsyncStream<Input>

    /// All sockets live on this one loop, so that the probe of it speaks for each of them. Whoever answers messages may live
    /// on it too: no thread has to be woken for them then.
    package let loop: any EventLoop
    let line: PrivateLine
    private let sockets: [AddressFamily: any Channel]
    private let continuation: AsyncStream<Input>.Continuation
    /// nil once the transport is closed.
    private let connected = Mutex<[NetworkAddress: any Channel]?>([:])
    let counts: SharedCounts
    let streams: NIOLoopBound<Streams>
    /// Where TLS connections are taken; nil without a certificate of our own.
    package let tlsAddress: NetworkAddress?

    private init(
        loop: any EventLoop, line: PrivateLine, bound: Bound,
        inputs: AsyncStream<Input>, continuation: AsyncStream<Input>.Continuation, counts: SharedCounts,
        streams: NIOLoopBound<Streams>, tlsAddress: NetworkAddress?
    ) {
        self.loop = loop
        self.line = line
        sockets = bound.sockets
        localAddresses = bound.addresses
        missing = bound.missing
        self.inputs = inputs
        self.continuation = continuation
        self.counts = counts
        self.streams = streams
        self.tlsAddress = tlsAddress
    }

    /// Listens on one address.
    package static func open(
        listen: NetworkAddress, tls: TLSOptions = TLSOptions(), limits: StreamLimits = StreamLimits(),
        on group: any EventLoopGroup
    ) async throws(Problem) -> SIPTransport {
        try await open(listen: [listen], tls: tls, limits: limits, on: group)
    }

    /// Binds the sockets: UDP and TCP of one port for each address, and TLS if there is a certificate of our own. An address
    /// that the machine does not have is done without as long as there is another: see ``missing``.
    ///
    /// - Parameters:
    ///   - listen: at most one address of each family.
    ///   - isByDefault: nobody asked for these addresses. All but the first are done without also where another program has
    ///     their port, or where the system refuses them.
    /// - Throws: `sip.port-in-use`, `sip.cannot-listen` with the system's reason, or `sip.certificate`.
    package static func open(
        listen: [NetworkAddress], isByDefault: Bool = false, tls: TLSOptions = TLSOptions(),
        limits: StreamLimits = StreamLimits(), on group: any EventLoopGroup
    ) async throws(Problem) -> SIPTransport {
        // A port that the system chose for UDP may be taken for TCP; another will not be.
        var attempts = listen.contains { $0.port == 0 } ? 8 : 1
        while true {
            do throws(Problem) {
                return try await openOnce(listen: listen, isByDefault: isByDefault, tls: tls, limits: limits, on: group)
            } catch {
                attempts -= 1
                if attempts == 0 || error.code != "sip.port-in-use" { throw error }
            }
        }
    }

    private static func openOnce(
        listen: [NetworkAddress], isByDefault: Bool, tls: TLSOptions, limits: StreamLimits,
        on group: any EventLoopGroup
    ) async throws(Problem) -> SIPTransport {
        let (inputs, continuation) = AsyncStream.makeStream(of: Input.self)
        let counts = SharedCounts()
        let loop = group.next()
        var line: PrivateLine?
        var bound = Bound(isByDefault: isByDefault)
        do {
            let opened = try await PrivateLine.open(on: loop, continuation: continuation, counts: counts)
            line = opened
            for address in listen where bound.sockets[address.family] == nil {
                try await bound.add(address) {
                    try await bootstrap(
                        loop, family: address.family, peer: nil, continuation: continuation, counts: counts
                    ).bind(to: SocketAddress(address)).get()
                }
            }
            if bound.sockets.isEmpty {
                throw bound.missing.first ?? cannotListen(.init(host: .ipv4(0), port: 0), errnoCode: EINVAL)
            }
            let (streams, tlsAddress) = try await listenForStreams(
                &bound, tls: tls, limits: limits, on: loop, continuation: continuation, counts: counts)
            let transport = SIPTransport(
                loop: loop, line: opened, bound: bound, inputs: inputs,
                continuation: continuation, counts: counts, streams: streams, tlsAddress: tlsAddress)
            transport.joinStreams()
            return transport
        } catch {
            await line?.close()
            for socket in bound.sockets.values { try? await socket.close().get() }
            throw error as? Problem ?? cannotListen(.init(host: .ipv4(0), port: 0), errnoCode: EIO)
        }
    }

    /// Gives this peer a socket of its own, so that ``Input/unreachable(_:_:)`` is heard of. Without one, or while there
    /// is none, it is spoken to through the socket for everybody.
    ///
    /// - Parameter localHost: the address that the route to the peer leaves from.
    package func connect(to peer: NetworkAddress, from localHost: NetworkAddress.Host) async {
        let isWanted = connected.withLock { $0.map { $0[peer] == nil } ?? false }
        guard isWanted, let port = localAddress(of: localHost.family)?.port else { return }
        let local = NetworkAddress(host: localHost, port: port)
        guard
            let socket = try? await Self.bootstrap(
                loop, family: peer.family, peer: peer, continuation: continuation, counts: counts
            )
            .bind(to: SocketAddress(local)).get()
        else { return }
        do {
            try await socket.connect(to: SocketAddress(peer)).get()
        } catch {
            socket.close(promise: nil)
            return
        }
        let superfluous = connected.withLock { sockets -> (any Channel)? in
            guard sockets != nil else { return socket }
            return sockets?.updateValue(socket, forKey: peer)
        }
        superfluous?.close(promise: nil)
        // NIO closes a socket for good after most errors that ICMP can bring about.
        socket.closeFuture.whenComplete { _ in self.lost(socket, to: peer, from: localHost) }
    }

    private func lost(_ socket: any Channel, to peer: NetworkAddress, from localHost: NetworkAddress.Host) {
        let wasInUse = connected.withLock { sockets in
            guard let current = sockets?[peer], current === socket else { return false }
            sockets?[peer] = nil
            return true
        }
        if wasInUse { Task { await connect(to: peer, from: localHost) } }
    }

    /// The peer's own socket, while there is one.
    func socket(to peer: NetworkAddress) -> (any Channel)? {
        connected.withLock { $0?[peer] }
    }

    /// Gives up what was opened for this peer alone; nothing is told of its end. What is sent to it next opens another.
    package func disconnect(from peer: SIPPeer) {
        guard peer.transport == .udp else {
            let streams = streams
            return onLoop { streams.value.leave(peer) }
        }
        connected.withLock { $0?.removeValue(forKey: peer.address) }?.close(promise: nil)
    }

    /// Sends one datagram; what the kernel refuses because of the route comes back as ``Input/unreachable(_:_:)``. What it
    /// refuses otherwise is lost, as on any network.
    func sendDatagram(_ bytes: [UInt8], to peer: NetworkAddress) {
        let own = socket(to: peer)
        let everybodys = sockets[peer.family]
        onLoop {
            let errnoCode = (own ?? everybodys)?.sendDatagram(bytes, to: peer) ?? ENETUNREACH
            guard errnoCode != 0 else { return }
            if own != nil, let everybodys, !unreachableErrors.contains(errnoCode) {
                // The address that the peer's socket is bound to may be gone.
                _ = everybodys.sendDatagram(bytes, to: peer)
            } else if unreachableErrors.contains(errnoCode), self.counts.hasRoom() {
                self.counts.report(.unreachable(SIPPeer(peer), nil), to: self.continuation)
            }
        }
    }

    /// Sends an OPTIONS to ourselves that crosses what a provider's crosses: the sockets' loop, the parser, whoever reads
    /// ``inputs``, and the way back.
    ///
    /// Strangers cannot hold it up, and nothing that comes by the network can be taken for it.
    /// - Parameter answered: called when the 200 is back, or when the transport is closed; never otherwise. One probe at a
    ///   time: a second one takes the first one's place.
    package func probe(_ answered: @escaping @Sendable () -> Void) {
        line.probe(answered)
    }

    /// Whether this address is the probe's, which is nobody on any network.
    package func isOwnProbe(_ address: NetworkAddress) -> Bool { address == PrivateLine.address }

    /// The reader has dealt with one input.
    package func taken() {
        counts.taken()
    }

    package var counters: Counters { counts.snapshot }

    package func close() async {
        let own = connected.withLock { sockets in
            defer { sockets = nil }
            return sockets.map { Array($0.values) } ?? []
        }
        await closeStreams()
        for socket in own + sockets.values {
            try? await socket.close().get()
        }
        await line.close()
        continuation.finish()
    }

    private static func bootstrap(
        _ loop: any EventLoop, family: AddressFamily, peer: NetworkAddress?,
        continuation: AsyncStream<Input>.Continuation, counts: SharedCounts
    ) -> DatagramBootstrap {
        let bootstrap = DatagramBootstrap(group: loop)
            .channelOption(.socket(Int(SOL_SOCKET), SO_REUSEPORT), value: 1)
            .channelOption(.socketOption(.so_rcvbuf), value: 1 << 20)
            // One buffer for all datagrams of a read, each of which gets an equal part of it.
            .channelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: datagramsAtOnce * 65_536)
            )
            .channelOption(.datagramVectorReadMessageCount, value: datagramsAtOnce)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        DatagramHandler(peer: peer, continuation: continuation, counts: counts))
                }
            }
        return family == .ipv6 ? bootstrap.channelOption(ownFamilyOnly, value: 1) : bootstrap
    }

    /// For sockets of IPv6, whatever net.ipv6.bindv6only says: IPv4 has its own.
    static let ownFamilyOnly = ChannelOptions.Types.SocketOption(level: Int(IPPROTO_IPV6), name: IPV6_V6ONLY)

    static func cannotListen(
        _ address: NetworkAddress, errnoCode: CInt, over transport: String = "UDP"
    ) -> Problem {
        if errnoCode == EADDRINUSE {
            return Problem(
                code: "sip.port-in-use", sentence: "\(transport) port \(address.port) is in use by another program.",
                remedy: "Stop that program (ss -lntup shows it) or choose another port.")
        }
        return Problem(
            code: "sip.cannot-listen", sentence: "The box cannot listen on \(address): \(systemMessage(errnoCode)).",
            remedy: "Choose an address of this machine; 0.0.0.0 means all of them.")
    }
}

/// What the kernel says about a route, at once or when an ICMP error came.
let unreachableErrors: Set<CInt> = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN]
