import Ledger
import Logging
import Media
import SIPTransport
import Supervision
import Switchboard
import Systemd
import Wire

/// The parts that the core is made of, as its watchdog asks them and as people call them.
enum CorePart: String, CaseIterable {
    case sip = "SIP transport"
    case media = "media loop"
    case switchboard
    case storage
    case callLog = "call log"
    case clock
}

/// What the core's process consists of.
struct CoreParts: Sendable {
    /// A part that does not answer for so long hangs. With `WatchdogSec=5` it has some four seconds more until the end.
    static let patience: Duration = .seconds(2)
    /// How often the parts are asked where no service manager wants to know.
    static let unwatchedInterval: Duration = .seconds(20)

    /// Each write of the probe costs two blocks of the card's life.
    private static let callLogPause: Duration = .seconds(30)

    let switchboard: Switchboard
    let transport: SIPTransport
    let media: MediaEngine
    let storage: StorageProbe
    let callLog: CallLogger
    let clock: ClockProbe

    /// Asks each part to do what it is there for. None of the questions waits.
    func watchdog(_ notifier: Notifier) -> WatchdogDriver {
        WatchdogDriver(
            interval: Watchdog.interval() ?? Self.unwatchedInterval,
            // The switchboard first: a probe by SIP crosses it too, and the cause is to be named before what follows.
            // Both live on one loop, so that whichever blocks it holds up the other, and both are named.
            parts: [
                part(.switchboard) { answer in
                    Task {
                        await switchboard.probe()
                        answer(.passed)
                    }
                },
                part(.sip) { answer in transport.probe { answer(.passed) } },
                part(.media) { answer in media.probe { answer(.passed) } },
                WatchdogDriver.Part(
                    .init(
                        part: CorePart.storage.rawValue, deadline: StorageProbe.deadline, pause: StorageProbe.pause)
                ) { answer in storage.ask(answer) },
                WatchdogDriver.Part(
                    .init(part: CorePart.callLog.rawValue, deadline: StorageProbe.deadline, pause: Self.callLogPause)
                ) { answer in
                    Task { answer(await callLog.probe().map(Watchdog.Outcome.failed) ?? .passed) }
                },
                part(.clock) { answer in answer(clock.look()) },
            ], notifier: notifier)
    }

    private func part(
        _ part: CorePart, ask: @escaping @Sendable (@escaping WatchdogDriver.Answer) -> Void
    ) -> WatchdogDriver.Part {
        WatchdogDriver.Part(.init(part: part.rawValue, deadline: Self.patience), ask: ask)
    }
}

extension Logger {
    /// What the watchdog found out, for the journal.
    func report(_ news: WatchdogDriver.News) {
        switch news {
        case .hung(let part, let problem):
            critical("\(problem.sentence) \(problem.remedy)", metadata: ["code": "\(problem.code)", "part": "\(part)"])
        case .answeredAfterAll(let part, let after):
            warning(
                "The \(part) answers again, after \(Int(after.milliseconds)) ms.",
                metadata: ["code": "watchdog.answered-late", "part": "\(part)"])
        case .degraded(let part, let problem):
            error("\(problem.sentence) \(problem.remedy)", metadata: ["code": "\(problem.code)", "part": "\(part)"])
        case .mended(let part):
            notice("The \(part) works again.", metadata: ["event": "part.mended", "part": "\(part)"])
        }
    }
}
