import Appliance
import Control
import Systemd
import Wire

/// Keeps `systemctl status` true: READY at the right moment (sockets bound, storage open, first registration attempted), then a sentence that follows the trunk and the calls. So does
/// the note for a crash report.
struct ServiceStatus {
    /// How long readiness waits for the first registration and for the disk. A provider that is away must not fail the unit's
    /// start, nor may a disk that does not answer keep calls from being taken.
    static let readinessTime: Duration = .seconds(4)

    /// The least time between two looks once the box is ready: on a busy one there is something new with every message.
    static let pause: Duration = .milliseconds(100)

    private let notifier: Notifier
    private let note: RunningNote
    private let whenReady: @Sendable () -> Void
    private let degraded: @Sendable () -> [(part: String, problem: Problem)]
    private let isStorageSettled: @Sendable () -> Bool
    private let snapshot: @Sendable () async -> ControlSnapshot
    /// Holds at most one: however much happened, the next look sees all of it.
    private let changes: AsyncStream<Void>
    private let change: AsyncStream<Void>.Continuation

    init(
        _ notifier: Notifier, note: RunningNote, whenReady: @escaping @Sendable () -> Void,
        degraded: @escaping @Sendable () -> [(part: String, problem: Problem)],
        isStorageSettled: @escaping @Sendable () -> Bool,
        snapshot: @escaping @Sendable () async -> ControlSnapshot
    ) {
        self.notifier = notifier
        self.note = note
        self.whenReady = whenReady
        self.degraded = degraded
        self.isStorageSettled = isStorageSettled
        self.snapshot = snapshot
        (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Something may have changed.
    func look() {
        change.yield()
    }

    /// Tells until it is cancelled; where there is no service manager, the note alone.
    func run() async {
        guard notifier.isSupervised else {
            whenReady()
            look()
            for await _ in changes {
                note.isDoing(Self.activity(await snapshot()))
                try? await Task.sleep(for: Self.pause)
            }
            return
        }
        let deadline = MonotonicTime.now() + Self.readinessTime
        let alarm = Task {
            try await Task.sleep(for: Self.readinessTime)
            look()
        }
        defer { alarm.cancel() }
        var isReady = false
        var isWritten = false
        var told = ""
        look()
        for await _ in changes {
            let snapshot = await snapshot()
            note.isDoing(Self.activity(snapshot))
            let isStorageSettled = isStorageSettled()
            let isWhole = snapshot.trunk.state != .registering && isStorageSettled
            guard isReady || isWhole || MonotonicTime.now() >= deadline else { continue }
            let sentence = Self.sentence(
                snapshot, degraded: degraded().map(\.problem) + (isStorageSettled ? [] : [Self.storageSilent]))
            if !isReady || sentence != told {
                // Before the manager is told: what it starts then looks for what is written here.
                if !isWritten { whenReady() }
                isWritten = true
                if isReady ? notifier.status(sentence) : notifier.ready(status: sentence) {
                    (isReady, told) = (true, sentence)
                } else {
                    // The manager is behind; it gets the newest state as soon as it reads again.
                    look()
                }
            }
            try? await Task.sleep(for: Self.pause)
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

    private static let storageSilent = Problem(
        code: "storage.silent", sentence: "The disk has not answered yet: records of calls wait in memory.",
        remedy: "Look for disk errors with: dmesg")

    /// A sentence as a part of a longer one.
    private static func clause(_ sentence: String) -> String {
        let bare = sentence.hasSuffix(".") ? sentence.dropLast() : sentence[...]
        return bare.prefix(1).lowercased() + bare.dropFirst()
    }
}
