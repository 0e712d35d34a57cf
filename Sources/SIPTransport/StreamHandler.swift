import NIOCore
import NIOSSL
import NIOTLS
import SIPMessage
import Wire

/// One TCP or TLS connection: from its bytes to messages and back, and its end.
///
/// ```
///  socket ─▶ (TLS) ─▶ StreamHandler ─▶ StreamFramer ─▶ SIPMessage.parse ─▶ Input
///  socket ◀─ (TLS) ◀─ StreamHandler ◀─ Streams.send
/// ```
final class StreamHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let number: Int
    let peer: SIPPeer
    let isInbound: Bool
    private let streams: Streams
    private let limits: StreamLimits
    private var context: ChannelHandlerContext?
    private var framer = StreamFramer()
    private var deadlines: StreamDeadlines
    private var alarm: (at: MonotonicTime, task: Scheduled<Void>)?
    private(set) var isOpen = false
    /// Nothing that comes is looked at any more.
    private var isRefused = false
    private var mistakes = 0
    /// Requests that had no final response yet.
    private var unanswered = 0
    private var isHalfClosed = false
    /// Reading waits because the switchboard is behind.
    private var isHeld = false
    private var wantsToRead = false
    /// Why it ended, if that is worth telling.
    private(set) var problem: Problem?

    init(number: Int, peer: SIPPeer, isInbound: Bool, isTrusted: Bool, streams: Streams) {
        self.number = number
        self.peer = peer
        self.isInbound = isInbound
        self.streams = streams
        limits = streams.limits
        deadlines = StreamDeadlines(limits, isInbound: isInbound, isTrusted: isTrusted)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        if peer.transport == .tls {
            deadlines.connected(now: .now())
            setAlarm()
        } else {
            opened()
        }
        context.fireChannelActive()
    }

    private func opened() {
        isOpen = true
        deadlines.opened(now: .now(), jitter: Self.jitter)
        setAlarm()
        streams.opened(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        alarm?.task.cancel()
        alarm = nil
        isRefused = true
        streams.closed(self)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted: handshakeCompleted(context)
        case ChannelEvent.inputClosed: halfClosed()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func handshakeCompleted(_ context: ChannelHandlerContext) {
        if !isInbound {
            let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
            guard let name = peer.name, let certificate, CertificateNames(certificate).include(name) else {
                problem = TLSProblem.wrongName
                return close()
            }
        }
        opened()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isOpen, peer.transport == .tls, problem == nil, error is NIOSSLError || error is BoringSSLError {
            let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
            problem = TLSProblem.handshakeFailed(error, certificate: certificate)
        }
        close()
    }

    func close() {
        isRefused = true
        context?.close(promise: nil)
    }

    private static var jitter: Double { .random(in: 0.8...1) }
}

// MARK: - Bytes that come

extension StreamHandler {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        framer.append(unwrapInboundIn(data).readableBytesView)
        deliver()
    }

    /// Reading waits while the switchboard is behind; the kernel then makes the sender wait.
    func read(context: ChannelHandlerContext) {
        if isHeld { wantsToRead = true } else { context.read() }
    }

    /// Hands on what is complete, as much as the switchboard has room for.
    private func deliver() {
        var completed = false
        var pongs = false
        var pings = 0
        do throws(StreamFramer.Failure) {
            while !isRefused {
                // A flood of strangers leaves room for the provider.
                guard streams.hasRoom(forTrusted: deadlines.isTrusted || !isInbound) else {
                    hold()
                    break
                }
                guard let element = try framer.next() else { break }
                switch element {
                case .pong: pongs = true
                case .ping: pings += 1
                case .message(let bytes):
                    completed = true
                    take(bytes)
                }
            }
        } catch {
            refuse(error)
        }
        guard !isRefused else { return }
        deadlines.received(
            isInsideMessage: framer.isInsideMessage && !isHeld, completed: completed, pongs: pongs, now: .now())
        setAlarm()
        if completed { streams.spoke(self) }
        if pings > 0 { send([UInt8](repeating: 0, count: pings).flatMap { _ in [0x0d, 0x0a] as [UInt8] }) }
    }

    private func take(_ bytes: [UInt8]) {
        do throws(SIPParseError) {
            let message = try SIPMessage.parse(bytes)
            if let request = message.request, request.method != .ack { unanswered += 1 }
            streams.report(message, from: peer)
        } catch {
            // Its end is known, so that the stream can be read on.
            streams.reportMalformed()
            answer(bytes, error)
            mistakes += 1
            if mistakes >= limits.mistakes { linger(for: .seconds(1)) }
        }
    }

    private func refuse(_ failure: StreamFramer.Failure) {
        streams.reportMalformed()
        answer(failure.head, failure.error)
        guard unanswered > 0, isInbound else { return linger(for: .seconds(1)) }
        // What came before it could be read, and its answer is under way.
        isRefused = true
        isHalfClosed = true
        framer = StreamFramer()
        deadlines.lingers(for: limits.lingering, now: .now())
        setAlarm()
    }

    private func answer(_ bytes: [UInt8], _ error: SIPParseError) {
        let refusal = SIPResponse.refusal(of: bytes, because: error, from: peer.address, toTag: "refused")
        guard let refusal else { return }
        // It is the answer to this request, not to one that the switchboard has.
        unanswered += 1
        send(refusal.serialized())
    }

    /// Reads nothing more, and closes when the answer had time to arrive: closing at once, with bytes unread, would
    /// make the kernel throw it away.
    private func linger(for duration: Duration) {
        isRefused = true
        framer = StreamFramer()
        if peer.transport == .tcp { context?.close(mode: .output, promise: nil) }
        deadlines.lingers(for: duration, now: .now())
        setAlarm()
    }

    private func halfClosed() {
        guard isOpen, !framer.isInsideMessage, unanswered > 0, isInbound, !isRefused else { return close() }
        // They have no more to ask, but wait for an answer.
        isHalfClosed = true
        deadlines.lingers(for: limits.lingering, now: .now())
        setAlarm()
    }

    private func hold() {
        guard !isHeld, let context else { return }
        isHeld = true
        context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(20)) {
            self.isHeld = false
            guard !self.isRefused else { return }
            self.deliver()
            if !self.isHeld, self.wantsToRead {
                self.wantsToRead = false
                self.context?.read()
            }
        }
    }
}

// MARK: - Bytes that go, and time

extension StreamHandler {
    func send(_ bytes: [UInt8]) {
        guard let context else { return }
        // What was said before is not taken: the peer is stuck, or wants us to be.
        guard context.channel.isWritable else { return close() }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
        guard unanswered > 0, bytes.starts(with: "SIP/2.0 ".utf8), bytes.count > 8, bytes[8] != UInt8(ascii: "1") else {
            return
        }
        unanswered -= 1
        if isHalfClosed, unanswered == 0 { linger(for: .seconds(1)) }
    }

    private func setAlarm() {
        guard let context, let next = deadlines.next else { return }
        if let alarm, alarm.at <= next { return }
        alarm?.task.cancel()
        let delay = max(.zero, next - .now())
        let task = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(delay.nanoseconds)) {
            self.alarm = nil
            self.timeHasCome()
        }
        alarm = (next, task)
    }

    private func timeHasCome() {
        let now = MonotonicTime.now()
        while let due = deadlines.popDue(at: now) {
            switch due {
            case .ping:
                send([0x0d, 0x0a, 0x0d, 0x0a])
                framer.sentPing()
                deadlines.pinged(now: now, jitter: Self.jitter)
            case .handshake:
                problem = TLSProblem.handshake
                return close()
            case .message, .idle, .pong, .lingering: return close()
            }
        }
        setAlarm()
    }
}
