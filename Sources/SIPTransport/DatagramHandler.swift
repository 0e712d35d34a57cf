import NIOCore
import SIPMessage
import Synchronization
import Wire

/// Counters that the sockets' event loops and the reader share.
final class SharedCounts: Sendable {
    let received = Atomic(0)
    let malformed = Atomic(0)
    let overflowed = Atomic(0)
    /// Inputs that the reader has not taken yet.
    let waiting = Atomic(0)
    /// Who is a provider.
    let trusted = Mutex(TrustedSources())

    func taken() {
        waiting.subtract(1, ordering: .relaxed)
    }

    func hasRoom(upTo limit: Int = SIPTransport.inputLimit) -> Bool {
        waiting.load(ordering: .relaxed) < limit
    }

    /// Hands the reader an input that it will count with ``taken()``.
    func report(_ input: SIPTransport.Input, to continuation: AsyncStream<SIPTransport.Input>.Continuation) {
        waiting.add(1, ordering: .relaxed)
        continuation.yield(input)
    }

    var snapshot: SIPTransport.Counters {
        SIPTransport.Counters(
            received: received.load(ordering: .relaxed), malformed: malformed.load(ordering: .relaxed),
            overflowed: overflowed.load(ordering: .relaxed))
    }
}

/// Turns datagrams into messages and socket errors into ``SIPTransport/Input/unreachable(_:)``.
final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let peer: NetworkAddress?
    private let continuation: AsyncStream<SIPTransport.Input>.Continuation
    private let counts: SharedCounts
    /// Refusals of what cannot be read: a provider's address can be forged.
    private var refusals = LineLimit(burst: 20, interval: .milliseconds(50))

    /// - Parameter peer: whom the socket is connected to, if it is.
    init(peer: NetworkAddress?, continuation: AsyncStream<SIPTransport.Input>.Continuation, counts: SharedCounts) {
        self.peer = peer
        self.continuation = continuation
        self.counts = counts
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        counts.received.add(1, ordering: .relaxed)
        // Keep-alives (RFC 5626 §3.5.1: CRLF CRLF, or anything this short) carry nothing.
        guard envelope.data.readableBytes > 4, let source = NetworkAddress(envelope.remoteAddress) else { return }
        // A flood of strangers leaves room for the provider, who has a socket of his own.
        let limit = peer == nil ? SIPTransport.inputLimit / 2 : SIPTransport.inputLimit
        guard counts.hasRoom(upTo: limit) else {
            counts.overflowed.add(1, ordering: .relaxed)
            return
        }
        do {
            let message = try envelope.data.withUnsafeReadableBytes { try SIPMessage.parse($0) }
            counts.report(.message(message, from: SIPPeer(source)), to: continuation)
        } catch let error as SIPParseError {
            counts.malformed.add(1, ordering: .relaxed)
            refuse(envelope.data, error, from: source, on: context.channel)
        } catch {
            counts.malformed.add(1, ordering: .relaxed)
        }
    }

    /// Tells a provider that its request cannot be read (RFC 3261 §18.3: 400), or it would repeat it for 32 s and report a
    /// silent box. Strangers hear nothing: no answer of ours goes where a forged address points.
    private func refuse(
        _ data: ByteBuffer, _ error: SIPParseError, from source: NetworkAddress, on channel: any Channel
    ) {
        guard counts.trusted.withLock({ $0.contains(source.host) }), refusals.admits(at: .now()) != nil,
            let refusal = SIPResponse.refusal(
                of: Array(data.readableBytesView), because: error, from: source, toTag: "refused")
        else { return }
        var port = source.port
        if let via = refusal.headers.topVia, !via.wantsSourcePort { port = via.port ?? 5060 }
        _ = channel.sendDatagram(refusal.serialized(), to: NetworkAddress(host: source.host, port: port))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let peer, let error = error as? IOError, unreachableErrors.contains(error.errnoCode) else { return }
        guard counts.hasRoom() else { return }
        counts.report(.unreachable(SIPPeer(peer), nil), to: continuation)
    }
}
