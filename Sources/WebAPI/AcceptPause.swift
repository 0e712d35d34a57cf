import Glibc
import Logging
import NIOCore

/// Keeps a listener alive when a connection cannot be taken because this process, or the machine, has no descriptor or
/// memory left: it rests for a moment instead of asking again without end.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(100)
    private static let passing: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED]

    private let logger: Logger
    private var isPaused = false
    private var told = NIODeadline.uptimeNanoseconds(0)

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What concerns one connection only (it was one too many, it closed again) is over with that connection.
        guard let error = error as? IOError, Self.passing.contains(error.errnoCode) else { return }
        guard error.errnoCode != ECONNABORTED, !isPaused else { return }
        isPaused = true
        let now = NIODeadline.now()
        if now - told > .seconds(10) {
            told = now
            logger.error(
                "A connection cannot be taken: \(SystemFailure(error.errnoCode)).",
                metadata: ["code": "web.cannot-take-connection"])
        }
        let options = context.channel.syncOptions
        try? options?.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPaused = false
            try? options?.setOption(.autoRead, value: true)
        }
    }
}
