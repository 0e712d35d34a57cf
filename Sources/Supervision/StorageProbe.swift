import Dispatch
import Glibc
import Synchronization
import Systemd
package import Wire

/// Whether a directory still takes what must not be lost: writes a small file, has it on the disk, and puts it in the
/// former one's place, as whoever keeps anything does.
///
/// On a thread of its own, because a disk that stalls holds whoever writes to it. A write that fails is an answer; one that
/// does not return is none.
package final class StorageProbe: Sendable {
    /// A disk may stall for seconds (an SD card that tidies up, a disk that spins up) and be well.
    package static let deadline = Duration.seconds(30)
    /// Each probe costs a few blocks of the card's life: about 200 MB of writes a day at this pace.
    package static let pause = Duration.seconds(10)

    private static let bytes = [UInt8](repeating: UInt8(ascii: "\n"), count: 4096)

    private let directory: String
    private let asked = Mutex<[WatchdogDriver.Answer]>([])
    private let wake = DispatchSemaphore(value: 0)

    private init(directory: String) {
        self.directory = directory
    }

    /// - Throws: `watchdog.no-thread`.
    package static func start(directory: String) throws(Problem) -> StorageProbe {
        let probe = StorageProbe(directory: directory)
        guard OwnThread.start(named: "storage probe", { probe.run() }) else {
            throw Problem(
                code: "watchdog.no-thread", sentence: "The system has no thread left for the watchdog.",
                remedy: "Raise TasksMax= of the unit, or end what uses up the machine's threads.")
        }
        return probe
    }

    /// Returns at once; the answer comes from the probe's thread.
    package func ask(_ answer: @escaping WatchdogDriver.Answer) {
        asked.withLock { $0.append(answer) }
        wake.signal()
    }

    private func run() {
        while true {
            wake.wait()
            let answers = asked.withLock { asked in
                defer { asked = [] }
                return asked
            }
            guard !answers.isEmpty else { continue }
            let outcome = Self.write(in: directory)
            for answer in answers { answer(outcome) }
        }
    }

    #if DEBUG
        /// Blocks the probe's thread for good, as a disk would that never comes back.
        package func wedge() {
            ask { _ in while true { sleep(60) } }
        }
    #endif

    static func write(in directory: String) -> Watchdog.Outcome {
        let (new, old) = ("\(directory)/storage-probe.new", "\(directory)/storage-probe")
        let descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return .failed(problem(errno)) }
        let errnoCode = fill(descriptor)
        let closed = close(descriptor) == 0 ? 0 : errno
        guard errnoCode == 0, closed == 0, rename(new, old) == 0 else {
            let reason = errnoCode != 0 ? errnoCode : closed != 0 ? closed : errno
            unlink(new)
            return .failed(problem(reason))
        }
        return .passed
    }

    /// - Returns: 0, or the error's number.
    private static func fill(_ descriptor: CInt) -> CInt {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            written += count
        }
        while fsync(descriptor) != 0 {
            guard errno == EINTR else { return errno }
        }
        return 0
    }

    private static func problem(_ errnoCode: CInt) -> Problem {
        switch errnoCode {
        case ENOSPC, EDQUOT:
            Problem(
                code: "storage.full", sentence: "Storage is full: nothing new can be kept.",
                remedy: "Delete what is not needed (df -h and du show where), or enlarge the disk. Calls go on.")
        case EROFS:
            Problem(
                code: "storage.read-only", sentence: "Storage is read-only: nothing new can be kept.",
                remedy:
                    "Look into the kernel's log (journalctl -k): a failing disk is often made read-only. Calls go on.")
        default:
            Problem(
                code: "storage.failing",
                sentence: "Storage fails (\(reason(errnoCode))): nothing new can be kept.",
                remedy: "Check the disk and the rights of the state directory. Calls go on.")
        }
    }

    private static func reason(_ errnoCode: CInt) -> String {
        strerror(errnoCode).map { String(cString: $0).lowercased() } ?? "error \(errnoCode)"
    }
}
