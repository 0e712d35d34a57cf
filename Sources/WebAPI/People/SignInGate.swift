import Accounts
import FoundationEssentials
import NIOPosix
import Wire

/// Lets few password guesses through: two computations at a time, and each wrong one makes the next for the same account from the
/// same source wait longer. Many live behind one address: one who guesses there does not hold up the others' accounts.
///
/// An account that is guessed at from many sources is slowed down as well, and so is a source that guesses at many accounts. A
/// browser that the account has signed in with before (``DeviceCookie``) is measured by its own mistakes alone, and one
/// computation is kept for those and for sources at which it is signed in: whoever guesses cannot lock anybody out.
actor SignInGate {
    enum Outcome: Equatable, Sendable {
        case right(Account)
        case wrong
        /// The password was right; a one-time password is asked for.
        case codeNeeded
        /// Seconds after which another attempt may be worth while.
        case refused(retryAfter: Int)
    }

    struct Attempt: Sendable {
        var name: String
        var password: Redacted<String>
        var code: Redacted<String>?
        /// One value for one attacker: an IPv4 address or the first half of an IPv6 address.
        var source: String
        /// A browser that this account has signed in with before, or a session of it; nil where nobody has proved to be that.
        var device: String?

        /// This machine itself: everybody's address behind a proxy that runs on it, and nobody's home.
        fileprivate var isFromHere: Bool { source.hasPrefix("127.") || source == "::/64" }

        fileprivate var place: Place {
            Place(name: AccountName(name), origin: device.map { .device($0) } ?? .source(source))
        }
    }

    fileprivate struct Place: Hashable {
        enum Origin: Hashable {
            case source(String)
            case device(String)
        }

        /// nil for a text that no account can have.
        var name: AccountName?
        var origin: Origin
    }

    private struct Failures {
        var count = 0
        var notBefore: MonotonicTime
    }

    private static let mostAtOnce = 2
    private static let mostWaiting = 32
    private static let mostKept = 4096
    /// How long a request is kept waiting at most.
    private static let patience = Duration.seconds(2)
    private static let look = Duration.milliseconds(25)
    /// After this time everything starts afresh.
    private static let memory = Duration.seconds(900)
    private static let firstDelay = 250
    private static let longestDelay = 30_000
    /// Failures after which an account, or a source, is slowed down: to a guess a second, and to half as many with every fifty
    /// more.
    private static let widePatience = 20
    private static func wideDelay(_ failures: Int) -> Int {
        failures < widePatience ? 0 : 1000 << min((failures - widePatience) / 50, 5)
    }

    private let store: AccountStore
    private var running = 0
    private var waiting = 0
    private var places: [Place: Failures] = [:]
    private var sources: [String: Failures] = [:]
    private var accounts: [AccountName: Failures] = [:]

    init(_ store: AccountStore) {
        self.store = store
    }

    /// - Throws: `account.file`.
    func verify(_ attempt: Attempt) async throws(Problem) -> Outcome {
        let name = AccountName(attempt.name)
        let isAtHome =
            attempt.device != nil
            || !attempt.isFromHere
                && name.map { name in
                    store.sessions(of: name, now: .now).contains { $0.source == attempt.source }
                } ?? false
        if let refusal = await wait(attempt, isAtHome: isAtHome) { return refusal }
        running += 1
        defer { running -= 1 }
        let hash = try await store.passwordHash(name)
        let password = attempt.password
        let isRight = (try? await NIOThreadPool.singleton.runIfActive { hash.matches(password) }) ?? false
        guard isRight, let name, let account = store.account(name), account.state == .active else {
            failed(attempt)
            return .wrong
        }
        if account.hasSecondFactor {
            guard let code = attempt.code else { return .codeNeeded }
            guard try await store.takes(code, from: name, now: .now) else {
                failed(attempt)
                return .wrong
            }
        }
        places[attempt.place] = nil
        accounts[name] = nil
        return .right(account)
    }

    private func wait(_ attempt: Attempt, isAtHome: Bool) async -> Outcome? {
        let deadline = MonotonicTime.now() + Self.patience
        while let pause = pause(attempt, isAtHome: isAtHome) {
            guard MonotonicTime.now() + min(pause, Self.look) < deadline, waiting < Self.mostWaiting,
                pause < Self.patience
            else { return .refused(retryAfter: max(1, Int(pause.components.seconds) + 1)) }
            waiting += 1
            try? await Task.sleep(for: min(pause, Self.look))
            waiting -= 1
            if Task.isCancelled { return .refused(retryAfter: 1) }
        }
        return nil
    }

    /// - Returns: nil if the attempt may be computed now.
    private func pause(_ attempt: Attempt, isAtHome: Bool) -> Duration? {
        let now = MonotonicTime.now()
        let place = attempt.place
        var ends = [places[place]?.notBefore]
        if attempt.device == nil { ends.append(sources[attempt.source]?.notBefore) }
        if !isAtHome, let name = place.name { ends.append(accounts[name]?.notBefore) }
        if let end = ends.compactMap({ $0 }).max(), end > now { return end - now }
        return running < Self.mostAtOnce + (isAtHome ? 1 : 0) ? nil : Self.look
    }

    private func failed(_ attempt: Attempt) {
        let now = MonotonicTime.now()
        let place = attempt.place
        Self.count(place, in: &places, now) { min(Self.longestDelay, Self.firstDelay << min($0, 8)) }
        if attempt.device == nil { Self.count(attempt.source, in: &sources, now, delay: Self.wideDelay) }
        // A name that nobody has is counted like any other: no difference tells which names there are.
        guard let name = place.name else { return }
        Self.count(name, in: &accounts, now, delay: Self.wideDelay)
    }

    /// - Parameter delay: milliseconds to wait after so many failures before this one.
    private static func count<Key>(
        _ key: Key, in kept: inout [Key: Failures], _ now: MonotonicTime, delay: (Int) -> Int
    ) {
        if kept.count >= mostKept {
            kept = kept.filter { $0.value.notBefore + memory > now }
            if kept.count >= mostKept, let oldest = kept.min(by: { $0.value.notBefore < $1.value.notBefore }) {
                kept[oldest.key] = nil
            }
        }
        let count = kept[key].flatMap { $0.notBefore + memory > now ? $0.count : nil } ?? 0
        kept[key] = Failures(count: count + 1, notBefore: now + .milliseconds(delay(count)))
    }
}
