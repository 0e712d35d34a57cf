import Accounts
import Control
import FoundationEssentials
import NIOCore
import NIOWebSocket
import Synchronization
import Wire

/// One phone socket on its event loop (RFC 6455): frames in, whole text messages out to the hub, pings, close codes.
///
///     open ──close frame──▶ closing (echo sent) ──▶ closed, departure by the page's code
///       ├──our refusal──▶ closing (code sent, 2 s for the echo) ──▶ closed
///       └──connection lost, two pings unanswered──▶ closed
final class PhoneSocket: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// Bytes of one message, however many frames carry it.
    static let largestMessage = 64 * 1024
    /// Bytes that a page may leave unread, and messages that it may send ahead of their handling.
    private static let unreadBytes = 512 * 1024
    private static let unhandledMessages = 64
    private static let closingWithin = TimeAmount.seconds(2)

    private enum State {
        case open
        case closing
        case closed
    }

    private let admission: PhoneAdmission
    private let user: String
    private let session: Session.ID
    private let former: ConnectionIdentifier?
    private let messages: AsyncStream<String>.Continuation
    private let stream: AsyncStream<String>
    private let farewell = PhoneFarewell()
    private var state = State.open
    private var context: ChannelHandlerContext?
    /// What has come of a message in fragments.
    private var fragments: ByteBuffer?
    private var ping: Scheduled<Void>?
    private var isAlive = true

    /// - Parameter former: the identity that the page says it had.
    init(
        admission: PhoneAdmission, user: String, session: Session.ID, former: ConnectionIdentifier? = nil
    ) {
        self.former = former
        self.admission = admission
        self.user = user
        self.session = session
        (stream, messages) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingOldest(Self.unhandledMessages))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        ended()
        self.context = nil
    }

    /// Called once the pipeline is whole.
    func open() {
        guard let context else { return }
        try? context.channel.syncOptions?.setOption(
            .writeBufferWaterMark, value: .init(low: Self.unreadBytes / 2, high: Self.unreadBytes))
        schedulePing()
        let line = PhoneLine(
            socket: NIOLoopBound(self, eventLoop: context.eventLoop), loop: context.eventLoop, session: session,
            messages: stream, farewell: farewell)
        let hub = admission.hub
        let user = user
        let former = former
        Task { await hub.serve(line, user: user, former: former) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        isAlive = true
        guard frame.maskKey != nil, !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return fail(.protocolError) }
        let payload = frame.unmaskedData
        switch frame.opcode {
        case .text:
            guard fragments == nil else { return fail(.protocolError) }
            received(payload, isWhole: frame.fin)
        case .continuation:
            guard var whole = fragments else { return fail(.protocolError) }
            guard whole.readableBytes + payload.readableBytes <= Self.largestMessage else {
                return fail(.messageTooLarge)
            }
            whole.writeImmutableBuffer(payload)
            fragments = nil
            received(whole, isWhole: frame.fin)
        case .binary:
            fail(.unacceptableData)
        case .ping:
            if case .open = state { write(WebSocketFrame(fin: true, opcode: .pong, data: payload)) }
        case .pong:
            break
        case .connectionClose:
            closed(by: payload)
        default:
            fail(.protocolError)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // A page that does not read is lost: it gets everything anew when it connects again.
        if !context.channel.isWritable { drop() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: drop()
        case is ChannelShouldQuiesceEvent: close(.goingAway)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength: fail(.messageTooLarge)
        case is NIOWebSocketError: fail(.protocolError)
        default: drop()
        }
    }

    // MARK: What the hub asks for

    func send(_ text: String) {
        guard case .open = state else { return }
        write(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text)))
    }

    /// Says goodbye and gives the page 2 s to do the same.
    func close(_ code: WebSocketErrorCode) {
        guard case .open = state, let context else { return }
        state = .closing
        messages.finish()
        var payload = ByteBuffer()
        payload.write(webSocketErrorCode: code)
        write(WebSocketFrame(fin: true, opcode: .connectionClose, data: payload))
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.closingWithin) { self.drop() }
    }

    // MARK: Inside

    private func received(_ bytes: ByteBuffer, isWhole: Bool) {
        guard case .open = state else { return }
        guard isWhole else {
            fragments = bytes
            return
        }
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self) else {
            return fail(.dataInconsistentWithMessage)
        }
        if case .dropped = messages.yield(text) { fail(.policyViolation) }
    }

    private func closed(by payload: ByteBuffer) {
        var payload = payload
        let code = payload.readWebSocketErrorCode()
        if case .open = state {
            farewell.departure =
                switch code {
                case .normalClosure: .signedOff
                case .goingAway: .closed
                default: .lost
                }
            state = .closing
            var echo = ByteBuffer()
            if let code { echo.write(webSocketErrorCode: code) }
            write(WebSocketFrame(fin: true, opcode: .connectionClose, data: echo))
        }
        drop()
    }

    private func schedulePing() {
        let interval = TimeAmount.nanoseconds(admission.limits.ping.nanoseconds)
        ping = context?.eventLoop.assumeIsolated().scheduleTask(in: interval) { self.pingDue() }
    }

    private func pingDue() {
        guard case .open = state else { return }
        guard isAlive else { return drop() }
        guard let (account, _) = admission.accounts.holder(of: session, now: .now), account.role.may(.telephone) else {
            // As if signed off: its calls have nobody any more who may go on with them.
            farewell.departure = .signedOff
            return close(.policyViolation)
        }
        isAlive = false
        write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()))
        schedulePing()
    }

    private func fail(_ code: WebSocketErrorCode) {
        close(code)
    }

    private func drop() {
        guard let context else { return }
        ended()
        context.close(promise: nil)
    }

    private func write(_ frame: WebSocketFrame) {
        context?.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    private func ended() {
        if case .closed = state { return }
        state = .closed
        ping?.cancel()
        messages.finish()
    }
}

/// How a socket ended, known once its messages have ended.
final class PhoneFarewell: Sendable {
    private let said = Mutex(PhoneDeparture.lost)

    /// As the page said: 1000 when it signs off, 1001 when it is closed or loaded anew (RFC 6455 §7.4.1).
    var departure: PhoneDeparture {
        get { said.withLock { $0 } }
        set { said.withLock { $0 = newValue } }
    }
}

/// A phone socket as the hub holds it.
struct PhoneLine: Sendable {
    let socket: NIOLoopBound<PhoneSocket>
    let loop: any EventLoop
    let session: Session.ID
    /// Whole messages; ends with the socket.
    let messages: AsyncStream<String>
    let farewell: PhoneFarewell

    /// The page has to come as a new one.
    static let identityRefused = WebSocketErrorCode(codeNumber: 4403)

    func send(_ text: String) {
        loop.execute { socket.value.send(text) }
    }

    func close(_ code: WebSocketErrorCode) {
        loop.execute { socket.value.close(code) }
    }
}
