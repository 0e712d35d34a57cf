import Accounts
import HTTPTypes
import Hummingbird
import Wire

/// In whose name a request is done, and what it may do.
struct Asker: Sendable {
    enum Way: Sendable {
        /// A signed-in page.
        case session(Session)
        case token(APIToken)
        /// Somebody on this machine, through the operator's socket: acts as an owner.
        case machine
    }

    /// Whose calls are theirs; nil for somebody on this machine, who has no account.
    let account: Account?
    /// Who that is, for the audit log.
    let name: String
    let role: Role
    let way: Way

    init(_ account: Account, _ session: Session) {
        (self.account, name, role, way) = (account, account.name.description, account.role, .session(session))
    }

    init(_ account: Account, _ token: APIToken) {
        self.account = account
        name = "\(account.name) (\(token.name))"
        role = account.role
        way = .token(token)
    }

    init(_ operatingUser: Operator) {
        (account, name, role, way) = (nil, operatingUser.name, .owner, .machine)
    }

    var session: Session? { if case .session(let session) = way { session } else { nil } }

    /// - Parameter scope: what an API token must have been made for; nil: no token will do.
    /// - Throws: a refusal.
    func require(_ permission: Permission, scope: APIToken.Scope? = nil) throws {
        guard role.may(permission) else { throw Refusal(.forbidden, AccountProblem.notAllowed) }
        try require(scope)
    }

    /// - Throws: a refusal.
    func require(_ scope: APIToken.Scope?) throws {
        guard case .token(let token) = way else { return }
        guard let scope, token.scopes.contains(scope) else { throw Refusal(.forbidden, PeopleProblem.outOfScope) }
    }
}

extension Request {
    /// What stands behind `Authorization: Bearer` (RFC 6750 §2.1).
    var bearer: Redacted<String>? {
        guard let value = headers[.authorization], value.lowercased().hasPrefix("bearer ") else { return nil }
        return Redacted(String(value.dropFirst("bearer ".count)))
    }
}
