import Glibc
import Synchronization

/// The journal's native socket, written to without ever waiting.
///
/// Lines that the journal cannot take, because it is stopped or its disk stalls, are counted; the next that gets
/// through says how many are missing.
package final class Journal: Sendable {
    /// Where journald listens; systemd holds the socket, so that it outlives every restart of journald.
    package static let socket = "/run/systemd/journal/socket"

    private let sender: LocalDatagramSender
    private let lost = Atomic<Int>(0)

    /// - Returns: nil when there is no descriptor left or the path is none.
    package init?(socket: String = Journal.socket) {
        guard let sender = LocalDatagramSender(path: socket) else { return nil }
        self.sender = sender
    }

    /// - Returns: nil unless standard error is the journal's, so that whoever redirects it gets the lines there
    ///   (systemd.exec(5), `JOURNAL_STREAM`).
    package static func behindStandardError() -> Journal? {
        guard let announced = getenv("JOURNAL_STREAM"), isStream(String(cString: announced), descriptor: 2) else {
            return nil
        }
        return Journal()
    }

    /// - Parameter announced: the stream's device and inode numbers, decimal, with a colon between.
    static func isStream(_ announced: String, descriptor: CInt) -> Bool {
        let numbers = announced.split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count == 2, let device = UInt64(numbers[0]), let inode = UInt64(numbers[1]) else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
    }

    func write(_ entry: JournalEntry) {
        var entry = entry
        let missing = lost.exchange(0, ordering: .relaxed)
        if missing > 0 { entry.add("SIPCALL_LOST_LINES", "\(missing)") }
        if !sender.send(entry.bytes) { lost.add(missing + 1, ordering: .relaxed) }
    }

    /// How many lines wait to be reported as missing.
    var lostLines: Int { lost.load(ordering: .relaxed) }
}
