import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOPosix
import Wire

/// `/api/v1/users` and `/api/v1/invitation`: who has an account, and links that make a password.
struct PeopleDesk: Sendable {
    let store: AccountStore
    let hub: PhoneHub
    let trail: AuditTrail
    let claim: ClaimDesk
    let stateDirectory: String

    struct Listed: Encodable {
        var user: String
        var name: String
        var role: String
        var state: String
        var language: String?
        var secondFactor: Bool
        var created: Date
        var lastSeen: Date?
        /// Once, when it was made: what stands behind `#invitation=` of the link.
        var invitation: String?
    }

    private struct New: Decodable {
        var user: String
        var name: String?
        var role: Role
        var language: String?
    }

    private struct Change: Decodable {
        var name: String?
        var role: Role?
        var language: String?
        var suspended: Bool?
    }

    private struct NewPassword: Decodable {
        var password: Redacted<String>
    }

    private struct Link: Decodable {
        var invitation: Redacted<String>
        var password: Redacted<String>?
    }

    func list() -> [Listed] { store.accounts.map { listed($0) } }

    /// Makes an account and a link by which its owner sets the password.
    func add(_ request: Request, _ asker: Asker) async throws -> Response {
        let new = try await request.json(as: New.self)
        guard let name = AccountName(new.user) else { throw Refusal(.badRequest, AccountProblem.badName) }
        guard asker.role.maySetUp(new.role) else { throw Refusal(.forbidden, AccountProblem.notAllowed) }
        let isFirst = !claim.isClaimed
        if isFirst, new.role != .owner { throw Refusal(.conflict, SetupProblem.ownerFirst) }
        let account = try await refused {
            isFirst
                ? try await store.claim(
                    name, displayName: new.name ?? new.user, password: nil, language: new.language, now: .now)
                : try await store.add(
                    name, displayName: new.name ?? new.user, role: new.role, password: nil, language: new.language,
                    now: .now)
        }
        let link = try await store.invite(name, now: .now)
        if isFirst { await claim.wasClaimed(by: asker.name, "\(name)") }
        await trail.note(.userAdd, by: asker.name, "\(name), \(new.role.rawValue)")
        return try .json(listed(account, invitation: link), status: .created)
    }

    func change(_ name: AccountName, _ request: Request, _ asker: Asker) async throws -> Response {
        let account = try permitted(name, asker)
        let change = try await request.json(as: Change.self)
        // Who is in, and what they may do, is for a person to say.
        if change.suspended != nil || (change.role.map { $0 != account.role } ?? false) { try asker.requireFresh() }
        if let role = change.role, role != account.role {
            guard asker.role.maySetUp(role) else { throw Refusal(.forbidden, AccountProblem.notAllowed) }
            try await refused { try await store.set(name, role: role) }
            await closeSockets()
            await trail.note(.userChange, by: asker.name, "\(name): \(account.role.rawValue), now \(role.rawValue)")
        }
        if let isSuspended = change.suspended {
            try await refused { try await store.set(name, isSuspended: isSuspended) }
            if isSuspended { await closeSockets() }
            await trail.note(.userChange, by: asker.name, "\(name): \(isSuspended ? "suspended" : "not suspended")")
        }
        if change.name != nil || change.language != nil {
            try await store.describe(
                name, displayName: change.name ?? account.displayName, language: change.language ?? account.language)
            await trail.note(.userChange, by: asker.name, "\(name): name or language")
        }
        return try .json(listed(store.account(name) ?? account))
    }

    func remove(_ name: AccountName, _ asker: Asker) async throws -> Response {
        _ = try permitted(name, asker)
        try await refused { try await store.remove(name) }
        await closeSockets()
        await trail.note(.userRemove, by: asker.name, "\(name)")
        return .done
    }

    /// A new link for somebody who has forgotten the password, or lost the first link.
    func invite(_ name: AccountName, _ asker: Asker) async throws -> Response {
        let account = try permitted(name, asker)
        let link = try await store.invite(name, now: .now)
        await trail.note(.userInvite, by: asker.name, "\(name)")
        return try .json(listed(account, invitation: link))
    }

    /// Sets somebody's password from this machine; every session of theirs ends. On a new box it makes its owner's account.
    func setPassword(_ name: AccountName, _ request: Request, _ asker: Asker) async throws -> Response {
        guard claim.isClaimed else { return try await claimBox(name, request, asker) }
        _ = try permitted(name, asker)
        let password = try await request.json(as: NewPassword.self).password
        let hash = try await Self.hash(password)
        try await refused { try await store.set(name, password: hash) }
        forgetNote(of: name)
        await closeSockets()
        await trail.note(.passwordSet, by: asker.name, "\(name); every session of theirs has ended")
        return .done
    }

    private func claimBox(_ name: AccountName, _ request: Request, _ asker: Asker) async throws -> Response {
        let hash = try await Self.hash(try await request.json(as: NewPassword.self).password)
        _ = try await refused {
            try await store.claim(name, displayName: name.description, password: hash, now: .now)
        }
        await claim.wasClaimed(by: asker.name, "\(name)")
        return .done
    }

    /// Whom a link is for, before a password is chosen.
    func invited(_ request: Request) async throws -> Response {
        let link = try await request.json(as: Link.self)
        return try .json(listed(try await refused { try await store.invited(by: link.invitation, now: .now) }))
    }

    /// Uses a link up.
    ///
    /// - Returns: whose it was; they are to be signed in.
    func accept(_ request: Request) async throws -> Account {
        let link = try await request.json(as: Link.self)
        guard let password = link.password else { throw Refusal(.badRequest, WebProblem.notJSON) }
        // The link first: computing a hash costs, and nobody without one is worth it.
        _ = try await refused { try await store.invited(by: link.invitation, now: .now) }
        let hash = try await Self.hash(password)
        let account = try await refused { try await store.accept(link.invitation, password: hash, now: .now) }
        forgetNote(of: account.name)
        // The password may have been set anew: whatever was signed in with the former one has ended.
        await closeSockets()
        await trail.note(.invitationAccept, by: account.name.description)
        return account
    }

    /// Takes about 0.3 s, on a thread of its own.
    ///
    /// - Throws: a refusal when the password is too short.
    static func hash(_ password: Redacted<String>) async throws -> PasswordHash {
        try await refused { try await NIOThreadPool.singleton.runIfActive { try PasswordHash(password) } }
    }

    /// For somebody who has lost the telephone with their app, and the recovery codes as well.
    func endFactor(_ name: AccountName, _ asker: Asker) async throws -> Response {
        let account = try permitted(name, asker)
        try await refused { try await store.endSecondFactor(of: name) }
        await trail.note(.userChange, by: asker.name, "\(name): one-time passwords off")
        return try .json(listed(store.account(name) ?? account))
    }

    private func permitted(_ name: AccountName, _ asker: Asker) throws -> Account {
        guard let account = store.account(name) else { throw Refusal(.notFound, AccountProblem.unknown) }
        guard asker.role.maySetUp(account.role) else { throw Refusal(.forbidden, AccountProblem.notAllowed) }
        return account
    }

    /// Of sessions that have ended, and of people who may not telephone any more.
    private func closeSockets() async {
        let store = store
        await hub.signedOut { store.holder(of: $0, now: .now)?.account.role.may(.telephone) != true }
    }

    /// The first password is none any more.
    private func forgetNote(of name: AccountName) {
        if name.description == FirstOwner.name { FirstOwner.forgetNote(in: stateDirectory) }
    }

    private func listed(_ account: Account, invitation: Redacted<String>? = nil) -> Listed {
        Listed(
            user: account.name.description, name: account.displayName, role: account.role.rawValue,
            state: account.state.rawValue, language: account.language, secondFactor: account.hasSecondFactor,
            created: account.created, lastSeen: store.sessions(of: account.name, now: .now).first?.seen,
            invitation: invitation?.revealed)
    }
}

/// Turns what a person can put right into an answer; what is the box's own fault stays one.
func refused<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let problem as Problem {
        let status: HTTPResponse.Status? =
            switch problem.code {
            case "setup.claimed", "account.name-taken", "account.name-retired", "account.last-owner",
                "account.too-many", "account.too-many-tokens":
                .conflict
            case "account.unknown": .notFound
            case "account.invitation-used": .gone
            case "account.password-too-short", "account.token-name", "account.bad-name": .badRequest
            default: nil
            }
        guard let status else { throw problem }
        throw Refusal(status, problem)
    }
}
