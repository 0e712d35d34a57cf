import NIOCore
import NIOHTTP1
import Wire

/// Ends a connection whose peer takes too long for a step: one timer, set again at each step.
///
///     connected ─header─▶ head ─body─▶ end ─answer─▶ answered ─idle─▶ head …
final class RequestDeadline: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: WebLimits
    private var timer: Scheduled<Void>?
    private var unanswered = 0

    init(limits: WebLimits) {
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        start(limits.firstHeader, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            unanswered += 1
            start(limits.body, context)
        case .body: break
        case .end: start(limits.answer, context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            unanswered -= 1
            start(unanswered > 0 ? limits.answer : limits.idle, context)
        }
        context.write(data, promise: promise)
    }

    private func start(_ limit: Duration, _ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(limit.nanoseconds)) {
            context.close(promise: nil)
        }
    }
}
