import Accounts
import FoundationEssentials
import NIOPosix
import Wire

/// Lets few password guesses through: two computations at a time, and each wrong one makes its source wait longer.
///
/// An account that is guessed at from many sources is slowed down as well, but not for sources at which it is signed in, and
/// one computation is kept for those: whoever guesses cannot lock anybody out.
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
    /// After this time a source starts afresh.
    private static let memory = Duration.seconds(900)
    private static let firstDelay = 250
    private static let longestDelay = 30_000
    /// Failures after which an account is slowed down: to a guess a second, and to half as many with every fifty more.
    private static let accountPatience = 20
    private static func accountDelay(_ failures: Int) -> Int {
        failures < accountPatience ? 0 : 1000 << min((failures - accountPatience) / 50, 5)
    }

    private let store: AccountStore
    private var running = 0
    private var waiting = 0
    private var sources: [String: Failures] = [:]
    private var accounts: [AccountName: Failures] = [:]

    init(_ store: AccountStore) {
        self.store = store
    }

    /// - Throws: `account.file`.
    func verify(_ attempt: Attempt) async throws(Problem) -> Outcome {
        let name = AccountName(attempt.name)
        let isAtHome =
            name.map { name in
                store.sessions(of: name, now: .now).contains { $0.source == attempt.source }
            } ?? false
        if let refusal = await wait(name, attempt.source, isAtHome: isAtHome) { return refusal }
        running += 1
        defer { running -= 1 }
        let hash = try await store.passwordHash(name)
        let password = attempt.password
        let isRight = (try? await NIOThreadPool.singleton.runIfActive { hash.matches(password) }) ?? false
        guard isRight, let name, let account = store.account(name), account.state == .active else {
            failed(name, attempt.source)
            return .wrong
        }
        if account.hasSecondFactor {
            guard let code = attempt.code else { return .codeNeeded }
            guard try await store.takes(code, from: name, now: .now) else {
                failed(name, attempt.source)
                return .wrong
            }
        }
        sources[attempt.source] = nil
        accounts[name] = nil
        return .right(account)
    }

    private func wait(_ name: AccountName?, _ source: String, isAtHome: Bool) async -> Outcome? {
        let deadline = MonotonicTime.now() + Self.patience
        while let pause = pause(name, source, isAtHome: isAtHome) {
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

    /// - Returns: nil if an attempt of this source may be computed now.
    private func pause(_ name: AccountName?, _ source: String, isAtHome: Bool) -> Duration? {
        let now = MonotonicTime.now()
        if let known = sources[source], known.notBefore > now { return known.notBefore - now }
        if !isAtHome, let name, let known = accounts[name], known.notBefore > now { return known.notBefore - now }
        return running < Self.mostAtOnce + (isAtHome ? 1 : 0) ? nil : Self.look
    }

    private func failed(_ name: AccountName?, _ source: String) {
        let now = MonotonicTime.now()
        Self.count(source, in: &sources, now) { min(Self.longestDelay, Self.firstDelay << min($0, 8)) }
        // A name that nobody has is counted like any other: no difference tells which names there are.
        guard let name else { return }
        Self.count(name, in: &accounts, now, delay: Self.accountDelay)
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
