import CShims
import Ledger
import Wire

extension RetentionClock {
    private static let timesyncd = "/run/systemd/timesync"

    /// Reads the clocks, and whether the wall clock follows a time server.
    ///
    /// The kernel says it (adjtimex(2)), but not to a unit with ProtectClock=, which forbids that call even for reading. There
    /// systemd-timesyncd, Debian's default, says it with a file; nobody can tell when another program keeps the time.
    static func now() -> RetentionClock {
        var error = 0
        let answer = sipcall_clock_is_synchronised(&error)
        let isSynchronised: Bool? =
            if answer >= 0 {
                answer == 1
            } else if FileContents.text("\(timesyncd)/synchronized", atMost: 16) != nil {
                true
            } else if FileContents.names(in: timesyncd) != nil {
                false
            } else {
                nil
            }
        return RetentionClock(
            wall: .now(), sinceBoot: .nanoseconds(MonotonicTime.now().nanoseconds),
            // Hidden by ProcSubset=pid; a look counts for so little that it does without.
            boot: FileContents.text("/proc/sys/kernel/random/boot_id", atMost: 64) ?? "",
            isSynchronised: isSynchronised)
    }
}
