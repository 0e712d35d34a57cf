import Accounts
import Control
import Crypto
import FoundationEssentials
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOWebSocket
import Wire

/// Who may open a phone socket.
struct PhoneAdmission: Sendable {
    let accounts: AccountStore
    let tokens: AccessTokens
    let hub: PhoneHub
    let roll: ConnectionRoll
    let limits: WebLimits
}

/// Stands between the HTTP codec and Hummingbird: takes the connection over for a phone socket (RFC 6455 §4.2), or
/// refuses and closes, and lets everything else through.
///
/// Hummingbird's handlers stay behind the socket, where they see nothing of it and wait for the connection's end.
final class UpgradeGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case http
        /// Its token is looked at; the request's end may have come meanwhile.
        case asked(HTTPRequestHead, isWhole: Bool)
        /// The head was accepted; the connection is taken over at the request's end.
        case accepted(HTTPRequestHead, Account, Session)
        /// What still comes is thrown away.
        case refused
    }

    static let path = "/api/v1/phone"
    static let subprotocol = "sipcall.v1"
    private static let handshakeSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    private static let largestFrame = PhoneSocket.largestMessage

    private let admission: PhoneAdmission
    private var state = State.http
    private var unanswered = 0

    init(admission: PhoneAdmission) {
        self.admission = admission
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (state, unwrapInboundIn(data)) {
        case (.http, .head(let head)):
            received(head, context)
        case (.http, .end):
            context.fireChannelRead(data)
        case (.http, .body):
            context.fireChannelRead(data)
        case (.asked(let head, _), .end):
            state = .asked(head, isWhole: true)
        case (.accepted(let head, let account, let session), .end):
            takeOver(head, account, session, context)
        case (.asked, _), (.accepted, _), (.refused, _):
            return
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { unanswered -= 1 }
        context.write(data, promise: promise)
    }

    private func received(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let path = head.uri.split(separator: "?", maxSplits: 1).first.map(String.init) ?? ""
        guard path == Self.path, head.headers.contains(name: "Upgrade") else {
            unanswered += 1
            var head = head
            // The parser stops after a request that asks to leave HTTP, so no other one can follow it; and
            // Hummingbird knows only this one spelling of a connection that is not kept (HTTP/1.0 has none).
            if head.headers.contains(name: "Upgrade") || head.method == .CONNECT || !head.isKeepAlive {
                head.headers.replaceOrAdd(name: "Connection", value: "close")
            }
            return context.fireChannelRead(wrapInboundOut(.head(head)))
        }
        switch verdict(head) {
        case .success(let token):
            state = .asked(head, isWhole: false)
            ask(token, head, context)
        case .failure(let refusal):
            state = .refused
            refuse(refusal, head, context)
        }
    }

    private func ask(_ token: Redacted<String>, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let tokens = admission.tokens
        context.eventLoop.makeFutureWithTask { await tokens.holder(of: token, now: .now) }.assumeIsolated()
            .whenSuccess { holder in
                guard case .asked(_, let isWhole) = self.state, context.channel.isActive else { return }
                guard let holder, holder.account.role.may(.telephone) else {
                    self.state = .refused
                    let refusal =
                        holder == nil
                        ? Refusal(.unauthorized, WebProblem.notSignedIn)
                        : Refusal(.forbidden, AccountProblem.notAllowed)
                    return self.refuse(refusal, head, context)
                }
                guard
                    self.admission.hub.admits(
                        holder.account.name.description, most: self.admission.limits.phonesOfAccount)
                else {
                    self.state = .refused
                    return self.refuse(Refusal(.serviceUnavailable, WebProblem.tooManyPhones), head, context)
                }
                self.state = .accepted(head, holder.account, holder.session)
                if isWhole { self.takeOver(head, holder.account, holder.session, context) }
            }
    }

    /// - Returns: the access token, which is still to be looked at.
    private func verdict(_ head: HTTPRequestHead) -> Result<Redacted<String>, Refusal> {
        let headers = head.headers
        guard !admission.accounts.isEmpty else { return .failure(Refusal(.conflict, ControlProblem.unclaimed)) }
        guard head.method == .GET, head.version == .http1_1, unanswered == 0,
            headers[canonicalForm: "Upgrade"].contains(where: { $0.lowercased() == "websocket" }),
            headers[canonicalForm: "Connection"].contains(where: { $0.lowercased() == "upgrade" }),
            headers["Sec-WebSocket-Version"] == ["13"], headers["Sec-WebSocket-Key"].count == 1,
            Data(base64Encoded: headers["Sec-WebSocket-Key"].first ?? "")?.count == 16
        else { return .failure(Refusal(.upgradeRequired, WebProblem.upgradeNeeded)) }
        let origins = headers["Origin"]
        guard origins.count == 1, let origin = origins.first,
            SameOrigin.holds(origin: origin, host: headers.first(name: "Host"))
        else { return .failure(Refusal(.forbidden, WebProblem.otherOrigin)) }
        let offered = headers[canonicalForm: "Sec-WebSocket-Protocol"]
        guard offered.contains(Self.subprotocol[...]),
            let token = offered.lazy.compactMap(Self.token).first
        else { return .failure(Refusal(.unauthorized, WebProblem.notSignedIn)) }
        guard admission.hub.admits(most: admission.limits.phones) else {
            return .failure(Refusal(.serviceUnavailable, WebProblem.tooManyPhones))
        }
        return .success(token)
    }

    /// A browser cannot add headers to a WebSocket's request: the token comes as a subprotocol that nobody speaks.
    private static func token(_ subprotocol: Substring) -> Redacted<String>? {
        subprotocol.hasPrefix("bearer.") ? Redacted(String(subprotocol.dropFirst("bearer.".count))) : nil
    }

    /// `?phone=` and 32 hexadecimal digits; anything else is as good as nothing.
    private static func formerIdentity(_ uri: String) -> ConnectionIdentifier? {
        guard let query = uri.split(separator: "?", maxSplits: 1).dropFirst().first, query.hasPrefix("phone=") else {
            return nil
        }
        let value = query.dropFirst("phone=".count)
        guard value.utf8.count == 32, value.allSatisfy("0123456789abcdef".contains) else { return nil }
        return ConnectionIdentifier(String(value))
    }

    private func refuse(_ refusal: Refusal, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let body = refusal.body
        var headers: HTTPHeaders = [
            "Content-Type": Refusal.contentType, "Content-Length": "\(body.count)", "Cache-Control": "no-store",
            "Connection": "close",
        ]
        if refusal.status == .upgradeRequired { headers.add(name: "Sec-WebSocket-Version", value: "13") }
        for (name, value) in SecurityHeaders.all { headers.add(name: name.rawName, value: value) }
        let status = HTTPResponseStatus(statusCode: refusal.status.code)
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    private func takeOver(
        _ head: HTTPRequestHead, _ account: Account, _ session: Session, _ context: ChannelHandlerContext
    ) {
        let key = head.headers.first(name: "Sec-WebSocket-Key") ?? ""
        let accept = Data(Insecure.SHA1.hash(data: Data((key + Self.handshakeSuffix).utf8))).base64EncodedString()
        let headers: HTTPHeaders = [
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept,
            "Sec-WebSocket-Protocol": Self.subprotocol,
        ]
        let answer = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
        context.writeAndFlush(wrapOutboundOut(.head(answer)), promise: nil)

        let pipeline = context.pipeline.syncOperations
        let socket = PhoneSocket(
            admission: admission, user: account.name.description, session: session.id,
            former: Self.formerIdentity(head.uri))
        do {
            try pipeline.addHandler(WebSocketFrameEncoder(), position: .before(self))
            try pipeline.addHandler(
                ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Self.largestFrame)), position: .before(self))
            try pipeline.addHandler(socket, position: .before(self))
            for done in [
                try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self),
                try pipeline.context(handlerType: HTTPResponseEncoder.self),
                try pipeline.context(handlerType: RequestDeadline.self), context,
            ] {
                pipeline.removeHandler(context: done, promise: nil)
            }
            admission.roll.becamePhone(context.channel)
            socket.open()
        } catch {
            context.close(promise: nil)
        }
    }
}
