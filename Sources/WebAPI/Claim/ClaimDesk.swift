import Accounts
import Control
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Wire

/// `/api/v1/setup`: a new box becomes somebody's.
///
///     unclaimed ──the token, a name, a password──▶ claimed ──told to the core──▶ the SIP ports open
///         └──────sipcall user, on the machine────────▲
///
/// Whether the box is claimed is whether it has an account, and nothing else: the first one is made in one transaction, so that
/// of two who come at the same moment one is too late.
actor ClaimDesk {
    private let store: AccountStore
    private let control: ControlClient
    private let trail: AuditTrail
    private let stateDirectory: String
    private let logger: Logger
    private var token: SetupToken?
    /// The core holds its ports shut until it is told.
    private var coreWaits = false
    /// Tells it.
    private var telling: Task<Void, Never>?
    /// Where the page is.
    private var place: WebPlace?

    /// How long somebody who has claimed the box waits for its ports to open.
    private static let patience: Duration = .seconds(3)
    /// How long the core has to open before it is told once more.
    private static let repetition: Duration = .seconds(2)

    init(
        store: AccountStore, control: ControlClient, trail: AuditTrail, stateDirectory: String, logger: Logger
    ) {
        (self.store, self.control, self.trail) = (store, control, trail)
        (self.stateDirectory, self.logger) = (stateDirectory, logger)
    }

    nonisolated var isClaimed: Bool { !store.isEmpty }

    /// What strangers learn.
    nonisolated var state: State { State(claimed: isClaimed) }

    private struct Claim: Decodable {
        var token: Redacted<String>
        var name: String
        var displayName: String?
        var password: Redacted<String>
        var language: String?

        enum CodingKeys: String, CodingKey {
            case token, name, displayName = "display_name", password, language
        }
    }

    struct State: Encodable { var claimed: Bool }

    /// What a command of this machine learns.
    private struct NewToken: Encodable {
        var token: String
        var ends: Date
    }

    // MARK: The token

    /// The process serves: a box without an owner gets its token, in the journal and in the note.
    ///
    /// The journal is for root and the groups `adm` and `systemd-journal`, the note for root: whoever reads there is the owner.
    func begin(at places: [WebPlace]) {
        place = places.first
        SetupNote.forget(in: stateDirectory)
        guard !isClaimed else { return }
        let link = leave(renewed())
        logger.notice(
            "The box waits to be claimed. Open \(link) within 24 hours.",
            metadata: ["code": "\(ControlProblem.unclaimed.code)"])
    }

    /// A new token for whoever asks on the machine; the former one is good no more.
    func renew(_ asker: Asker) throws -> Response {
        guard !isClaimed else { throw Refusal(.conflict, AccountProblem.claimed) }
        let text = renewed()
        _ = leave(text)
        logger.info("A new set-up token was made.", metadata: ["by": "\(asker.name)"])
        return try .json(NewToken(token: text.revealed, ends: .now + Double(SetupToken.lifetime.components.seconds)))
    }

    private func renewed() -> Redacted<String> {
        let text = SetupToken.make()
        token = SetupToken(text, now: .now())
        return text
    }

    /// - Returns: the link.
    private func leave(_ text: Redacted<String>) -> String {
        let link = SetupNote.link(place?.reachableURL() ?? "", text)
        let path = SetupNote.path(in: stateDirectory)
        do {
            try PrivateFile.write(Data(SetupNote.text(link).utf8), to: path)
        } catch {
            let problem = SetupProblem.note(path, why: "\(error)")
            logger.error("\(problem.sentence) \(problem.remedy)", metadata: ["code": "\(problem.code)"])
        }
        return link
    }

    // MARK: The claim

    /// Makes the owner's account for whoever has the token.
    ///
    /// - Returns: the owner, who is to be signed in.
    /// - Throws: a refusal: `setup.claimed`, `setup.wrong-token`, `setup.token-ended`, `account.bad-name`,
    ///   `account.password-too-short`.
    func claim(_ request: Request, source: String) async throws -> Account {
        let claim = try await request.json(as: Claim.self)
        guard !isClaimed else { throw Refusal(.conflict, AccountProblem.claimed) }
        // The token first: computing a hash costs, and nobody without one is worth it.
        try check(claim.token, source)
        guard let name = AccountName(claim.name) else { throw Refusal(.badRequest, AccountProblem.badName) }
        let hash = try await PeopleDesk.hash(claim.password)
        let shown = claim.displayName.flatMap { $0.isEmpty ? nil : $0 } ?? claim.name
        let account: Account
        do throws(Problem) {
            account = try await store.claim(
                name, displayName: shown, password: hash, language: claim.language, now: .now)
        } catch {
            guard error == AccountProblem.claimed else { throw error }
            throw Refusal(.conflict, error)
        }
        await wasClaimed(by: name.description, "\(name), from \(source)")
        await coreIsOpen(within: Self.patience)
        return account
    }

    private func check(_ text: Redacted<String>, _ source: String) throws {
        let verdict = token?.check(text, now: .now()) ?? .ended
        switch verdict {
        case .right: return
        case .ended: throw Refusal(.gone, SetupProblem.tokenEnded)
        case .wrong(let isLast):
            if isLast {
                SetupNote.forget(in: stateDirectory)
                let problem = SetupProblem.tokenBurnt
                logger.warning(
                    "\(problem.sentence) \(problem.remedy)",
                    metadata: ["code": "\(problem.code)", "from": "\(source)"])
            }
            throw Refusal(.forbidden, SetupProblem.wrongToken)
        }
    }

    /// The box has its first account, by the page or by a command of this machine.
    func wasClaimed(by name: String, _ detail: String) async {
        token = nil
        SetupNote.forget(in: stateDirectory)
        logger.notice("The box is claimed.", metadata: ["event": "box.claimed"])
        await trail.note(.claim, by: name, detail)
        if coreWaits { tellCore() }
    }

    // MARK: The core

    /// The connection to the core is there, or there again.
    ///
    /// - Parameter waits: it holds its ports shut. So does one that has lost its word of it, or comes to a restored box.
    func coreConnected(waits: Bool) async {
        coreWaits = waits
        telling?.cancel()
        if waits, isClaimed { tellCore() }
    }

    /// Nobody listens to the core any more.
    func coreEnded() { telling?.cancel() }

    /// The core answers by beginning anew: the connection is lost, and what is heard on the next one counts. One that could not
    /// write it down, or never heard of it, is told again.
    private func tellCore() {
        telling?.cancel()
        telling = Task { [weak self, control] in
            while !Task.isCancelled, await self?.coreWaits == true {
                _ = try? await control.send(.claimed)
                try? await Task.sleep(for: Self.repetition)
            }
        }
    }

    private func coreIsOpen(within limit: Duration) async {
        let deadline = MonotonicTime.now() + limit
        while coreWaits, MonotonicTime.now() < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }
}

extension WebPlace {
    /// With an address at which others reach the machine, where it serves on all of them.
    func reachableURL() -> String {
        guard address.host.isUnspecified else { return url() }
        let hosts = MachineAddresses.all()
        return url(host: hosts.first { !$0.isLoopback } ?? hosts.first)
    }
}
