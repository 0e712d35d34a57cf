import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Wire

// Who may use the box: sessions, invitations and accounts.
extension WebResponder {
    /// - Parameter parts: of the path, behind `/api/v1/`.
    func routeOfPeople(_ parts: [String], _ request: Request, _ context: WebContext) async throws -> Response {
        switch (parts.first ?? "", parts.count) {
        case ("session", 1): return try await session(request, context)
        case ("session", 2) where parts[1] == "renewal":
            try require(request, .post)
            return try await sessions.renew(request, isSecure: context.isSecure, source: source(context))
        case ("sessions", 1):
            try require(request, .get)
            let asker = try await asker(request, context)
            try asker.require(nil)
            guard let account = asker.account else { throw Refusal(.notFound, WebProblem.notFound) }
            return try .json(sessions.list(of: account.name, current: asker.session?.id))
        case ("sessions", 2):
            try require(request, .delete)
            return try await endSession(parts[1], try await asker(request, context))
        case ("invitation", 1):
            try require(request, .post)
            return try await people.invited(request)
        case ("invitation", 2) where parts[1] == "acceptance":
            try require(request, .post)
            return try await accept(request, context)
        case ("users", _): return try await users(request, context, Array(parts.dropFirst()))
        default: throw Refusal(.notFound, WebProblem.notFound)
        }
    }

    private func session(_ request: Request, _ context: WebContext) async throws -> Response {
        switch request.method {
        case .post: return try await sessions.signIn(request, isSecure: context.isSecure, source: source(context))
        case .delete:
            // A token that is good no more is no reason not to sign out.
            let holder = try? await asker(request, context).session
            return try await sessions.signOut(request, holder)
        case .get:
            let asker = try await asker(request, context)
            return try .json(asker.account.map { SessionDesk.SignedIn($0) } ?? .init(operatingAs: asker.name))
        default: throw methodNotAllowed("GET, POST, DELETE")
        }
    }

    private func endSession(_ id: Session.ID, _ asker: Asker) async throws -> Response {
        try asker.require(nil)
        guard let account = asker.account,
            accounts.sessions(of: account.name, now: .now).contains(where: { $0.id == id })
        else { throw Refusal(.notFound, WebProblem.notFound) }
        try await sessions.end(id)
        await trail.note(.sessionEnd, by: asker.name)
        return .done
    }

    private func accept(_ request: Request, _ context: WebContext) async throws -> Response {
        let account = try await people.accept(request)
        return try await sessions.begin(for: account, request, isSecure: context.isSecure, source: source(context))
    }

    /// - Parameter rest: what follows `users` in the path.
    private func users(_ request: Request, _ context: WebContext, _ rest: [String]) async throws -> Response {
        let asker = try await asker(request, context)
        if rest.isEmpty, request.method == .get {
            try asker.require(.readEverything, scope: .administer)
            return try .json(people.list())
        }
        try asker.require(.manageAccounts, scope: .administer)
        guard let first = rest.first else {
            try require(request, .post)
            return try await people.add(request, asker)
        }
        guard let name = AccountName(first), name.description == first else {
            throw Refusal(.notFound, AccountProblem.unknown)
        }
        switch (rest.dropFirst().first, request.method) {
        case (nil, .patch): return try await people.change(name, request, asker)
        case (nil, .delete): return try await people.remove(name, asker)
        case (nil, _): throw methodNotAllowed("PATCH, DELETE")
        case ("invitation", .post): return try await people.invite(name, asker)
        case ("password", .put):
            // From afar nobody sets another's password: they get a link.
            guard case .machine = asker.way else { throw Refusal(.forbidden, AccountProblem.notAllowed) }
            return try await people.setPassword(name, request, asker)
        case ("invitation", _): throw methodNotAllowed("POST")
        case ("password", _): throw methodNotAllowed("PUT")
        default: throw Refusal(.notFound, WebProblem.notFound)
        }
    }
}
