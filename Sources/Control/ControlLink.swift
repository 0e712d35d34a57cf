import Logging
import NIOCore

/// One connection of the client: greets, hands what comes to the desk, and closes on anything unexpected.
final class ControlLink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long the core may take for its snapshot.
    private static let snapshotWithin = TimeAmount.seconds(5)

    private let desk: ControlDesk
    private let logger: Logger
    private let coder = ControlCoder()
    private var frames = NIOSingleStepByteToMessageProcessor(
        ControlFrameDecoder(), maximumBufferSize: 2 * ControlFraming.largestFrame)
    private var deadline: Scheduled<Void>?
    private var isOpen = false

    init(desk: ControlDesk, logger: Logger) {
        self.desk = desk
        self.logger = logger
    }

    func channelActive(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: Self.snapshotWithin) {
            if !self.isOpen { context.close(promise: nil) }
        }
        if let hello = try? coder.frame(ControlRequest.hello(client: desk.client, watches: desk.watches)) {
            context.writeAndFlush(wrapOutboundOut(hello), promise: nil)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do {
            try frames.process(buffer: unwrapInboundIn(data)) { try received($0, context: context) }
        } catch {
            logger.error(
                "control socket: the core does not speak the protocol",
                metadata: ["code": "control.not-understood", "why": "\(error)"])
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func received(_ frame: ByteBuffer, context: ChannelHandlerContext) throws {
        switch try coder.message(ControlResponse.self, in: frame) {
        case .snapshot(let epoch, _, let snapshot):
            guard !isOpen else { throw ControlFrameError.order }
            isOpen = true
            deadline?.cancel()
            logger.info("control socket: connected to the core")
            if !desk.opened(context.channel, epoch: epoch, snapshot: snapshot) { context.close(promise: nil) }
        case .event(_, let event):
            guard isOpen else { throw ControlFrameError.order }
            if !desk.heard(event) { context.close(promise: nil) }
        case .reply(let id, let reply):
            desk.replied(reply, to: id)
        }
    }
}
