import Appliance
import Control
import Glibc
import Logging
import NIOCore
import Supervision
import Switchboard
import Systemd
import Wire

/// What the core knows of the box having an owner: `core/claimed`. The accounts are another user's, and web may be away.
///
/// A spool counts as well: only the core of a claimed box makes one, and those of versions that knew no claim did.
struct ClaimMark {
    private let path: String
    private let spool: String

    init(state: String) {
        (path, spool) = ("\(state)/core/claimed", "\(state)/core/spool.sqlite")
    }

    var isThere: Bool { isLeft || access(spool, F_OK) == 0 }

    private var isLeft: Bool { access(path, F_OK) == 0 }

    /// A backup carries the mark and no spool: without it the box that is restored from one would wait for an owner.
    func leaveBesideSpool() { if !isLeft { _ = leave() } }

    /// - Returns: false when the disk refuses: the box is claimed all the same, and web says so again after a restart.
    func leave() -> Bool { SmallFile.replace(path, with: Array("claimed\n".utf8), durable: true) }
}

/// The core of a box that nobody has claimed: no SIP port and no media port is open, and nothing registers anywhere.
///
///     READY, "waits to be claimed" ──claimed (web)──▶ the control socket closes; the core begins as on every other box
///                                  └──asked to end──▶ the end
struct UnclaimedCore: Sendable {
    static let sentence = "waits to be claimed: sipcall setup-url"
    private enum End { case claimed, stop }

    let box: BoxOptions
    let notifier: Notifier
    let note: RunningNote
    let whenReady: @Sendable () -> Void
    let log: Logger
    private let began = MonotonicTime.now()

    init(
        box: BoxOptions, notifier: Notifier, note: RunningNote, whenReady: @escaping @Sendable () -> Void, log: Logger
    ) {
        (self.box, self.notifier, self.note, self.log) = (box, notifier, note, log)
        self.whenReady = whenReady
    }

    /// - Returns: false when the process was asked to end.
    /// - Throws: `control.already-running`, `control.cannot-listen`, `watchdog.no-thread`.
    func wait() async throws -> Bool {
        let (claims, claimed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let control = try await ControlServer.start(
            path: box.controlSocket, webPath: box.webSocket, logger: log,
            handler: { handle($0, claimed) }, snapshot: { Self.snapshot })
        let watchdog = watchdog()
        try watchdog.start { news in
            log.report(news)
            note.follow(news)
        }
        note.isDoing(Self.sentence)
        whenReady()
        notifier.ready(status: Self.sentence)
        let waiting = ControlProblem.unclaimed
        log.notice("\(waiting.sentence) \(waiting.remedy)", metadata: ["code": "\(waiting.code)"])
        let end = await withTaskGroup(of: End.self) { group in
            group.addTask {
                for await _ in claims { break }
                return .claimed
            }
            group.addTask {
                await Shutdown.requested(with: Lifeline.inherited())
                return .stop
            }
            defer { group.cancelAll() }
            return await group.next() ?? .stop
        }
        if end == .stop { notifier.stopping() }
        // Before the ports are opened: whoever asks next asks the core that has them.
        await control.stop()
        watchdog.stop()
        return end == .claimed
    }

    private func handle(_ command: ControlCommand, _ claimed: AsyncStream<Void>.Continuation) -> ControlReply {
        switch command {
        case .claimed:
            if !ClaimMark(state: box.stateDirectory).leave() {
                log.warning(
                    "The disk does not take it that the box is claimed; after a restart the core waits for the web process.",
                    metadata: ["code": "setup.mark-not-kept"])
            }
            claimed.yield()
            return .done
        case .status:
            return .status(status)
        // There are no calls, so there are no records; the key comes again with the next connection.
        case .ledger, .filed: return .done
        case .sealedRecords(let position): return .sealedRecords([], last: position)
        case .reload: return reload()
        default: return .failed(ControlProblem.unclaimed)
        }
    }

    /// All of it is read when the ports open; a mistake is told now.
    private func reload() -> ControlReply {
        do {
            _ = try box.loadConfiguration()
            return .reloaded(notices: [])
        } catch {
            let problem = SettingsKeeper.problem(error)
            log.error("\(problem.sentence)", metadata: ["code": "\(problem.code)"])
            return .configurationRejected(problem)
        }
    }

    private var status: BoxStatus {
        let figures = ProcessFigures.read()
        var status = BoxStatus(
            version: productVersion, uptimeSeconds: Int((MonotonicTime.now() - began).components.seconds),
            openDescriptors: figures.openDescriptors, threads: figures.threads, residentBytes: figures.residentBytes)
        status.waitsToBeClaimed = true
        return status
    }

    private static var snapshot: ControlSnapshot {
        var snapshot = ControlSnapshot(trunk: TrunkStatus())
        snapshot.waitsToBeClaimed = true
        return snapshot
    }

    /// One part, which answers as long as the process has threads that run.
    private func watchdog() -> WatchdogDriver {
        WatchdogDriver(
            interval: Watchdog.interval() ?? CoreParts.unwatchedInterval,
            parts: [
                WatchdogDriver.Part(.init(part: "control", deadline: CoreParts.patience)) { answer in
                    Task { answer(.passed) }
                }
            ], notifier: notifier)
    }
}
