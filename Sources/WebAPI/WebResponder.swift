import Accounts
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

/// What answers requests: who asks, the routes of ``routes``, and the page's files.
struct WebResponder: Sendable {
    let control: ControlClient
    let hub: PhoneHub
    let ledger: LedgerDesk?
    let settings: SettingsDesk?
    let accounts: AccountStore
    let tokens: AccessTokens
    let sessions: SessionDesk
    let people: PeopleDesk
    let ownAccount: OwnAccountDesk
    let claim: ClaimDesk
    let files: StaticFiles
    let stateDirectory: String
    let trail: AuditTrail
    /// nil where the page is served in the clear.
    let certificate: ServedCertificate?
    let challenges: ChallengeBoard
    /// Every spelling in which records may have a number.
    let spellings: @Sendable (String) -> [String]
    let logger: Logger

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

    // MARK: Who asks

    func asker(_ request: Request, _ context: WebContext) async throws -> Asker {
        if let user = context.operatingUser { return Asker(user) }
        guard let bearer = request.bearer else { throw Refusal(.unauthorized, WebProblem.notSignedIn) }
        if let (account, token) = accounts.holder(of: bearer, now: .now) { return Asker(account, token) }
        if let (account, session) = await tokens.holder(of: bearer, now: .now) { return Asker(account, session) }
        throw Refusal(.unauthorized, WebProblem.notSignedIn)
    }

    /// A browser names the origin whenever a page changes something; other programs need not.
    func requireOwnPage(_ request: Request) throws {
        guard let origin = request.headers[.origin] else { return }
        guard SameOrigin.holds(origin: origin, host: request.head.authority) else {
            throw Refusal(.forbidden, WebProblem.otherOrigin)
        }
    }

    func source(_ context: WebContext) -> String {
        guard let text = context.remoteAddress?.ipAddress, let host = NetworkAddress.Host(text) else {
            return "unknown"
        }
        let source = NetworkAddress(host: host, port: 0).source
        return if case .ipv6 = source { "\(source)/64" } else { "\(source)" }
    }

    // MARK: The rest

    /// Whose calls go on is for those who may read everything.
    func status(_ asker: Asker) async throws -> Response {
        do throws(Problem) {
            guard case .status(var status) = try await control.send(.status) else { throw WebProblem.unexpectedReply }
            if !asker.role.may(.readEverything) { status.list = [] }
            return try .json(status)
        } catch {
            throw Refusal(.serviceUnavailable, error)
        }
    }

    /// Whoever may read everything sees every call, anybody else their own.
    func calls(_ request: Request, _ asker: Asker) async throws -> Response {
        guard let ledger else { throw Refusal(.notFound, WebProblem.notFound) }
        var query = try CallQuery(request.uri)
        if !asker.role.may(.readEverything) { query.user = CallOwner(asker.account?.name.description ?? "") }
        let page: CallPage
        do throws(Problem) {
            page = try await ledger.page(query, for: asker.session?.id ?? asker.name)
        } catch {
            throw Refusal(error == LedgerProblem.busy ? .tooManyRequests : .serviceUnavailable, error)
        }
        var core: BoxStatus?
        if page.calls.contains(where: { $0.outcome == .unfinished }),
            case .status(let status) = try? await control.send(.status)
        {
            core = status
        }
        return try .json(CallListing(page, core: core))
    }

    func file(_ path: String, _ request: Request) throws -> Response {
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
}
