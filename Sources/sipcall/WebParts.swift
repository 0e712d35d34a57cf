import Logging
import Supervision
import Systemd
import WebAPI
import Wire

/// The parts that the web process is made of, as its watchdog asks them and as people call them.
enum WebPart: String {
    case listener = "web listener"
    case hub = "phone hub"
    case ledger
}

extension WebServer {
    /// A part that does not answer for so long hangs. With `WatchdogSec=10` it has some seven seconds more until the end.
    private static let patience: Duration = .seconds(3)
    /// How often the parts are asked where no service manager wants to know.
    private static let unwatchedInterval: Duration = .seconds(40)

    /// Asks each part to do what it is there for. None of the questions waits.
    func watchdog(_ notifier: Notifier) -> WatchdogDriver {
        WatchdogDriver(
            interval: Watchdog.interval() ?? Self.unwatchedInterval,
            parts: [
                part(.hub) { await $0.probeHub() }, part(.listener) { await $0.probeListener() },
                part(.ledger, deadline: StorageProbe.deadline, pause: StorageProbe.pause) { await $0.probeLedger() },
            ], notifier: notifier)
    }

    private func part(
        _ part: WebPart, deadline: Duration = Self.patience, pause: Duration = .zero,
        _ ask: @escaping @Sendable (WebServer) async -> Problem?
    ) -> WatchdogDriver.Part {
        WatchdogDriver.Part(.init(part: part.rawValue, deadline: deadline, pause: pause)) { answer in
            Task { answer(await ask(self).map(Watchdog.Outcome.failed) ?? .passed) }
        }
    }
}
