import Glibc
import Logging
import Supervision
import Wire

/// The end of a process that was asked to end comes in any case: nothing that a disk, a peer or a fault of ours holds up may
/// keep the next start waiting.
///
///     0 s SIGTERM ── BYE to all ── 1.55 s at most ── call log, control socket, sockets ── 1.9 s at most: gone
enum EndingLimit {
    static let time: Duration = .milliseconds(1900)

    /// Begins to count. By a thread of its own: the pool of threads, or the loop, may be what hangs.
    ///
    /// What the call log has written by then is in the kernel's hands, and comes to the disk also when it was slow to say so.
    static func begin(_ log: Logger) {
        let deadline = MonotonicTime.now() + time
        _ = OwnThread.start(named: "sipcall.ending") {
            while MonotonicTime.now() < deadline {
                usleep(UInt32(clamping: (deadline - .now()).nanoseconds / 1000 + 1))
            }
            log.notice("The end is not waited for any longer; something, perhaps the disk, takes its time.")
            _exit(0)
        }
    }
}
