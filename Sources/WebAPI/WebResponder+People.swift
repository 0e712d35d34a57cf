import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Wire

// Sessions, and links that begin one.
extension WebResponder {
    func whoAsks(_ exchange: Exchange) throws -> Response {
        let asker = try exchange.asker
        return try .json(asker.account.map { SessionDesk.SignedIn($0) } ?? .init(operatingAs: asker.name))
    }

    func signIn(_ exchange: Exchange) async throws -> Response {
        let context = exchange.context
        return try await sessions.signIn(exchange.request, isSecure: exchange.isSecure, source: source(context))
    }

    func signOut(_ exchange: Exchange) async throws -> Response {
        // A token that is good no more is no reason not to sign out.
        let holder = try? await asker(exchange.request, exchange.context).session
        return try await sessions.signOut(exchange.request, holder)
    }

    func renew(_ exchange: Exchange) async throws -> Response {
        let context = exchange.context
        return try await sessions.renew(exchange.request, isSecure: exchange.isSecure, source: source(context))
    }

    func listSessions(_ exchange: Exchange) throws -> Response {
        let asker = try exchange.asker
        guard let account = asker.account else { throw Refusal(.notFound, WebProblem.notFound) }
        return try .json(sessions.list(of: account.name, current: asker.session?.id))
    }

    func endSession(_ exchange: Exchange) async throws -> Response {
        let asker = try exchange.asker
        guard let account = asker.account,
            let session = accounts.sessions(of: account.name, now: .now).first(where: {
                $0.id == exchange.captures.first
            })
        else { throw Refusal(.notFound, WebProblem.notFound) }
        try await sessions.end(session.id)
        await trail.note(.sessionEnd, by: asker.name)
        return .done
    }

    func prove(_ exchange: Exchange) async throws -> Response {
        let person = try exchange.asker.person
        return try await ownAccount.prove(exchange.request, person, source: source(exchange.context))
    }

    func setOwnPassword(_ exchange: Exchange) async throws -> Response {
        let person = try exchange.asker.person
        return try await ownAccount.setPassword(exchange.request, person, source: source(exchange.context))
    }

    /// Somebody makes the box theirs, and is signed in.
    func claimBox(_ exchange: Exchange) async throws -> Response {
        let source = source(exchange.context)
        let owner = try await claim.claim(exchange.request, source: source)
        return try await sessions.begin(for: owner, exchange.request, isSecure: exchange.isSecure, source: source)
    }

    func accept(_ exchange: Exchange) async throws -> Response {
        let account = try await people.accept(exchange.request)
        // A link sets a password; it does not take the place of the second factor.
        guard !account.hasSecondFactor else { throw Refusal(.unauthorized, PeopleProblem.codeNeeded) }
        let context = exchange.context
        return try await sessions.begin(
            for: account, exchange.request, isSecure: exchange.isSecure, source: source(context))
    }
}
