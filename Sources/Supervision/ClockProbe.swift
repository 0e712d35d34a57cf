import Synchronization
package import Systemd
package import Wire

/// Whether the wall clock can be believed, and whether somebody has set it.
///
/// No call hangs on that clock, because every deadline counts the time since boot. But certificates are judged by it and
/// records carry it, so a clock that is plainly wrong belongs in the status, and a jump in the journal: it explains why the
/// lines around it are hours apart.
package final class ClockProbe: Sendable {
    /// A daemon that disciplines the clock slews it by less between two looks; whoever sets it moves it further.
    package static let noticeable = Duration.seconds(2)

    private let ahead: Mutex<Duration>
    private let jumped: @Sendable (Problem) -> Void

    /// - Parameter jumped: is told of each jump; must return at once.
    package init(
        wall: WallTime = .now(), sinceBoot: MonotonicTime = .now(), jumped: @escaping @Sendable (Problem) -> Void
    ) {
        ahead = Mutex(Self.ahead(wall, sinceBoot))
        self.jumped = jumped
    }

    /// One look.
    package func look(wall: WallTime = .now(), sinceBoot: MonotonicTime = .now()) -> Watchdog.Outcome {
        let now = Self.ahead(wall, sinceBoot)
        let moved = ahead.withLock { ahead in
            defer { ahead = now }
            return now - ahead
        }
        if moved >= Self.noticeable || moved <= .zero - Self.noticeable { jumped(Self.jump(by: moved, to: wall)) }
        return wall.isPlausible ? .passed : .failed(Self.wrong(wall))
    }

    /// By how much the wall clock is ahead of the time since boot: constant until somebody sets it.
    private static func ahead(_ wall: WallTime, _ sinceBoot: MonotonicTime) -> Duration {
        .milliseconds(wall.milliseconds) - .nanoseconds(sinceBoot.nanoseconds)
    }

    private static func jump(by moved: Duration, to wall: WallTime) -> Problem {
        Problem(
            code: "clock.jumped",
            sentence: "The clock was set \(moved < .zero ? "back" : "forward") by \(words(moved)); it is \(wall) now.",
            remedy: "Calls and the registration count the time since boot and go on.")
    }

    private static func wrong(_ wall: WallTime) -> Problem {
        Problem(
            code: "clock.wrong", sentence: "The clock is wrong: it says \(wall.description.prefix(10)).",
            remedy: "Let the machine follow a time server (apt install systemd-timesyncd). Calls go on.")
    }

    /// To the nearest unit: a look is always a little later than the setting.
    private static func words(_ moved: Duration) -> String {
        let seconds = moved.components.seconds.magnitude
        return switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\((seconds + 30) / 60) min"
        case ..<172_800: "\((seconds + 1_800) / 3_600) h"
        default: "\((seconds + 43_200) / 86_400) days"
        }
    }
}
