import Accounts
import Control
import HTTPTypes
import Hummingbird
import Ledger
import Wire

/// One address and method of the API, and who may use it.
struct Route: Sendable {
    /// Who may; whoever may not gets 401 when it is not known who they are, and 403 otherwise.
    enum Access: Sendable, Equatable {
        case everybody
        /// Whoever is signed in, be it by an API token.
        case known
        /// Whoever is signed in as a person.
        case inPerson
        /// Everybody who is signed in; an API token for this only.
        case scope(APIToken.Scope)
        /// Roles with this permission; an API token of theirs for this scope only.
        case permission(Permission, APIToken.Scope)
        /// Commands of this machine; see ``Operator``.
        case machine
    }

    let method: HTTPRequest.Method
    /// The parts behind `/api/v1/`; `*` is any.
    let pattern: [String]
    let access: Access
    /// The password was given a short while ago, by a person; see ``Asker/requireFresh(now:)``.
    let needsProof: Bool
    let answer: @Sendable (WebResponder, Exchange) async throws -> Response

    init(
        _ method: HTTPRequest.Method, _ pattern: String, _ access: Access, needsProof: Bool = false,
        _ answer: @escaping @Sendable (WebResponder, Exchange) async throws -> Response
    ) {
        self.method = method
        self.pattern = Self.parts(pattern[...])
        self.access = access
        self.needsProof = needsProof
        self.answer = answer
    }

    static func parts(_ path: Substring) -> [String] {
        path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    /// - Returns: what stands in the place of each `*`; nil when the path is another one.
    func captures(_ parts: [String]) -> [String]? {
        guard parts.count == pattern.count else { return nil }
        var captures: [String] = []
        for (part, expected) in zip(parts, pattern) {
            if expected == "*" { captures.append(part) } else if part != expected { return nil }
        }
        return captures
    }
}

/// A request on its way to its answer.
struct Exchange: Sendable {
    let request: Request
    let context: WebContext
    /// nil only where everybody may ask.
    let known: Asker?
    let captures: [String]

    /// - Throws: a refusal; not where the route asks who it is.
    var asker: Asker {
        get throws {
            guard let known else { throw Refusal(.unauthorized, WebProblem.notSignedIn) }
            return known
        }
    }

    /// The browser came over TLS, be it to a proxy before this process.
    var isSecure: Bool { context.isSecure || request.headers[.origin]?.hasPrefix("https://") == true }

    /// The name in the path's first `*`.
    ///
    /// - Throws: a refusal when it is none, or spelled in another way.
    var accountName: AccountName {
        get throws {
            guard let text = captures.first, let name = AccountName(text), name.description == text else {
                throw Refusal(.notFound, AccountProblem.unknown)
            }
            return name
        }
    }
}

extension Route.Access {
    /// - Throws: a refusal.
    func admit(_ asker: Asker) throws {
        switch self {
        case .everybody, .known: return
        case .inPerson: try asker.require(nil)
        case .scope(let scope): try asker.require(scope)
        case .permission(let permission, let scope): try asker.require(permission, scope: scope)
        case .machine:
            guard case .machine = asker.way else { throw Refusal(.forbidden, WebProblem.notOperator) }
        }
    }
}

extension WebResponder {
    /// Every address of the API.
    static let routes = generalRoutes + ownAccountRoutes

    private static let generalRoutes: [Route] = [
        Route(.get, "setup", .everybody) { responder, _ in try .json(responder.claim.state) },
        Route(.post, "setup/claim", .everybody) { try await $0.claimBox($1) },
        Route(.post, "setup/token", .machine) { try await $0.claim.renew($1.asker) },
        Route(.get, "session", .known) { try $0.whoAsks($1) },
        Route(.post, "session", .everybody) { try await $0.signIn($1) },
        Route(.delete, "session", .everybody) { try await $0.signOut($1) },
        Route(.post, "session/renewal", .everybody) { try await $0.renew($1) },
        Route(.post, "session/proof", .inPerson) { try await $0.prove($1) },
        Route(.get, "sessions", .inPerson) { try $0.listSessions($1) },
        Route(.delete, "sessions/*", .inPerson) { try await $0.endSession($1) },
        Route(.post, "invitation", .everybody) { try await $0.people.invited($1.request) },
        Route(.post, "invitation/acceptance", .everybody) { try await $0.accept($1) },
        Route(.get, "users", .permission(.readEverything, .administer)) { responder, _ in
            try .json(responder.people.list())
        },
        // A program with a token must not make a person of itself.
        Route(.post, "users", .permission(.manageAccounts, .administer), needsProof: true) {
            try await $0.people.add($1.request, $1.asker)
        },
        Route(.patch, "users/*", .permission(.manageAccounts, .administer)) {
            try await $0.people.change($1.accountName, $1.request, $1.asker)
        },
        Route(.delete, "users/*", .permission(.manageAccounts, .administer), needsProof: true) {
            try await $0.people.remove($1.accountName, $1.asker)
        },
        Route(.post, "users/*/invitation", .permission(.manageAccounts, .administer), needsProof: true) {
            try await $0.people.invite($1.accountName, $1.asker)
        },
        Route(.delete, "users/*/second-factor", .permission(.manageAccounts, .administer), needsProof: true) {
            try await $0.people.endFactor($1.accountName, $1.asker)
        },
        // From afar nobody sets another's password: they get a link.
        Route(.put, "users/*/password", .machine) {
            try await $0.people.setPassword($1.accountName, $1.request, $1.asker)
        },
        Route(.get, "status", .scope(.readStatus)) { try await $0.status($1.asker) },
        Route(.get, "calls", .scope(.readHistory)) { try await $0.calls($1.request, $1.asker) },
        Route(.get, "calls.csv", .permission(.export, .administer), needsProof: true) {
            try await $0.export($1.request, $1.asker, as: .csv)
        },
        Route(.get, "calls.json", .permission(.export, .administer), needsProof: true) {
            try await $0.export($1.request, $1.asker, as: .json)
        },
        Route(.get, "totals", .permission(.readEverything, .readHistory)) { try await $0.totals($1.request) },
        Route(.get, "audit", .permission(.readEverything, .administer)) { try await $0.audit($1.request) },
        Route(.post, "privacy/export", .permission(.export, .administer), needsProof: true) {
            try await $0.exportPerson($1.request, $1.asker)
        },
        Route(.post, "privacy/erase", .permission(.erase, .administer), needsProof: true) {
            try await $0.erasePerson($1.request, $1.asker)
        },
        Route(.get, "settings", .permission(.readEverything, .administer)) { responder, _ in
            try await responder.readSettings()
        },
        Route(.put, "settings/*", .permission(.changeSettings, .administer), needsProof: true) {
            try await $0.changeSettings($1)
        },
        Route(.get, "presets", .permission(.readEverything, .administer)) { responder, _ in
            try await responder.listPresets()
        },
        Route(.get, "verify", .machine) { try await $0.verify($1.request) },
        Route(.get, "certificate", .permission(.readEverything, .administer)) { responder, _ in
            try responder.certificateState()
        },
        Route(.put, "certificate", .permission(.handleKeys, .administer), needsProof: true) {
            try await $0.useCertificate($1.request, $1.asker)
        },
        Route(.delete, "certificate", .permission(.handleKeys, .administer), needsProof: true) {
            try await $0.removeCertificate($1.asker)
        },
        Route(.put, "certificate/challenges/*", .machine) { try await $0.putChallenge($1) },
        Route(.delete, "certificate/challenges/*", .machine) { try $0.removeChallenge($1) },
        Route(.post, "master-key", .machine) { responder, exchange in
            try await responder.changeMasterKey(exchange.context)
        },
        Route(.post, "backup", .machine) { responder, exchange in try await responder.handOver(exchange.context) },
        Route(.delete, "backup", .machine) { responder, exchange in try responder.endHandOver(exchange.context) },
        Route(.get, "phone", .everybody) { _, _ in
            throw Refusal(.upgradeRequired, WebProblem.upgradeNeeded, [.upgrade: "websocket"])
        },
    ]

    /// - Throws: a refusal, and whatever the route throws.
    func route(_ request: Request, _ context: WebContext) async throws -> Response {
        let path = request.uri.path
        guard path.hasPrefix("/api/") else {
            switch request.method {
            case .get, .head: return try file(path, request)
            default: throw methodNotAllowed([.get, .head])
            }
        }
        guard path.hasPrefix("/api/v1/") else { throw Refusal(.notFound, WebProblem.notFound) }
        let parts = Route.parts(path.dropFirst("/api/v1/".count))
        // Commands of this machine go on: they are one way to claim it.
        guard claim.isClaimed || parts.first == "setup" || context.operatingUser != nil else {
            throw Refusal(.conflict, ControlProblem.unclaimed)
        }
        let here = Self.routes.compactMap { route in route.captures(parts).map { (route, $0) } }
        guard !here.isEmpty else { throw Refusal(.notFound, WebProblem.notFound) }
        guard let (route, captures) = here.first(where: { $0.0.method == request.method }) else {
            throw methodNotAllowed(here.map(\.0.method))
        }
        var request = request
        if request.method != .get {
            try requireOwnPage(request)
            // Before it is asked who this is: whoever has lost their rights could otherwise hold the rest back, and use them still.
            _ = try await request.collectBody(
                upTo: parts.first == "certificate" ? GivenCertificate.largestRequest : Request.largestBody)
        }
        var known: Asker?
        if route.access != .everybody {
            let asker = try await asker(request, context)
            try route.access.admit(asker)
            if route.needsProof { try asker.requireFresh() }
            known = asker
        }
        return try await route.answer(
            self, Exchange(request: request, context: context, known: known, captures: captures))
    }

    private func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> Refusal {
        Refusal(
            .methodNotAllowed, WebProblem.methodNotAllowed,
            [.allow: allowed.map(\.rawValue).joined(separator: ", ")])
    }
}
