import NIOCore

/// One accepted connection: bytes in, frames out; what they mean is the hub's affair.
///
///     connected ──hello──▶ waiting for the snapshot ──snapshot──▶ open
///         └── 5 s ──▶ closed        (events are kept)
final class ControlSession: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case connected(deadline: Scheduled<Void>?)
        case waiting(client: String, events: [ByteBuffer])
        case open(client: String)
        case closed
    }

    private static let helloWithin = TimeAmount.seconds(5)
    private static let mostEventsKept = 10_000

    private let hub: ControlHub
    private var state = State.connected(deadline: nil)
    private var frames = NIOSingleStepByteToMessageProcessor(
        ControlFrameDecoder(), maximumBufferSize: 2 * ControlFraming.largestFrame)
    private let coder = ControlCoder()
    private var context: ChannelHandlerContext?
    private var isFlushing = false
    /// Whether the events of the box are wanted.
    private(set) var watches = true

    /// Whether it came over the web process's own socket.
    let isWebs: Bool

    init(hub: ControlHub, isWebs: Bool) {
        self.hub = hub
        self.isWebs = isWebs
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        guard hub.admits else {
            state = .closed
            context.close(promise: nil)
            return
        }
        hub.opened(self)
        let deadline = context.eventLoop.assumeIsolated().scheduleTask(in: Self.helloWithin) {
            if case .connected = self.state { self.close() }
        }
        state = .connected(deadline: deadline)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .closed = state { return }
        do {
            try frames.process(buffer: unwrapInboundIn(data)) { try received($0) }
        } catch {
            hub.refused(error)
            close()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close()
    }

    /// A slow reader is cut off instead of letting what it did not read grow without end.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if !context.channel.isWritable { close() }
        context.fireChannelWritabilityChanged()
    }

    private func received(_ frame: ByteBuffer) throws {
        let request = try coder.message(ControlRequest.self, in: frame)
        switch (state, request) {
        case (.connected(let deadline), .hello(let client, let watches))
        where (1...64).contains(client.utf8.count):
            deadline?.cancel()
            self.watches = watches ?? true
            state = .waiting(client: client, events: [])
            hub.greeted(self, client: client)
        case (.waiting(let client, _), .command(let id, let command)),
            (.open(let client), .command(let id, let command)):
            hub.received(command, id: id, from: client, over: self)
        case (.closed, _):
            return
        default:
            throw ControlFrameError.order
        }
    }

    /// The snapshot is the first frame, whatever was published while it was made.
    func begin(_ snapshot: ByteBuffer) {
        guard case .waiting(let client, let events) = state else { return }
        state = .open(client: client)
        write(snapshot)
        for event in events { write(event) }
        context?.flush()
    }

    func publish(_ event: ByteBuffer) {
        switch state {
        case .waiting(let client, var events):
            guard events.count < Self.mostEventsKept else { return close() }
            events.append(event)
            state = .waiting(client: client, events: events)
        case .open:
            write(event)
            flush()
        case .connected, .closed:
            return
        }
    }

    func reply(_ frame: ByteBuffer) {
        switch state {
        case .waiting, .open:
            write(frame)
            flush()
        case .connected, .closed:
            return
        }
    }

    func close() {
        ended()
        context?.flush()
        context?.close(promise: nil)
    }

    private func write(_ frame: ByteBuffer) {
        context?.write(wrapOutboundOut(frame), promise: nil)
    }

    /// Once for all that is written in one turn of the loop: each flush is a call of the kernel and wakes the reader.
    private func flush() {
        guard !isFlushing, let context else { return }
        isFlushing = true
        context.eventLoop.assumeIsolated().execute {
            self.isFlushing = false
            self.context?.flush()
        }
    }

    private func ended() {
        switch state {
        case .connected(let deadline):
            deadline?.cancel()
            hub.closed(self, client: nil)
        case .waiting(let client, _), .open(let client):
            hub.closed(self, client: client)
        case .closed:
            return
        }
        state = .closed
    }
}
