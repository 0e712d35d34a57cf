import Accounts
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Wire

/// `/api/v1/account` and `/api/v1/session/proof`: what everybody may do with their own account, and with nobody else's.
struct OwnAccountDesk: Sendable {
    let store: AccountStore
    let tokens: AccessTokens
    let gate: SignInGate
    let hub: PhoneHub
    let trail: AuditTrail
    /// The name of the box in an authenticator app.
    static let box = "SIPCall"
    let pending = PendingFactors()

    struct Shown: Encodable {
        var user: String
        var name: String
        var role: String
        var language: String?
        var created: Date
        var secondFactor: Bool
        var recoveryCodes: Int
        /// Seconds for which the password needs not be given once more.
        var fresh: Int
    }

    private struct Proof: Decodable {
        var password: Redacted<String>
        var code: Redacted<String>?
    }

    private struct Proved: Encodable { var fresh: Int }

    private struct Description: Decodable {
        var name: String?
        var language: String?
    }

    private struct NewPassword: Decodable {
        var present: Redacted<String>
        var password: Redacted<String>
    }

    private struct Code: Decodable { var code: Redacted<String> }

    private struct Codes: Encodable { var recoveryCodes: [String] }

    /// A secret on its way to an app.
    private struct Begun: Encodable {
        /// In groups of four, for typing.
        var secret: String
        var address: String
        /// A text for each row of the QR code, `1` for a dark module.
        var qr: [String]
    }

    func show(_ person: Person) async throws -> Response {
        let account = person.account
        return try .json(
            Shown(
                user: account.name.description, name: account.displayName, role: account.role.rawValue,
                language: account.language, created: account.created, secondFactor: account.hasSecondFactor,
                recoveryCodes: try await store.recoveryCodesLeft(of: account.name),
                fresh: person.session.secondsFresh(now: .now)))
    }

    func describe(_ request: Request, _ person: Person) async throws -> Response {
        let change = try await request.json(as: Description.self)
        let account = person.account
        try await refused {
            try await store.describe(
                account.name, displayName: change.name ?? account.displayName,
                language: change.language ?? account.language)
        }
        await trail.note(.userChange, by: account.name.description, "\(account.name): name or language")
        return try await show(Person(account: store.account(account.name) ?? account, session: person.session))
    }

    /// Password, and one-time password where the account has one: for the next ten minutes the session is fresh.
    ///
    /// - Parameter source: see `SignInGate.Attempt.source`.
    func prove(_ request: Request, _ person: Person, source: String) async throws -> Response {
        let proof = try await request.json(as: Proof.self)
        switch try await verify(proof.password, proof.code, person, source: source) {
        case .right: break
        case .codeNeeded: throw Refusal(.forbidden, PeopleProblem.codeNeeded)
        case .wrong, .refused: throw Refusal(.forbidden, WebProblem.wrongPassword)
        }
        await store.proved(person.session.id, now: .now)
        return try .json(Proved(fresh: Int(Session.freshness)))
    }

    /// Every other session of the account ends.
    func setPassword(_ request: Request, _ person: Person, source: String) async throws -> Response {
        let change = try await request.json(as: NewPassword.self)
        let name = person.account.name
        let epoch = store.epoch(name)
        // The session has proved the second factor, and goes on: the password alone is asked for.
        let isWholeProof: Bool
        switch try await verify(change.present, nil, person, source: source) {
        case .right: isWholeProof = true
        case .codeNeeded: isWholeProof = false
        case .wrong, .refused: throw Refusal(.forbidden, WebProblem.wrongPassword)
        }
        let hash = try await PeopleDesk.hash(change.password)
        try await refused {
            try await store.set(name, password: hash, keeping: person.session.id, epoch: epoch)
        }
        await hub.signedOut { [store] in store.holder(of: $0, now: .now) == nil }
        // What a one-time password guards is not opened by half of the proof.
        if isWholeProof { await store.proved(person.session.id, now: .now) }
        await trail.note(.passwordSet, by: name.description, "their own; their other sessions have ended")
        // The token that this request came with is good no more.
        guard let account = store.account(name), let token = await tokens.make(for: person.session, now: .now) else {
            throw Refusal(.unauthorized, WebProblem.notSignedIn)
        }
        return try .json(SessionDesk.SignedIn(account, token: token))
    }

    /// - Returns: never `.refused`.
    private func verify(
        _ password: Redacted<String>, _ code: Redacted<String>?, _ person: Person, source: String
    ) async throws -> SignInGate.Outcome {
        let outcome = try await gate.verify(
            SignInGate.Attempt(
                name: person.account.name.description, password: password,
                code: code.flatMap { $0.revealed.isEmpty ? nil : $0 }, source: source,
                // Strangers who guess behind the same address do not hold up whoever is signed in.
                device: "session \(person.session.id)"))
        switch outcome {
        case .wrong: await trail.noteFailedSignIn(from: source)
        case .refused(let retryAfter):
            throw Refusal(.tooManyRequests, WebProblem.tooManySignIns, [.retryAfter: "\(retryAfter)"])
        case .right, .codeNeeded: break
        }
        return outcome
    }

    // MARK: The second factor

    /// A secret for an app; it counts once a code has shown that it arrived there.
    func beginFactor(_ person: Person) async throws -> Response {
        let factor = await pending.begin(for: person.session.id, now: .now())
        let address = factor.address(account: person.account.name, box: Self.box).revealed
        return try .json(
            Begun(secret: factor.words.revealed, address: address, qr: QRCode(address)?.rows ?? []), status: .created)
    }

    /// One-time passwords are asked for from now on.
    func confirmFactor(_ request: Request, _ person: Person) async throws -> Response {
        let code = try await request.json(as: Code.self).code
        guard let factor = await pending.factor(of: person.session.id, now: .now()) else {
            throw Refusal(.conflict, AccountProblem.factorNotBegun)
        }
        let codes = try await refused {
            try await store.begin(factor, for: person.account.name, code: code, now: .now)
        }
        guard let codes else { throw Refusal(.unprocessableContent, AccountProblem.wrongCode) }
        await pending.end(person.session.id)
        await trail.note(.userChange, by: person.account.name.description, "their own one-time passwords: on")
        return try .json(Codes(recoveryCodes: codes.codes.revealed))
    }

    func endFactor(_ person: Person) async throws -> Response {
        try await refused { try await store.endSecondFactor(of: person.account.name) }
        await trail.note(.userChange, by: person.account.name.description, "their own one-time passwords: off")
        return .done
    }

    /// The former ones are good for nothing any more.
    func renewCodes(_ person: Person) async throws -> Response {
        guard person.account.hasSecondFactor else { throw Refusal(.conflict, AccountProblem.factorNotBegun) }
        let codes = try await refused { try await store.renewRecoveryCodes(of: person.account.name) }
        await trail.note(.userChange, by: person.account.name.description, "their own recovery codes: new ones")
        return try .json(Codes(recoveryCodes: codes.codes.revealed))
    }
}

/// Somebody at a page: only they have an account of their own to look after.
struct Person: Sendable {
    let account: Account
    let session: Session
}

extension Asker {
    /// - Throws: a refusal for whoever is no person at a page.
    var person: Person {
        get throws {
            guard let account, let session else { throw Refusal(.notFound, WebProblem.notFound) }
            return Person(account: account, session: session)
        }
    }

    /// For what somebody who found the page open must not do.
    ///
    /// - Throws: a refusal. Somebody on this machine has proved who they are to the machine.
    func requireFresh(now: Date = .now) throws {
        switch way {
        case .machine: return
        case .token: throw Refusal(.forbidden, PeopleProblem.personNeeded)
        case .session(let session):
            guard session.secondsFresh(now: now) > 0 else { throw Refusal(.forbidden, PeopleProblem.notFresh) }
        }
    }
}

/// Secrets that are shown on a page and not confirmed yet. They live in this process alone, and not for long.
actor PendingFactors {
    private static let lasts = Duration.seconds(900)
    private static let most = 256
    private var begun: [Session.ID: (factor: OneTimePassword, until: MonotonicTime)] = [:]

    /// A former one of the same page is good for nothing any more.
    func begin(for session: Session.ID, now: MonotonicTime) -> OneTimePassword {
        begun = begun.filter { $0.value.until > now }
        if begun.count >= Self.most, let oldest = begun.min(by: { $0.value.until < $1.value.until }) {
            begun[oldest.key] = nil
        }
        let factor = OneTimePassword()
        begun[session] = (factor, now + Self.lasts)
        return factor
    }

    func factor(of session: Session.ID, now: MonotonicTime) -> OneTimePassword? {
        begun[session].flatMap { $0.until > now ? $0.factor : nil }
    }

    func end(_ session: Session.ID) { begun[session] = nil }
}
