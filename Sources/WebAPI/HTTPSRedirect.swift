import HTTPTypes
import NIOCore
import NIOHTTP1
import Wire

/// Sends every request on to the same place over TLS (RFC 9110 §15.4.9), and serves nothing itself but the answers to an ACME
/// server's challenges.
final class HTTPSRedirect: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Of the listener for https; nil when another program has it, which nobody should be sent to.
    private let port: UInt16?
    private let challenges: ChallengeBoard
    private var isAnswered = false

    init(to port: UInt16?, challenges: ChallengeBoard) {
        (self.port, self.challenges) = (port, challenges)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let head) = unwrapInboundIn(data), !isAnswered else { return }
        isAnswered = true
        var headers: HTTPHeaders = ["Connection": "close", "Cache-Control": "no-store"]
        var body: [UInt8] = []
        let status: HTTPResponseStatus
        if head.method == .GET || head.method == .HEAD, let answer = challenges.answer(to: head.uri) {
            status = .ok
            body = Array(answer.utf8)
            headers.add(name: "Content-Type", value: "application/octet-stream")
        } else if let port {
            status = .permanentRedirect
            let own = context.localAddress.flatMap(NetworkAddress.init(peer:))?.host
            headers.add(
                name: "Location",
                value: Self.location(host: head.headers.first(name: "Host"), uri: head.uri, own: own, port: port))
        } else {
            let refusal = Refusal(.serviceUnavailable, WebProblem.noHTTPS)
            status = .serviceUnavailable
            body = refusal.body
            headers.add(name: "Content-Type", value: Refusal.contentType)
        }
        headers.add(name: "Content-Length", value: "\(body.count)")
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
        if head.method != .HEAD, !body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent || event as? ChannelEvent == .inputClosed {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// The host is the one that the browser asked for, if it is one at all: whoever can forge it could as well send the
    /// browser elsewhere directly. The path begins at this host's root, whatever it looks like.
    static func location(host: String?, uri: String, own: NetworkAddress.Host?, port: UInt16) -> String {
        let name = host.flatMap(hostName) ?? own.map(text) ?? "localhost"
        let isPath =
            uri.hasPrefix("/") && uri.utf8.count <= 4096 && uri.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        return "https://\(name)\(port == 443 ? "" : ":\(port)")\(isPath ? uri : "/")"
    }

    /// - Returns: without the port; nil for anything but a name or an address.
    private static func hostName(_ field: String) -> String? {
        var name = field[...]
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("]"),
            name[name.index(after: colon)...].utf8.allSatisfy({ (0x30...0x39).contains($0) })
        {
            name = name[..<colon]
        }
        if name.hasPrefix("[") || NetworkAddress.Host(String(name)) != nil {
            guard name.hasPrefix("[") == name.contains(":") else { return nil }
            return NetworkAddress.Host(String(name)).map(text)
        }
        return MachineAddresses.isHostName(name) ? name.lowercased() : nil
    }

    private static func text(_ host: NetworkAddress.Host) -> String {
        if case .ipv6 = host { "[\(host)]" } else { "\(host)" }
    }
}
