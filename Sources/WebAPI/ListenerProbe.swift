import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Wire

/// Asks for the page as a browser would: through the listening socket, TLS, HTTP, Hummingbird and the responder.
///
/// Its connection has a slot that no client can take (`ConnectionRoll.reserve`): its own end is bound, and so known,
/// before it connects. The kernel's queue before that is never full for long, since every connection is taken at once.
final class ListenerProbe: Sendable {
    private let roll: ConnectionRoll
    private let place = Mutex<WebPlace?>(nil)
    private static let connectPause = Duration.milliseconds(5)

    init(roll: ConnectionRoll) {
        self.roll = roll
    }

    /// From now on there is something to ask.
    func serves(at place: WebPlace) {
        self.place.withLock { $0 = place }
    }

    /// - Returns: nil when the request was served. Does not return while the listener hangs.
    func run() async -> Problem? {
        guard let place = place.withLock({ $0 }) else { return nil }
        do {
            let status = try await ask(place)
            return status.hasPrefix("HTTP/1.1 ") && !status.hasPrefix("HTTP/1.1 5")
                ? nil : WebProblem.doesNotServe(why: status.isEmpty ? "no answer" : "\(status.prefix(12))")
        } catch {
            return WebProblem.doesNotServe(why: "\(error)")
        }
    }

    private func ask(_ place: WebPlace) async throws -> String {
        // Every address of the machine is this one, too; a socket for both families takes it as well.
        let host = place.address.host.isUnspecified ? NetworkAddress.Host.ipv4(0x7f00_0001) : place.address.host
        let target = NetworkAddress(host: host, port: place.address.port)
        let (descriptor, own) = try Self.boundSocket(host)
        roll.reserve(own)
        defer { roll.release(own) }
        do {
            try await Self.connect(descriptor, to: target)
        } catch {
            close(descriptor)
            throw error
        }
        let (answers, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1))
        let isSecure = place.isSecure
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if isSecure {
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: try Self.trustingAnything.get(), serverHostname: nil))
                    }
                    try pipeline.addHandler(FirstAnswer(continuation))
                }
            }
            .withConnectedSocket(descriptor).get()
        defer { channel.close(promise: nil) }
        try await channel.writeAndFlush(
            ByteBuffer(string: "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        for await answer in answers { return answer }
        return ""
    }

    /// It is our own certificate; what counts is that the handshake was made.
    private static let trustingAnything = Result {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .milliseconds(100)
        return try NIOSSLContext(configuration: configuration)
    }

    private static func boundSocket(_ host: NetworkAddress.Host) throws -> (CInt, NetworkAddress) {
        let any = NetworkAddress(host: host, port: 0)
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(any.isIPv6 ? AF_INET6 : AF_INET, kind, 0)
        guard descriptor >= 0 else { throw SystemFailure(errno) }
        var (storage, length) = any.socketAddress()
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(descriptor, address, length) == 0 else { return CInt(-1) }
                length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                return getsockname(descriptor, address, &length)
            }
        }
        guard result == 0, let own = NetworkAddress(storage) else {
            let failure = SystemFailure(errno)
            close(descriptor)
            throw failure
        }
        return (descriptor, own)
    }

    /// On one machine that is a matter of microseconds.
    private static func connect(_ descriptor: CInt, to target: NetworkAddress) async throws {
        var (storage, length) = target.socketAddress()
        let result = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
        }
        if result == 0 { return }
        guard errno == EINPROGRESS else { throw SystemFailure(errno) }
        while true {
            var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard poll(&state, 1, 0) == 0 else { break }
            try await Task.sleep(for: connectPause)
        }
        var failure = CInt(0)
        var size = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size)
        guard failure == 0 else { throw SystemFailure(failure) }
    }
}

/// Tells the first bytes that come, and the end.
private final class FirstAnswer: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncStream<String>.Continuation

    init(_ continuation: AsyncStream<String>.Continuation) {
        self.continuation = continuation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        continuation.yield(String(decoding: unwrapInboundIn(data).readableBytesView.prefix(64), as: UTF8.self))
        continuation.finish()
    }

    func channelInactive(context: ChannelHandlerContext) {
        continuation.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
