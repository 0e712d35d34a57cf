import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Wire

// `/api/v1/account/tokens`: what programs sign in with.
extension OwnAccountDesk {
    struct ListedToken: Encodable {
        var id: String
        var name: String
        var scopes: [String]
        var created: Date
        var ends: Date?
        /// Once, when it was made.
        var token: String?

        init(_ token: APIToken, text: Redacted<String>? = nil) {
            (id, name, created, ends) = (token.id, token.name, token.created, token.ends)
            scopes = token.scopes.map(\.rawValue).sorted()
            self.token = text?.revealed
        }
    }

    private struct NewToken: Decodable {
        var name: String
        var scopes: Set<APIToken.Scope>
        /// Days; absent: until it is withdrawn.
        var days: Int?
    }

    func listTokens(_ person: Person) throws -> Response {
        try .json(store.tokens(of: person.account.name).map { ListedToken($0) })
    }

    func addToken(_ request: Request, _ person: Person) async throws -> Response {
        let new = try await request.json(as: NewToken.self)
        let days = new.days
        guard !new.scopes.isEmpty, days.map({ (1...3650).contains($0) }) ?? true else {
            throw Refusal(.badRequest, WebProblem.notJSON)
        }
        let (text, token) = try await refused {
            try await store.addToken(
                Account.shown(new.name), for: person.account.name, scopes: new.scopes,
                ends: days.map { Date.now.addingTimeInterval(Double($0) * 86_400) }, now: .now)
        }
        let scopes = token.scopes.map(\.rawValue).sorted().joined(separator: " ")
        await trail.note(.tokenAdd, by: person.account.name.description, "\(token.name): \(scopes)")
        return try .json(ListedToken(token, text: text), status: .created)
    }

    /// A token that is not there has been withdrawn.
    func withdrawToken(_ id: String, _ person: Person) async throws -> Response {
        let name = store.tokens(of: person.account.name).first { $0.id == id }?.name
        guard let name else { throw Refusal(.notFound, WebProblem.notFound) }
        try await store.withdrawToken(id, of: person.account.name)
        await trail.note(.tokenRemove, by: person.account.name.description, name)
        return .done
    }
}
