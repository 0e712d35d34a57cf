import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
package import Wire

extension SIPTransport {
    /// Sends one message the way that the peer is spoken with. A connection is opened when there is none; if that fails,
    /// ``Input/unreachable(_:_:)`` comes. A request over UDP that is larger than 1,300 bytes goes by TCP where the peer
    /// takes it (RFC 3261 §18.1.1).
    package func send(_ bytes: [UInt8], to peer: SIPPeer) {
        let streams = streams
        onLoop {
            if peer.transport == .udp {
                streams.value.sendByUDP(bytes, to: peer.address)
            } else {
                streams.value.send(bytes, to: peer)
            }
        }
    }

    /// Sends one message to whoever is at this address: over the connection that was heard from there, or else by UDP.
    package func send(_ bytes: [UInt8], to address: NetworkAddress) {
        if address == PrivateLine.address { return onLoop { self.line.answered(bytes) } }
        let streams = streams
        onLoop { streams.value.send(bytes, to: address) }
    }

    /// Who is a provider: their connections give way to nobody, theirs is the last room for messages, and they are told
    /// when a request of theirs cannot be read.
    package func trust(_ sources: TrustedSources) {
        counts.trusted.withLock { $0 = sources }
        let streams = streams
        onLoop { streams.value.trust(sources) }
    }

    /// From now on providers' certificates are checked against other authorities. Connections that stand were checked
    /// against the former ones: ``disconnect(from:)`` ends them.
    /// - Parameter files: PEM, by the provider's domain in lower case; the authorities of the system for all others.
    package func setAuthorities(_ files: [String: String]) {
        let streams = streams
        onLoop { streams.value.tls.setAuthorities(files) }
    }

    /// Does it now if this is the loop's own thread, else when the loop comes to it; in the order of the calls of one thread
    /// either way.
    func onLoop(_ body: @escaping @Sendable () -> Void) {
        if loop.inEventLoop { body() } else { loop.execute(body) }
    }

    /// TCP and TLS connections that stand.
    package func connectionCount() async -> Int {
        let streams = streams
        return (try? await streams.eventLoop.submit { streams.value.count }.get()) ?? 0
    }

    func closeStreams() async {
        let streams = streams
        try? await streams.eventLoop.submit { streams.value.closeAll() }.get()
    }

    /// Lets large requests fall back on UDP.
    func joinStreams() {
        let streams = streams
        streams.eventLoop.execute { [weak self] in
            streams.value.sendDatagram = { [weak self] bytes, address in self?.sendDatagram(bytes, to: address) }
        }
    }

    /// - Parameter bound: the UDP sockets, which are less by a family that is done without afterwards.
    /// - Returns: with where TLS is taken at the first of them.
    static func listenForStreams(
        _ bound: inout Bound, tls: TLSOptions, limits: StreamLimits, on loop: any EventLoop,
        continuation: AsyncStream<Input>.Continuation, counts: SharedCounts
    ) async throws(Problem) -> (NIOLoopBound<Streams>, NetworkAddress?) {
        let server = try await serverContext(tls)
        var place = bound.addresses.first ?? NetworkAddress(host: .ipv4(0), port: 0)
        var tlsAddress: NetworkAddress?
        var opened: NIOLoopBound<Streams>?
        do {
            let streams = try await loop.submit {
                NIOLoopBound(
                    Streams(loop: loop, limits: limits, tls: tls, counts: counts, continuation: continuation),
                    eventLoop: loop)
            }.get()
            opened = streams
            for address in bound.addresses {
                do {
                    place = address
                    _ = try await loop.flatSubmit { streams.value.listen(address) }.get()
                    guard let server else { continue }
                    let secure = NetworkAddress(host: address.host, port: tls.listenPort)
                    place = secure
                    let taken = try await loop.flatSubmit { streams.value.listen(secure, tls: server) }.get()
                    tlsAddress = tlsAddress ?? taken
                } catch {
                    let errnoCode = (error as? IOError)?.errnoCode ?? EIO
                    guard await bound.giveUp(place, errnoCode: errnoCode) else { throw error }
                    try await loop.submit { streams.value.stopListening(address.family) }.get()
                }
            }
            return (streams, tlsAddress)
        } catch {
            if let opened { try? await loop.submit { opened.value.closeAll() }.get() }
            throw cannotListen(place, errnoCode: (error as? IOError)?.errnoCode ?? EIO, over: "TCP")
        }
    }

    private static func serverContext(_ tls: TLSOptions) async throws(Problem) -> NIOSSLContext? {
        let outcome: Result<NIOSSLContext?, Problem>
        do {
            outcome = try await NIOThreadPool.singleton.runIfActive { () -> Result<NIOSSLContext?, Problem> in
                Result { () throws(Problem) in try tls.serverContext() }
            }
        } catch {
            outcome = .success(nil)
        }
        return try outcome.get()
    }
}
