// A release build finds the kinds of sockets only there.
import CLinux
import Glibc
import NIOCore
import NIOPosix
import SIPMessage
import Synchronization
import Wire

/// A way into the transport for our own probe alone: a pair of connected Unix sockets, one end of which is read on the
/// loop of the sockets for SIP.
///
/// Not a UDP socket on the loopback interface: a firewall that forgot `lo` would have a healthy box killed again and again,
/// and any program of the machine could send to it.
final class PrivateLine: Sendable {
    /// Stands for our own end: no datagram can come from there (RFC 1122 §3.2.1.3), nor is anything ever sent there.
    static let address = NetworkAddress(host: .ipv4(0), port: 1)

    private struct Probe {
        var branch: String
        var answered: @Sendable () -> Void
    }

    private struct State {
        var waiting: Probe?
        var isClosed = false
    }

    private let ownEnd: CInt
    private let channel: any Channel
    private let state = Mutex(State())

    private init(ownEnd: CInt, channel: any Channel) {
        self.ownEnd = ownEnd
        self.channel = channel
    }

    deinit {
        Glibc.close(ownEnd)
    }

    static func open(
        on loop: any EventLoop, continuation: AsyncStream<SIPTransport.Input>.Continuation, counts: SharedCounts
    ) async throws -> PrivateLine {
        var ends: [CInt] = [-1, -1]
        // Each message is read as one, as a datagram is, and the end of the other side is noticed.
        let kind = CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0, let (own, other) = pair(ends) else {
            throw IOError(errnoCode: errno, reason: "socketpair")
        }
        do {
            let channel = try await NIOPipeBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            PrivateLineHandler(continuation: continuation, counts: counts))
                    }
                }
                .takingOwnershipOfDescriptor(input: other).get()
            return PrivateLine(ownEnd: own, channel: channel)
        } catch {
            Glibc.close(own)
            throw error
        }
    }

    private static func pair(_ ends: [CInt]) -> (CInt, CInt)? {
        ends.count == 2 ? (ends[0], ends[1]) : nil
    }

    func probe(_ answered: @escaping @Sendable () -> Void) {
        var generator = SystemRandomNumberGenerator()
        let branch = Via.magicCookie + hexadecimal(bytes: 12, using: &generator)
        let isClosed = state.withLock { state in
            if !state.isClosed { state.waiting = Probe(branch: branch, answered: answered) }
            return state.isClosed
        }
        if isClosed { return answered() }
        let own = SIPURI(user: "watchdog", address: Self.address)
        let request = SIPRequest(
            .options, own, via: Via(sentBy: Self.address, branch: branch),
            from: NameAddress(own, tag: hexadecimal(bytes: 8, using: &generator)), to: NameAddress(own),
            callID: hexadecimal(bytes: 16, using: &generator), cseq: 1)
        let bytes = request.serialized()
        // The line holds hundreds. A refusal means that nobody reads it, which is what the missing answer says.
        _ = bytes.withUnsafeBytes { Glibc.send(ownEnd, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL)) }
    }

    /// What the switchboard sent to ``address``.
    func answered(_ bytes: [UInt8]) {
        guard let response = try? SIPMessage.parse(bytes).response, response.status == 200,
            let branch = response.headers.topVia?.transactionBranch
        else { return }
        let probe = state.withLock { state -> Probe? in
            guard let waiting = state.waiting, waiting.branch == branch else { return nil }
            state.waiting = nil
            return waiting
        }
        probe?.answered()
    }

    func close() async {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.answered()
        try? await channel.close().get()
    }
}

/// Past the limits for strangers: a probe that a flood drops would have a busy box killed.
private final class PrivateLineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncStream<SIPTransport.Input>.Continuation
    private let counts: SharedCounts

    init(continuation: AsyncStream<SIPTransport.Input>.Continuation, counts: SharedCounts) {
        self.continuation = continuation
        self.counts = counts
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        guard let message = try? bytes.withUnsafeReadableBytes({ try SIPMessage.parse($0) }) else { return }
        counts.report(.message(message, from: SIPPeer(PrivateLine.address)), to: continuation)
    }
}
