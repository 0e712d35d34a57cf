import Control
import Systemd
import Wire

/// Keeps `systemctl status` true: READY at the right moment, then a sentence that follows the trunk and the calls.
struct ServiceStatus {
    /// How long readiness waits for the first registration. A provider that is away must not fail the unit's start.
    static let registrationTime: Duration = .seconds(4)

    private let notifier: Notifier
    private let whenReady: @Sendable () -> Void
    private let degraded: @Sendable () -> [(part: String, problem: Problem)]
    private let snapshot: @Sendable () async -> ControlSnapshot
    /// Holds at most one: however much happened, the next look sees all of it.
    private let changes: AsyncStream<Void>
    private let change: AsyncStream<Void>.Continuation

    init(
        _ notifier: Notifier, whenReady: @escaping @Sendable () -> Void,
        degraded: @escaping @Sendable () -> [(part: String, problem: Problem)],
        snapshot: @escaping @Sendable () async -> ControlSnapshot
    ) {
        self.notifier = notifier
        self.whenReady = whenReady
        self.degraded = degraded
        self.snapshot = snapshot
        (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Something may have changed.
    func look() {
        change.yield()
    }

    /// Tells the service manager until it is cancelled; does nothing where there is none.
    func run() async {
        guard notifier.isSupervised else { return whenReady() }
        let deadline = MonotonicTime.now() + Self.registrationTime
        let alarm = Task {
            try await Task.sleep(for: Self.registrationTime)
            look()
        }
        defer { alarm.cancel() }
        var isReady = false
        var told = ""
        look()
        for await _ in changes {
            let snapshot = await snapshot()
            guard isReady || snapshot.trunk.state != .registering || MonotonicTime.now() >= deadline else { continue }
            let sentence = Self.sentence(snapshot, degraded: degraded().map(\.problem))
            guard !isReady || sentence != told else { continue }
            if isReady ? notifier.status(sentence) : notifier.ready(status: sentence) {
                if !isReady { whenReady() }
                (isReady, told) = (true, sentence)
            } else {
                // The manager is behind; it gets the newest state as soon as it reads again.
                try? await Task.sleep(for: .milliseconds(100))
                look()
            }
        }
    }

    /// `registered, 2 calls`: for a crash report, which names nobody.
    static func activity(_ snapshot: ControlSnapshot) -> String {
        let trunk = snapshot.trunk.state
        return "\(trunk == .none ? "no provider" : trunk.rawValue), \(Set(snapshot.calls.map(\.call)).count) calls"
    }

    /// `Telnyx registered, 2 calls, no new ones are taken, storage is full: nothing new can be kept`
    static func sentence(_ snapshot: ControlSnapshot, degraded: [Problem] = []) -> String {
        let trunk = snapshot.trunk
        let account =
            switch trunk.state {
            case .none: "No provider is set up"
            case .registering: "\(trunk.name) is being registered"
            case .registered: "\(trunk.name) registered"
            case .ready: "\(trunk.name) ready"
            case .failed where trunk.answers == false:
                "\(trunk.name) not reachable (\(trunk.problem?.sentence.dropLast() ?? "no reason known"))"
            case .failed: "\(trunk.name) not registered (\(trunk.problem?.sentence.dropLast() ?? "no reason known"))"
            }
        let calls = Set(snapshot.calls.map(\.call)).count
        let figure =
            switch calls {
            case 0: "no calls"
            case 1: "1 call"
            default: "\(calls) calls"
            }
        let draining = snapshot.draining ? ["no new ones are taken"] : []
        return ([account, figure] + draining + degraded.map { clause($0.sentence) }).joined(separator: ", ")
    }

    /// A sentence as a part of a longer one.
    private static func clause(_ sentence: String) -> String {
        let bare = sentence.hasSuffix(".") ? sentence.dropLast() : sentence[...]
        return bare.prefix(1).lowercased() + bare.dropFirst()
    }
}
