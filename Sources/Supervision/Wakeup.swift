import CLinux
import Glibc
import Wire

/// Wakes a thread that waits, at the latest after a time that nobody who sets the clock can change.
///
/// `DispatchSemaphore.wait(timeout:)` ends at a moment of the wall clock (sem_timedwait(3)): set that back by an hour, and the
/// thread sleeps for an hour. poll(2) counts the time that passes.
final class Wakeup: Sendable {
    /// An eventfd(2); negative when the process had no descriptor left.
    private let descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
    /// How long a thread may miss a signal that there is no descriptor for.
    private static let blindTurn = Duration.milliseconds(50)

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// From any thread; never waits. Several signals before a wait are one.
    func signal() {
        var one: UInt64 = 1
        // A counter that is full has been signalled.
        _ = write(descriptor, &one, MemoryLayout.size(ofValue: one))
    }

    /// Returns after a signal, or when the time is over; sooner when a signal of the system comes.
    func wait(atMost time: Duration) {
        let time = descriptor < 0 ? min(time, Self.blindTurn) : time
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // Rounded up: a wait that is a little too short would be followed by another.
        let (milliseconds, rest) = max(0, time.nanoseconds).quotientAndRemainder(dividingBy: 1_000_000)
        guard poll(&polled, 1, CInt(clamping: milliseconds + (rest > 0 ? 1 : 0))) > 0 else { return }
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout.size(ofValue: count))
    }
}
