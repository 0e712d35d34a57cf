import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A connection from a browser: Hummingbird's HTTP/1.1, with a deadline for each step and a gate to the phone socket.
struct PhoneChannel: ServerChildChannel {
    private let http: HTTP1Channel
    private let admission: PhoneAdmission
    private let limits: WebLimits

    init(responder: @escaping HTTPChannelHandler.Responder, admission: PhoneAdmission, limits: WebLimits) {
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: 8 * 1024, maxHeaderListSize: 16 * 1024, maxHeaderFieldCount: 100)
        http = HTTP1Channel(responder: responder, configuration: .init(httpDecoderConfiguration: decoder))
        self.admission = admission
        self.limits = limits
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            // Encoder and decoder come first, in this order; the two see HTTP parts when they follow directly.
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(UpgradeGate(admission: admission), position: .after(decoder))
            try pipeline.addHandler(RequestDeadline(limits: limits), position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await http.handle(value: value, logger: logger)
    }

    /// Makes the connection's pipeline and serves it until it is closed.
    func serve(_ channel: any Channel, logger: Logger) -> EventLoopFuture<Void> {
        setup(channel: channel, logger: logger).map { value in
            // Nobody waits for it: the connection's end is what counts, and the roll knows that.
            Task { await handle(value: value, logger: logger) }
        }
    }
}

/// How long a browser may take, and how much it may hold.
package struct WebLimits: Sendable {
    /// From the connection to the end of the first request's header, the TLS handshake included.
    package var firstHeader = Duration.seconds(10)
    /// From there to the end of its body, and from there to the end of the answer.
    package var body = Duration.seconds(15)
    package var answer = Duration.seconds(60)
    /// From an answer to the end of the next request's header.
    package var idle = Duration.seconds(30)
    /// Between two pings on the phone socket; a page that is silent for two of them is lost.
    package var ping = Duration.seconds(20)
    /// Phone sockets aside: in all, and for one IPv4 address or one IPv6 /64. A browser opens up to six.
    package var connections = 512
    package var connectionsOfSource = 96
    package var phones = 256
    /// Of one account: somebody with a great many pages must leave room for the others.
    package var phonesOfAccount = 64

    package init() {}
}
