import NIOPosix
import Wire

/// Lets few password guesses through: two computations at a time, and each wrong one makes its source wait longer.
actor SignInGate {
    enum Outcome: Equatable, Sendable {
        case right
        case wrong
        /// Seconds after which another attempt may be worth while.
        case refused(retryAfter: Int)
    }

    private struct Source {
        var failures = 0
        var notBefore: MonotonicTime
    }

    private static let mostAtOnce = 2
    private static let mostWaiting = 32
    private static let mostSources = 4096
    /// How long a request is kept waiting at most.
    private static let patience = Duration.seconds(2)
    /// After this time a source starts afresh.
    private static let memory = Duration.seconds(900)
    private static let firstDelayMilliseconds = 250
    private static let longestDelayMilliseconds = 30_000

    private var password: AdminPassword
    private var running = 0
    private var waiting = 0
    private var sources: [String: Source] = [:]

    init(password: AdminPassword) {
        self.password = password
    }

    func replace(_ password: AdminPassword) {
        self.password = password
    }

    /// - Parameter source: one value for one attacker: an IPv4 address or the first half of an IPv6 address.
    func verify(_ attempt: Redacted<String>, from source: String) async -> Outcome {
        let deadline = MonotonicTime.now() + Self.patience
        while let pause = pause(for: source) {
            guard MonotonicTime.now() + min(pause, .milliseconds(25)) < deadline, waiting < Self.mostWaiting,
                pause < Self.patience
            else { return .refused(retryAfter: max(1, Int(pause.components.seconds) + 1)) }
            waiting += 1
            try? await Task.sleep(for: min(pause, .milliseconds(25)))
            waiting -= 1
            if Task.isCancelled { return .refused(retryAfter: 1) }
        }
        running += 1
        let password = password
        let isRight = (try? await NIOThreadPool.singleton.runIfActive { password.matches(attempt) }) ?? false
        running -= 1
        if isRight {
            sources[source] = nil
            return .right
        }
        failed(source)
        return .wrong
    }

    /// - Returns: nil if an attempt of this source may be computed now.
    private func pause(for source: String) -> Duration? {
        let now = MonotonicTime.now()
        if let known = sources[source], known.notBefore > now { return known.notBefore - now }
        return running < Self.mostAtOnce ? nil : .milliseconds(25)
    }

    private func failed(_ source: String) {
        let now = MonotonicTime.now()
        if sources.count >= Self.mostSources {
            sources = sources.filter { $0.value.notBefore + Self.memory > now }
            if sources.count >= Self.mostSources,
                let oldest = sources.min(by: { $0.value.notBefore < $1.value.notBefore })
            {
                sources[oldest.key] = nil
            }
        }
        var failures = 0
        if let known = sources[source], known.notBefore + Self.memory > now { failures = known.failures }
        let delay = min(Self.longestDelayMilliseconds, Self.firstDelayMilliseconds << min(failures, 8))
        sources[source] = Source(failures: failures + 1, notBefore: now + .milliseconds(delay))
    }
}
