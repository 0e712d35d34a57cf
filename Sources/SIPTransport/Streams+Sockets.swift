import CLinux
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Wire

/// How connections are made and taken.
extension Streams {
    /// Opens the connection that `handler` stands for.
    func connect(_ handler: StreamHandler, within timeout: Duration) {
        guard handler.peer.transport == .tls else { return connect(handler, nil, within: timeout) }
        tls.ready(for: handler.peer.name).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let context): self.connect(handler, context, within: timeout)
            case .failure(let error): self.failed(handler, error as? Problem)
            }
        }
    }

    private func connect(_ handler: StreamHandler, _ tls: NIOSSLContext?, within timeout: Duration) {
        let bound = NIOLoopBound(handler, eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(.nanoseconds(timeout.nanoseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socket(Int(IPPROTO_TCP), TCP_USER_TIMEOUT), value: Self.unacknowledgedMilliseconds)
            .channelOption(.writeBufferWaterMark, value: waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let name = bound.value.peer.name.flatMap { NetworkAddress.Host($0) == nil ? $0 : nil }
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(to: SocketAddress(handler.peer.address))
            .assumeIsolated()
            .whenFailure { _ in
                // After the connection stood, its end is told by the handler.
                self.failed(handler, handler.problem)
            }
    }

    /// Takes connections on a port.
    /// - Parameter tls: with our own certificate; nil for TCP alone.
    /// - Returns: where, the port not 0.
    func listen(_ address: NetworkAddress, tls: NIOSSLContext? = nil) -> EventLoopFuture<NetworkAddress> {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let transport: TransportProtocol = tls == nil ? .tcp : .tls
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptErrorHandler(bound.value))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socket(Int(IPPROTO_TCP), TCP_USER_TIMEOUT), value: Self.unacknowledgedMilliseconds)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: waterMark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let source = channel.remoteAddress.flatMap(NetworkAddress.init),
                        let handler = bound.value.admit(SIPPeer(transport, source))
                    else { throw ChannelError.eof }
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        if address.isIPv6 { _ = bootstrap.serverChannelOption(SIPTransport.ownFamilyOnly, value: 1) }
        return bootstrap.bind(to: SocketAddress(address))
            .flatMapThrowing { channel in
                bound.value.listeners.append(channel)
                guard let place = channel.localAddress.flatMap(NetworkAddress.init) else {
                    throw ChannelError.unknownLocalAddress
                }
                return place
            }
    }

    /// What was sent and is not acknowledged for this long ends the connection: nobody is there any more.
    private static let unacknowledgedMilliseconds = 20_000

    private var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
        .init(low: limits.unsentBytes / 4, high: limits.unsentBytes)
    }
}

/// Without descriptors nothing can be accepted: room is made, and the next attempt waits for it.
private final class AcceptErrorHandler: ChannelDuplexHandler {
    typealias InboundIn = Channel
    typealias OutboundIn = Never

    private let streams: Streams
    private var isPaused = false
    private var wantsToRead = false

    init(_ streams: Streams) {
        self.streams = streams
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { wantsToRead = true } else { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            // One connection that came to nothing (ECONNABORTED) is not the listener's concern.
            return
        }
        streams.makeRoom()
        guard !isPaused else { return }
        isPaused = true
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
            self.isPaused = false
            if self.wantsToRead {
                self.wantsToRead = false
                context.read()
            }
        }
    }
}
