import Call
import Control
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Ledger
import Logging
import NIOCore
import NIOHTTP1
import Wire

/// What is known about a request besides itself.
struct WebContext {
    let remoteAddress: SocketAddress?
    /// It came over TLS to this process.
    let isSecure: Bool
    /// Whoever asks through the operator's socket.
    var operatingUser: Operator?
}

/// In whose name a request is done.
struct Asker {
    /// An owner of calls, or the admin.
    var user: String
    /// Who that is, for the audit log.
    var name: String
    /// nil through the operator's socket.
    var session: SessionStore.Digest?
}

/// Every address of the box, in one table.
struct WebResponder: Sendable {
    static let largestBody = 16 * 1024
    static let adminUser = "admin"

    let control: ControlClient
    let hub: PhoneHub
    let ledger: LedgerDesk?
    let sessions: SessionStore
    let gate: SignInGate
    let files: StaticFiles
    let stateDirectory: String
    let trail: AuditTrail
    /// nil where the page is served in the clear.
    let certificate: ServedCertificate?
    let challenges: ChallengeBoard
    /// Every spelling in which records may have a number.
    let spellings: @Sendable (String) -> [String]
    let logger: Logger

    private struct SignIn: Decodable {
        var password: Redacted<String>
    }

    private struct Session: Encodable {
        var user: String
    }

    /// What Hummingbird calls for each request.
    func handler(isSecure: Bool) -> HTTPChannelHandler.Responder {
        { request, writer, channel in
            try await answer(request, writer) {
                try await respond(
                    to: request, context: WebContext(remoteAddress: channel.remoteAddress, isSecure: isSecure))
            }
        }
    }

    private func answer(
        _ request: Request, _ writer: consuming ResponseWriter, with respond: () async throws -> Response
    ) async throws {
        var response: Response
        do {
            response = try await respond()
        } catch let error as HTTPParserError {
            // Hummingbird answers that itself.
            throw error
        } catch {
            logger.error(
                "a request could not be answered",
                metadata: ["code": "web.internal-error", "why": "\(type(of: error))"])
            response = Refusal(.internalServerError, WebProblem.internalError).response
        }
        response.headers[.date] = HTTPDate.now()
        do {
            try await writer.write(response: response.head, body: response.body)
        } catch is HTTPParserError {
            // An answer has begun: it must not be followed by another one.
            throw CancellationError()
        }
    }

    /// The same for the operator's socket.
    ///
    /// - Parameter mayBeAnyone: see ``Operator``.
    func operatorHandler(mayBeAnyone: Bool) -> HTTPChannelHandler.Responder {
        { request, writer, channel in
            let claim = Operator.nameHeader.flatMap { request.headers[$0] }
            let user = await PeerCredentials.of(channel).flatMap {
                Operator($0, mayBeAnyone: mayBeAnyone, claim: claim)
            }
            try await answer(request, writer) {
                guard let user else { return Refusal(.forbidden, WebProblem.notOperator).response }
                return try await respond(
                    to: request, context: WebContext(remoteAddress: nil, isSecure: false, operatingUser: user))
            }
        }
    }

    func respond(to request: Request, context: WebContext) async throws -> Response {
        var response: Response
        do {
            response = try await route(request, context)
        } catch let refusal as Refusal {
            response = refusal.response
        } catch let problem as Problem {
            logger.error(
                "a request could not be answered", metadata: ["code": "\(problem.code)", "problem": "\(problem)"])
            response = Refusal(.internalServerError, problem).response
        } catch is NIOTooManyBytesError {
            response = Refusal(.contentTooLarge, WebProblem.bodyTooLarge).response
        }
        for (name, value) in SecurityHeaders.all { response.headers[name] = value }
        if context.isSecure, certificate?.isVouchedFor == true {
            response.headers[.strictTransportSecurity] = SecurityHeaders.transportSecurity
        }
        return response
    }

    private func route(_ request: Request, _ context: WebContext) async throws -> Response {
        let path = request.uri.path
        switch (request.method, path) {
        case (.post, "/api/v1/session"): return try await signIn(request, context)
        case (.get, "/api/v1/session"): return try json(Session(user: try asker(request, context).user))
        case (.delete, "/api/v1/session"): return try await signOut(request)
        case (.get, "/api/v1/status"): return try await status(request, context)
        case (.get, "/api/v1/calls"): return try await calls(request, context)
        case (.get, "/api/v1/calls.csv"): return try await export(request, context, as: .csv)
        case (.get, "/api/v1/calls.json"): return try await export(request, context, as: .json)
        case (.get, "/api/v1/audit"): return try await audit(request, context)
        case (.get, "/api/v1/totals"): return try await totals(request, context)
        case (.get, "/api/v1/verify"): return try await verify(request, context)
        case (.post, "/api/v1/privacy/export"): return try await exportPerson(request, context)
        case (.post, "/api/v1/privacy/erase"): return try await erasePerson(request, context)
        case (_, "/api/v1/privacy/export"), (_, "/api/v1/privacy/erase"): throw methodNotAllowed("POST")
        case (.post, "/api/v1/backup"): return try await handOver(request, context)
        case (.delete, "/api/v1/backup"): return try await endHandOver(request, context)
        case (_, "/api/v1/backup"): throw methodNotAllowed("POST, DELETE")
        case (.get, "/api/v1/phone"): throw Refusal(.upgradeRequired, WebProblem.upgradeNeeded, [.upgrade: "websocket"])
        case (_, "/api/v1/session"): throw methodNotAllowed("GET, POST, DELETE")
        case (_, "/api/v1/status"), (_, "/api/v1/calls"), (_, "/api/v1/calls.csv"),
            (_, "/api/v1/calls.json"), (_, "/api/v1/audit"), (_, "/api/v1/verify"), (_, "/api/v1/totals"),
            (_, "/api/v1/phone"):
            throw methodNotAllowed("GET")
        case (_, let path) where path.hasPrefix("/api/v1/certificate"):
            return try await answerCertificate(request, context)
        case (_, let path) where path.hasPrefix("/api/"): throw Refusal(.notFound, WebProblem.notFound)
        case (.get, let path), (.head, let path): return try file(path, request)
        default: throw methodNotAllowed("GET, HEAD")
        }
    }

    // MARK: Session

    private func signIn(_ request: Request, _ context: WebContext) async throws -> Response {
        try requireOwnPage(request)
        guard let type = request.headers[.contentType]?.lowercased(), type.hasPrefix("application/json") else {
            throw Refusal(.unsupportedMediaType, WebProblem.notJSON)
        }
        let body = try await request.body.collect(upTo: Self.largestBody)
        guard let attempt = try? JSONDecoder().decode(SignIn.self, from: Data(body.readableBytesView)) else {
            throw Refusal(.badRequest, WebProblem.notJSON)
        }
        let password = sessions.password
        switch await gate.verify(attempt.password, from: source(context)) {
        case .right:
            let token = sessions.begin(user: Self.adminUser, now: .now())
            guard sessions.password == password else {
                // Set anew while this one was looked at.
                sessions.endAll(password: sessions.password)
                throw Refusal(.unauthorized, WebProblem.wrongPassword)
            }
            await sessions.keep()
            // It has served: whoever reads the disk later must not find it.
            AdminPassword.forgetNote(in: stateDirectory)
            await trail.note(.signIn, by: Self.adminUser, "from \(source(context))")
            return Response(
                status: .noContent,
                headers: [
                    .setCookie: SessionCookie.header(token, isSecure: context.isSecure), .cacheControl: "no-store",
                ])
        case .wrong:
            logger.notice("sign-in with a wrong password", metadata: ["from": "\(source(context))"])
            await trail.noteFailedSignIn(from: source(context))
            throw Refusal(.unauthorized, WebProblem.wrongPassword)
        case .refused(let retryAfter):
            throw Refusal(.tooManyRequests, WebProblem.tooManySignIns, [.retryAfter: "\(retryAfter)"])
        }
    }

    private func signOut(_ request: Request) async throws -> Response {
        try requireOwnPage(request)
        if let digest = digest(request) {
            let user = sessions.user(digest, now: .now())
            sessions.end(digest)
            await sessions.keep()
            await hub.signedOut(digest)
            if let user { await trail.note(.signOut, by: user) }
        }
        return Response(status: .noContent, headers: [.setCookie: SessionCookie.erasure, .cacheControl: "no-store"])
    }

    func asker(_ request: Request, _ context: WebContext) throws -> Asker {
        if let user = context.operatingUser { return Asker(user: Self.adminUser, name: user.name) }
        guard let digest = digest(request), let user = sessions.user(digest, now: .now()) else {
            throw Refusal(.unauthorized, WebProblem.notSignedIn)
        }
        return Asker(user: user, name: user, session: digest)
    }

    private func digest(_ request: Request) -> SessionStore.Digest? {
        SessionCookie.digest(in: request.headers[values: .cookie])
    }

    /// A browser names the origin whenever a page changes something; other programs need not.
    func requireOwnPage(_ request: Request) throws {
        guard let origin = request.headers[.origin] else { return }
        guard SameOrigin.holds(origin: origin, host: request.head.authority) else {
            throw Refusal(.forbidden, WebProblem.otherOrigin)
        }
    }

    private func source(_ context: WebContext) -> String {
        guard let text = context.remoteAddress?.ipAddress, let host = NetworkAddress.Host(text) else {
            return "unknown"
        }
        let source = NetworkAddress(host: host, port: 0).source
        return if case .ipv6 = source { "\(source)/64" } else { "\(source)" }
    }

    // MARK: The rest

    private func status(_ request: Request, _ context: WebContext) async throws -> Response {
        _ = try asker(request, context)
        do throws(Problem) {
            guard case .status(let status) = try await control.send(.status) else { throw WebProblem.unexpectedReply }
            return try json(status)
        } catch {
            throw Refusal(.serviceUnavailable, error)
        }
    }

    /// The owner sees every call, anybody else their own.
    private func calls(_ request: Request, _ context: WebContext) async throws -> Response {
        let asker = try asker(request, context)
        guard let ledger else { throw Refusal(.notFound, WebProblem.notFound) }
        var query = try CallQuery(request.uri)
        if asker.user != Self.adminUser { query.user = CallOwner(asker.user) }
        let page: CallPage
        do throws(Problem) {
            page = try await ledger.page(query, for: asker.session?.base64EncodedString() ?? asker.name)
        } catch {
            throw Refusal(error == LedgerProblem.busy ? .tooManyRequests : .serviceUnavailable, error)
        }
        var core: BoxStatus?
        if page.calls.contains(where: { $0.outcome == .unfinished }),
            case .status(let status) = try? await control.send(.status)
        {
            core = status
        }
        return try json(CallListing(page, core: core))
    }

    private func file(_ path: String, _ request: Request) throws -> Response {
        guard let file = files[path] else { throw Refusal(.notFound, WebProblem.notFound) }
        var headers: HTTPFields = [.eTag: file.entityTag, .cacheControl: "no-cache"]
        let known = request.headers[.ifNoneMatch]?.split(separator: ",").map { $0.filter { $0 != " " } } ?? []
        if known.contains(where: { $0 == "*" || $0 == file.entityTag || $0 == "W/" + file.entityTag }) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = file.contentType
        guard request.method == .get else {
            headers[.contentLength] = "\(file.bytes.readableBytes)"
            return Response(status: .ok, headers: headers)
        }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: file.bytes))
    }

    func methodNotAllowed(_ allowed: String) -> Refusal {
        Refusal(.methodNotAllowed, WebProblem.methodNotAllowed, [.allow: allowed])
    }

    func json(_ value: some Encodable) throws(Problem) -> Response {
        guard let data = try? JSONEncoder().encode(value) else { throw WebProblem.internalError }
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }
}
