import CLinux
import Glibc
import Wire

/// An epoll instance: which sockets can be read. Level-triggered, so that a socket with more waiting than one
/// batch takes its turn with the others.
final class Poller {
    static let mailbox: UInt64 = 0
    static let timer: UInt64 = 1
    static let browserPort: UInt64 = 2
    /// The smallest number that, doubled, is none of the above.
    static let firstFreeToken: UInt64 = 8

    private let descriptor: Int32

    init() throws(Problem) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw Self.noDescriptors }
    }

    deinit {
        close(descriptor)
    }

    func add(_ watched: Int32, token: UInt64) throws(Problem) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = token
        guard epoll_ctl(descriptor, EPOLL_CTL_ADD, watched, &event) == 0 else { throw Self.noDescriptors }
    }

    func remove(_ watched: Int32) {
        var event = epoll_event()
        epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, &event)
    }

    /// Waits until something can be read.
    /// - Returns: how many of `events` were filled.
    func wait(into events: UnsafeMutableBufferPointer<epoll_event>) -> Int {
        max(0, Int(epoll_wait(descriptor, events.baseAddress, Int32(truncatingIfNeeded: events.count), -1)))
    }

    private static let noDescriptors = Problem(
        code: "media.no-descriptors", sentence: "The system has no file descriptor left for the media loop.",
        remedy: "Raise LimitNOFILE of sipcall-core.")
}

/// A timer that ticks at the pace that is needed, and not at all when nothing is.
final class Ticker {
    enum Pace: Equatable {
        /// No leg is open.
        case stopped
        /// Reports, consent, silence.
        case slow
        /// Sound and digits of the box's own, and handshakes that may have to be repeated.
        case packets

        var milliseconds: Int {
            switch self {
            case .stopped: 0
            case .slow: 250
            case .packets: 20
            }
        }
    }

    let descriptor: Int32
    private var pace = Pace.stopped

    init() throws(Problem) {
        descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK | TFD_CLOEXEC))
        guard descriptor >= 0 else {
            throw Problem(code: "media.no-descriptors", sentence: "The system has no file descriptor left for a timer.")
        }
    }

    deinit {
        close(descriptor)
    }

    func set(_ pace: Pace) {
        guard pace != self.pace else { return }
        self.pace = pace
        let interval = timespec(tv_sec: 0, tv_nsec: pace.milliseconds * 1_000_000)
        var setting = itimerspec(it_interval: interval, it_value: interval)
        timerfd_settime(descriptor, 0, &setting, nil)
    }

    /// How many ticks passed since it was asked last.
    func expirations() -> Int {
        var count: UInt64 = 0
        guard read(descriptor, &count, MemoryLayout<UInt64>.size) == MemoryLayout<UInt64>.size else { return 0 }
        return Int(clamping: count)
    }
}
