import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Wire

/// `/api/v1/session` and `/api/v1/sessions`: signing in, going on, signing out.
///
/// A page holds two things: an access token in its memory, which each request carries, and a cookie that scripts cannot read and
/// that is sent to this one address only. With the cookie it gets the next token, and the cookie its next value.
struct SessionDesk: Sendable {
    let store: AccountStore
    let tokens: AccessTokens
    let gate: SignInGate
    let hub: PhoneHub
    let trail: AuditTrail
    let stateDirectory: String
    let logger: Logger

    private struct SignIn: Decodable {
        var user: String
        var password: Redacted<String>
        var code: Redacted<String>?
    }

    /// What a page learns when it is signed in.
    struct SignedIn: Encodable {
        var user: String
        var name: String
        var role: String
        var language: String?
        var secondFactor: Bool
        /// Absent where it was not asked for.
        var token: String?
        /// Seconds that the token is good for.
        var expires: Int?

        /// Somebody on this machine, who has no account.
        init(operatingAs name: String) {
            user = name
            self.name = name
            role = Role.owner.rawValue
            secondFactor = false
        }

        init(_ account: Account, token: Redacted<String>? = nil) {
            user = account.name.description
            name = account.displayName
            role = account.role.rawValue
            language = account.language
            secondFactor = account.hasSecondFactor
            self.token = token?.revealed
            expires = token.map { _ in Int(AccessTokens.lifetime) }
        }
    }

    struct Listed: Encodable {
        var id: String
        var device: String
        var source: String
        var began: Date
        var seen: Date
        /// The one that asks.
        var current: Bool
    }

    /// - Parameter source: see `SignInGate.Attempt.source`.
    func signIn(_ request: Request, isSecure: Bool, source: String) async throws -> Response {
        let attempt = try await request.json(as: SignIn.self)
        let epoch = AccountName(attempt.user).flatMap { store.epoch($0) }
        let mark = DeviceCookie.value(in: request.headers[values: .cookie])
        let isKnown =
            AccountName(attempt.user).flatMap { name in mark.map { store.isDeviceMark($0, of: name) } } ?? false
        let outcome = try await gate.verify(
            SignInGate.Attempt(
                name: attempt.user, password: attempt.password,
                code: attempt.code.flatMap { $0.revealed.isEmpty ? nil : $0 },
                source: source, device: isKnown ? mark?.revealed : nil))
        switch outcome {
        case .right(let account):
            // It has served: whoever reads the disk later must not find it.
            if account.name.description == FirstOwner.name { FirstOwner.forgetNote(in: stateDirectory) }
            var response: Response
            // Made before the session begins: a password that is set anew in between revokes it.
            let newMark = isKnown ? nil : store.deviceMark(of: account.name)
            do {
                response = try await begin(for: account, epoch: epoch, request, isSecure: isSecure, source: source)
            } catch let problem as Problem where problem.code == AccountProblem.unknown.code {
                // Set anew, suspended or removed while the password was looked at.
                throw Refusal(.unauthorized, WebProblem.wrongPassword)
            }
            if let newMark {
                response.headers.append(
                    HTTPField(name: .setCookie, value: DeviceCookie.header(newMark, isSecure: isSecure)))
            }
            await trail.note(.signIn, by: account.name.description, "from \(source)")
            return response
        case .codeNeeded:
            throw Refusal(.unauthorized, PeopleProblem.codeNeeded)
        case .wrong:
            logger.notice("sign-in with a wrong password", metadata: ["from": "\(source)"])
            await trail.noteFailedSignIn(from: source)
            throw Refusal(.unauthorized, WebProblem.wrongPassword)
        case .refused(let retryAfter):
            throw Refusal(.tooManyRequests, WebProblem.tooManySignIns, [.retryAfter: "\(retryAfter)"])
        }
    }

    /// Somebody has proved who they are.
    ///
    /// - Parameter epoch: see `AccountStore.beginSession`.
    func begin(
        for account: Account, epoch: Int64? = nil, _ request: Request, isSecure: Bool, source: String
    ) async throws -> Response {
        let (session, cookie) = try await store.beginSession(
            of: account.name, device: request.headers[.userAgent] ?? "", source: source, epoch: epoch, now: .now)
        return try await answer(account, session, cookie, isSecure: isSecure)
    }

    /// The next access token, for the cookie.
    func renew(_ request: Request, isSecure: Bool, source: String) async throws -> Response {
        guard let cookie = SessionCookie.value(in: request.headers[values: .cookie]) else {
            throw Refusal(.unauthorized, WebProblem.notSignedIn)
        }
        switch try await store.renew(cookie, source: source, now: .now) {
        case .renewed(let session, let account, let next):
            return try await answer(account, session, next, isSecure: isSecure)
        case .usedTwice(let session):
            logger.warning(
                "A session was used in two places and has ended.",
                metadata: ["code": "\(PeopleProblem.usedTwice.code)", "from": "\(source)"])
            await hub.signedOut { $0 == session.id }
            await trail.note(.sessionUsedTwice, by: session.account.description, "from \(source)")
            throw Refusal(.unauthorized, PeopleProblem.usedTwice, [.setCookie: SessionCookie.erasure])
        case .unknown:
            throw Refusal(.unauthorized, WebProblem.notSignedIn, [.setCookie: SessionCookie.erasure])
        }
    }

    /// - Parameter holder: whose access token came with the request, if one did.
    func signOut(_ request: Request, _ holder: Session?) async throws -> Response {
        let cookie = SessionCookie.value(in: request.headers[values: .cookie])
        if let session = holder ?? cookie.flatMap({ store.session(of: $0) }) {
            do throws(Problem) {
                try await end(session.id)
            } catch {
                // It has ended, and this browser forgets it; a restart may bring it back for whoever has its cookie.
                logger.error("\(error.sentence)", metadata: ["code": "\(error.code)"])
            }
            await trail.note(.signOut, by: session.account.description)
        }
        return Response(status: .noContent, headers: [.setCookie: SessionCookie.erasure, .cacheControl: "no-store"])
    }

    func list(of name: AccountName, current: Session.ID?) -> [Listed] {
        store.sessions(of: name, now: .now).map {
            Listed(
                id: $0.id, device: $0.device, source: $0.source, began: $0.began, seen: $0.seen,
                current: $0.id == current)
        }
    }

    func end(_ session: Session.ID) async throws(Problem) {
        let outcome: Result<Void, Problem>
        do throws(Problem) { outcome = .success(try await store.endSession(session)) } catch {
            outcome = .failure(error)
        }
        await hub.signedOut { $0 == session }
        try outcome.get()
    }

    private func answer(
        _ account: Account, _ session: Session, _ cookie: Redacted<String>, isSecure: Bool
    ) async throws -> Response {
        if let fault = store.newFault() {
            logger.error(
                "The list of sessions cannot be kept: a restart will sign people out. \(fault.sentence)",
                metadata: ["code": "web.sessions-not-kept"])
        }
        guard let token = await tokens.make(for: session, now: .now) else {
            throw Refusal(.unauthorized, WebProblem.notSignedIn)
        }
        var response = try Response.json(SignedIn(account, token: token))
        response.headers[.setCookie] = SessionCookie.header(cookie, isSecure: isSecure)
        return response
    }
}
